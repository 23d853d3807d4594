"""Orders, open, closed and just placed."""

from hypothesis import strategies as st

from fastapi_app.orders.schemas import OpenOrder, OrderClosed, OrderOut
from legacy_flask.wire import orders as wire
from shared_services.orders.model import ClosedOrder, Order
from tests.contract.shape import Pair, built, text

_orders = built(Order, client_order_id=st.none() | text)

PAIRS = {
    "order": Pair(wire.order, OrderOut, _orders),
    "open order": Pair(wire.open_order, OpenOrder, _orders),
    "closed order": Pair(wire.closed_order, OrderClosed, built(ClosedOrder)),
}
