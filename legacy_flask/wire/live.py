"""The live portfolio."""

from legacy_flask.wire import Json
from shared_services.live.model import (
    DataQuality,
    FailedMarket,
    LiveMarket,
    LivePosition,
    MarketOverview,
    Performance,
    PositionValue,
    Snapshot,
    Verdict,
)
from shared_services.wire import iso_n, number


def snapshot(value: Snapshot) -> Json:
    return {
        "status": "success",
        "available_balance": number(value.available_balance),
        "market_data_quality": dict(value.market_data_quality),
        "positions": [_position(one) for one in value.positions],
        "total_value": number(value.total_value),
        "total_unrealized_pnl": number(value.total_unrealized_pnl),
        "total_unrealized_pnl_pct": number(value.total_unrealized_pnl_pct),
        "timestamp": iso_n(value.timestamp),
    }


def position_value(value: PositionValue) -> Json:
    return {
        "status": "success",
        "symbol": value.symbol,
        "amount": number(value.amount),
        "current_price": number(value.current_price),
        "market_value": number(value.market_value),
        "timestamp": iso_n(value.timestamp),
    }


def verdict(value: Verdict) -> Json:
    return {
        "status": "success",
        "valid": value.valid,
        "reason": value.reason,
        "available_balance": number(value.available_balance),
        "current_price": number(value.current_price),
        "trade_value": number(value.trade_value),
    }


def performance(value: Performance) -> Json:
    return {
        "status": "success",
        "cash_allocation_pct": number(value.cash_allocation_pct),
        "current_value": number(value.current_value),
        "largest_position": number(value.largest_position),
        "position_count": value.position_count,
        "unrealized_pnl": number(value.unrealized_pnl),
        "unrealized_pnl_pct": number(value.unrealized_pnl_pct),
        "timestamp": iso_n(value.timestamp),
    }


def overview(value: MarketOverview) -> Json:
    return {
        "status": "success",
        "market_overview": [
            _failed(one) if isinstance(one, FailedMarket) else _market(one)
            for one in value.market_overview
        ],
        "timestamp": None if value.timestamp is None else iso_n(value.timestamp),
    }


def _position(value: LivePosition) -> Json:
    return {
        "symbol": value.symbol,
        "amount": number(value.amount),
        "entry_price": number(value.entry_price),
        "current_price": number(value.current_price),
        "market_value": number(value.market_value),
        "unrealized_pnl": number(value.unrealized_pnl),
        "unrealized_pnl_pct": number(value.unrealized_pnl_pct),
        "timestamp": iso_n(value.timestamp),
    }


def _market(value: LiveMarket) -> Json:
    changes = {
        "price_change_24h": value.price_change_24h,
        "price_change_pct": value.price_change_pct,
    }
    return {
        "symbol": value.symbol,
        "current_price": number(value.current_price),
        "best_bid": number(value.best_bid),
        "best_ask": number(value.best_ask),
        "spread": number(value.spread),
        "volume_24h": number(value.volume_24h),
        **{name: number(change) for name, change in changes.items() if change is not None},
        "volatility_pct": value.volatility_pct,
        "data_quality": _quality(value.data_quality),
        "timestamp": iso_n(value.timestamp),
    }


def _quality(value: DataQuality) -> Json:
    return {
        "data_freshness_seconds": value.data_freshness_seconds,
        "ohlcv_rows": value.ohlcv_rows,
        "orderbook_levels": value.orderbook_levels,
        "ticker_complete": value.ticker_complete,
    }


def _failed(value: FailedMarket) -> Json:
    return {"symbol": value.symbol, "error": value.error, "timestamp": None}
