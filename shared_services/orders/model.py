"""An order as clients send it and as they see it."""

from dataclasses import dataclass
from decimal import Decimal

from shared_services.exchange.model import OrderStatus, OrderType, PositionType, Side


@dataclass(frozen=True, slots=True)
class OrderCommand:
    """A valid order request; equal commands are the same request. Amounts are above 0."""

    symbol: str
    type: OrderType
    side: Side
    amount: Decimal
    price: Decimal | None
    position_type: PositionType
    leverage: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A command and the two names its sender may have given it."""

    command: OrderCommand
    client_order_id: str | None
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """`symbol` is unified; `price` is the limit, or the average price of a market order's fills."""

    id: str
    symbol: str
    type: OrderType
    side: Side
    amount: Decimal
    filled: Decimal
    remaining: Decimal
    price: Decimal
    status: OrderStatus
    position_type: PositionType
    timestamp: int
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """`replayed`: this is the first answer again, nothing was sent."""

    order: Order
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class ClosedOrder:
    """An order that is no longer open; `cost` and `fee` in the quote currency."""

    id: str
    symbol: str
    order_type: OrderType
    side: Side
    amount: Decimal
    filled: Decimal
    remaining: Decimal
    price: Decimal
    cost: Decimal
    fee: Decimal
    status: OrderStatus
    timestamp: int
