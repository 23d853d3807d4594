"""/api/orders"""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.body import json_object
from legacy_flask.wire import orders as wire
from shared_services.queries import parse_limit, require

blueprint = Blueprint("orders", __name__, url_prefix="/api/orders")


@blueprint.get("")
def list_orders() -> ResponseReturnValue:
    orders = call(lambda services: services.orders.open())
    return jsonify(orders=[wire.open_order(order) for order in orders])


@blueprint.post("")
def create_order() -> ResponseReturnValue:
    body, key = json_object(), request.headers.get("Idempotency-Key")
    placed = call(lambda services: services.orders.create(body, key))
    headers = {"Idempotency-Replayed": "true"} if placed.replayed else {}
    answer = jsonify(message="Order placed successfully", order=wire.order(placed.order))
    return answer, 201, headers


@blueprint.get("/history")
def list_history() -> ResponseReturnValue:
    symbol = request.args.get("symbol")
    limit = parse_limit(request.args.get("limit"), default=50, cap=1000)
    orders = call(lambda services: services.orders.history(symbol, limit))
    return jsonify([wire.closed_order(order) for order in orders])


@blueprint.get("/<order_id:order_id>")
def get_order(order_id: str) -> ResponseReturnValue:
    """The symbol must be there, as it always had to be; the id alone decides."""
    require("symbol", request.args.get("symbol"))
    order = call(lambda services: services.orders.get(order_id))
    return jsonify(wire.order(order))


@blueprint.delete("/<order_id:order_id>")
def cancel_order(order_id: str) -> ResponseReturnValue:
    call(lambda services: services.orders.cancel(order_id))
    return jsonify(message=f"Order {order_id} cancelled successfully", order=True)
