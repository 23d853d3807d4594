"""The shapes of the answers."""

from shared_services.exchange.model import Balance, Limitations
from shared_services.orders.model import ClosedOrder, Order
from shared_services.positions.model import Position
from shared_services.symbols import to_trading
from shared_services.wire import iso_z, number

Json = dict[str, object]


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


def order(value: Order) -> Json:
    """As `POST /api/orders` and `GET /api/orders/<order_id>` show an order."""
    shape = _any_order(value) | {
        "symbol": to_trading(value.symbol),
        "type": value.type,
        "position_type": value.position_type,
    }
    if value.client_order_id is not None:
        shape["client_order_id"] = value.client_order_id
    return shape


def open_order(value: Order) -> Json:
    return _any_order(value) | {
        "symbol": to_trading(value.symbol),
        "order_type": value.type,
        "datetime": iso_z(value.timestamp),
    }


def closed_order(value: ClosedOrder) -> Json:
    """Symbols of the history are unified; the exchange gives no list of trades."""
    return _any_order(value) | {
        "symbol": value.symbol,
        "order_type": value.order_type,
        "datetime": iso_z(value.timestamp),
        "cost": number(value.cost),
        "fee": number(value.fee),
        "trades": [],
    }


def _any_order(value: Order | ClosedOrder) -> Json:
    return {
        "id": value.id,
        "side": value.side,
        "amount": number(value.amount),
        "filled": number(value.filled),
        "remaining": number(value.remaining),
        "price": number(value.price),
        "status": value.status,
        "timestamp": value.timestamp,
    }


def limitations(value: Limitations) -> Json:
    return {
        "is_paper_trading": value.is_paper_trading,
        "limitations": list(value.limitations),
        "margin_trading_available": value.margin_trading_available,
        "supported_order_types": list(value.supported_order_types),
    }
