"""Orders."""

from legacy_flask.wire import Json
from shared_services.orders.model import ClosedOrder, Order
from shared_services.symbols import to_trading
from shared_services.wire import iso_z, number


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
