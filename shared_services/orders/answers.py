"""The answer to an order request as JSON text, so that it can be given again. Pure."""

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from shared_services.errors import OrderRefused, OrderRejected
from shared_services.exchange.model import OrderStatus, OrderType, PositionType, Side
from shared_services.numbers import plain
from shared_services.orders.model import Order, OrderCommand


def of_order(order: Order) -> str:
    return json.dumps({"order": asdict(order)}, default=str)


def of_refusal(refusal: OrderRejected | OrderRefused) -> str:
    return json.dumps({"code": refusal.code, "error": refusal.error, "details": refusal.details})


def replay(answer: str) -> Order:
    """The order of a remembered answer; a remembered refusal is raised again."""
    document = json.loads(answer)
    if "order" in document:
        return _order(document["order"])
    leaf = OrderRejected if document["code"] == OrderRejected.code else OrderRefused
    details = document["details"]
    if isinstance(details, list):
        details = tuple(details)
    raise leaf(document["error"], details=details, replayed=True)


def fingerprint(command: OrderCommand) -> str:
    """Equal for equal commands, whatever way their numbers were written."""
    fields = {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in asdict(command).items()
    }
    return json.dumps(fields)


def _order(fields: dict[str, Any]) -> Order:
    money = {name: Decimal(fields[name]) for name in ("amount", "filled", "remaining", "price")}
    words = {
        "type": OrderType(fields["type"]),
        "side": Side(fields["side"]),
        "status": OrderStatus(fields["status"]),
        "position_type": PositionType(fields["position_type"]),
    }
    return Order(**{**fields, **money, **words})
