"""What an exchange speaks of. Symbols are unified, amounts in the base currency."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final


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
    """Prices at `timestamp` (ms); volume and changes of 24 h, the changes only if they are told."""

    symbol: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    timestamp: int
    volume: Decimal
    change: Decimal | None = None
    change_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One price of an order book and what can be had there."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Best level first: bids descending, asks ascending; `timestamp` in ms."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    timestamp: int


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar; `timestamp` (ms) is its start. The newest one of a list may still be growing."""

    timestamp: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade at `timestamp` (ms); `amount` is negative for a sell."""

    id: str
    price: Decimal
    amount: Decimal
    timestamp: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What kind of market an exchange offers under `symbol`."""

    symbol: str
    base: str
    quote: str
    active: bool
    type: str
    spot: bool
    margin: bool
    future: bool
    option: bool
    contract: bool


TIMEFRAMES: Final[Mapping[str, int]] = {
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "3h": 10_800_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
    "1w": 604_800_000,
}
"""Length of a bar in ms, by what clients call it."""


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
