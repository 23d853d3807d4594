"""Balances, positions and limitations."""

from legacy_flask.wire import Json
from shared_services.exchange.model import Balance, Limitations
from shared_services.positions.model import Position
from shared_services.wire import number


def balance(value: Balance) -> Json:
    return {
        "currency": value.currency,
        "available": number(value.available),
        "total_balance": number(value.total),
    }


def position(value: Position) -> Json:
    return {
        "id": value.id,
        "symbol": value.symbol,
        "side": value.side,
        "amount": number(value.amount),
        "contracts": number(value.contracts),
        "entry_price": number(value.entry_price),
        "mark_price": number(value.mark_price),
        "pnl": number(value.pnl),
        "pnl_percentage": number(value.pnl_percentage),
        "notional": number(value.notional),
        "collateral": number(value.collateral),
        "maintenance_margin": number(value.maintenance_margin),
        "margin_mode": value.margin_mode,
        "position_type": value.position_type,
        "leverage": number(value.leverage),
        "timestamp": value.timestamp,
    }


def limitations(value: Limitations) -> Json:
    return {
        "is_paper_trading": value.is_paper_trading,
        "limitations": list(value.limitations),
        "margin_trading_available": value.margin_trading_available,
        "supported_order_types": list(value.supported_order_types),
    }
