"""What an exchange speaks of. Symbols are unified, amounts in the base currency."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class PositionType(StrEnum):
    SPOT = "spot"
    MARGIN = "margin"


class OrderStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    """Filled completely."""
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Instrument:
    """What can be traded, and in which steps."""

    symbol: str
    base: str
    quote: str
    price_decimals: int
    amount_decimals: int
    minimum_amount: Decimal
    maximum_amount: Decimal
    maximum_price: Decimal


@dataclass(frozen=True, slots=True)
class Ticker:
    symbol: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    timestamp: int


@dataclass(frozen=True, slots=True)
class Level:
    """One price of an order book and what can be had there."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    currency: str
    total: Decimal
    available: Decimal


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it is sent. `client_id` is ours: an unknown outcome is looked up by it."""

    client_id: str
    symbol: str
    type: OrderType
    side: Side
    amount: Decimal
    price: Decimal | None
    position_type: PositionType = PositionType.SPOT
    leverage: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """An order as the exchange knows it. `price` is the limit; `cost` and `fee` in the quote."""

    id: str
    client_id: str | None
    symbol: str
    type: OrderType
    side: Side
    amount: Decimal
    filled: Decimal
    price: Decimal | None
    cost: Decimal
    fee: Decimal
    status: OrderStatus
    timestamp: int

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.filled

    @property
    def average(self) -> Decimal:
        """Average price of the fills; 0 while there is none."""
        return self.cost / self.filled if self.filled else Decimal(0)


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. `id` is unique; `fee` is in the quote currency."""

    id: str
    order_id: str
    symbol: str
    side: Side
    amount: Decimal
    price: Decimal
    fee: Decimal
    timestamp: int


@dataclass(frozen=True, slots=True)
class FillReport:
    """`cursor` stands for everything reported up to now: ask with it for what comes after."""

    fills: tuple[Fill, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class MarginPosition:
    """A position the exchange itself keeps; `side` is `long` or `short`, `amount` above 0."""

    id: str
    symbol: str
    side: str
    amount: Decimal
    entry_price: Decimal
    mark_price: Decimal
    pnl: Decimal
    pnl_percentage: Decimal
    notional: Decimal
    collateral: Decimal
    leverage: Decimal
    maintenance_margin: Decimal
    margin_mode: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class Limitations:
    is_paper_trading: bool
    limitations: tuple[str, ...]
    margin_trading_available: bool
    supported_order_types: tuple[str, ...]
