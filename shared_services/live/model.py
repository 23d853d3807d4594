"""The live portfolio: what the account and the market are at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared_services.exchange.model import Side


@dataclass(frozen=True, slots=True)
class TradeQuestion:
    """Could this be traded? `symbol` is unified, `amount` in its base currency and above 0."""

    symbol: str
    amount: Decimal
    side: Side


@dataclass(frozen=True, slots=True)
class LivePosition:
    """What is held of one requested symbol; money in USD, `unrealized_pnl_pct` of the cost."""

    symbol: str
    amount: Decimal
    entry_price: Decimal
    current_price: Decimal
    market_value: Decimal
    unrealized_pnl: Decimal
    unrealized_pnl_pct: Decimal
    timestamp: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`market_data_quality` tells of each requested symbol whether its price could be read."""

    available_balance: Decimal
    market_data_quality: Mapping[str, bool]
    positions: tuple[LivePosition, ...]
    total_value: Decimal
    total_unrealized_pnl: Decimal
    total_unrealized_pnl_pct: Decimal
    timestamp: int


@dataclass(frozen=True, slots=True)
class PositionValue:
    symbol: str
    amount: Decimal
    current_price: Decimal
    market_value: Decimal
    timestamp: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the account could pay or deliver; `reason` says why either way."""

    valid: bool
    reason: str
    available_balance: Decimal
    current_price: Decimal
    trade_value: Decimal


@dataclass(frozen=True, slots=True)
class Performance:
    cash_allocation_pct: Decimal
    current_value: Decimal
    largest_position: Decimal
    position_count: int
    unrealized_pnl: Decimal
    unrealized_pnl_pct: Decimal
    timestamp: int


@dataclass(frozen=True, slots=True)
class DataQuality:
    """What a market was made of; the freshness is the age of the ticker in seconds."""

    data_freshness_seconds: float
    ohlcv_rows: int
    orderbook_levels: int
    ticker_complete: bool


@dataclass(frozen=True, slots=True)
class LiveMarket:
    """`volatility_pct` is the sample deviation of the bar-to-bar changes, in percent."""

    symbol: str
    current_price: Decimal
    best_bid: Decimal
    best_ask: Decimal
    spread: Decimal
    volume_24h: Decimal
    price_change_24h: Decimal | None
    price_change_pct: Decimal | None
    volatility_pct: float
    data_quality: DataQuality
    timestamp: int


@dataclass(frozen=True, slots=True)
class FailedMarket:
    """Stands in the place of a symbol that could not be read."""

    symbol: str
    error: str
    timestamp: None = None


@dataclass(frozen=True, slots=True)
class MarketOverview:
    """`timestamp` is that of the first entry."""

    market_overview: tuple[LiveMarket | FailedMarket, ...]
    timestamp: int | None
