"""Shapes of the live portfolio."""

from typing import Annotated, Literal

from pydantic import Field

from fastapi_app.schemas import Absent, Error, IsoN, Number, Wire


def _is_none(value: object) -> bool:
    return value is None


Change = Annotated[Number | Absent, Field(exclude_if=_is_none)]
"""Absent if the exchange does not report it, beside fields that can be null."""


class LiveError(Error):
    status: Literal["error"] = "error"


class TradeIn(Wire):
    """As a client may send it."""

    symbol: str
    amount: float | str = Field(description="Above 0")
    type: Literal["buy", "sell"]


class Success(Wire):
    status: Literal["success"] = "success"


class LivePositionOut(Wire):
    symbol: str
    amount: Number
    entry_price: Number
    current_price: Number
    market_value: Number
    unrealized_pnl: Number
    unrealized_pnl_pct: Number
    timestamp: IsoN


class SnapshotOut(Success):
    available_balance: Number
    market_data_quality: dict[str, bool]
    positions: list[LivePositionOut]
    total_value: Number
    total_unrealized_pnl: Number
    total_unrealized_pnl_pct: Number
    timestamp: IsoN


class PositionValueOut(Success):
    symbol: str
    amount: Number
    current_price: Number
    market_value: Number
    timestamp: IsoN


class VerdictOut(Success):
    valid: bool
    reason: str
    available_balance: Number
    current_price: Number
    trade_value: Number


class PerformanceOut(Success):
    cash_allocation_pct: Number
    current_value: Number
    largest_position: Number
    position_count: int
    unrealized_pnl: Number
    unrealized_pnl_pct: Number
    timestamp: IsoN


class DataQualityOut(Wire):
    data_freshness_seconds: float
    ohlcv_rows: int
    orderbook_levels: int
    ticker_complete: bool


class LiveMarketOut(Wire):
    symbol: str
    current_price: Number
    best_bid: Number
    best_ask: Number
    spread: Number
    volume_24h: Number
    price_change_24h: Change = None
    price_change_pct: Change = None
    volatility_pct: float
    data_quality: DataQualityOut
    timestamp: IsoN


class FailedMarketOut(Wire):
    symbol: str
    error: str
    timestamp: None


Entry = Annotated[FailedMarketOut | LiveMarketOut, Field(union_mode="left_to_right")]


class MarketOverviewOut(Success):
    market_overview: list[Entry]
    timestamp: IsoN | None
