"""Section 2.7: no exchange (N), an exchange that fails (X)."""

from dataclasses import replace
from typing import Any

from tests.contract.case import Case, get, post_order
from tests.contract.cases.routing import ECHOED, ORIGIN
from tests.contract.world import BROKEN, DOWN, LOST_ANSWER, NO_EXCHANGE, SENDING_FAILS, STORE_DOWN
from tests.drive import Request

ORDER = post_order(
    {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
)
GET_ORDER = get("/api/orders/1000?symbol=TESTBTC/TESTUSD")
CANCEL = Request("DELETE", "/api/orders/1000")
UNKNOWN = "Order outcome unknown - check open orders before retrying"

NOT_CONFIGURED: dict[str, tuple[Request, dict[str, str]]] = {
    "balances.list": (
        get("/api/balances"),
        {
            "error": "Exchange service not available - check API configuration",
            "message": "Live balances required for trading - no fallback data",
        },
    ),
    "positions.list": (
        get("/api/positions"),
        {
            "error": "Exchange service not available",
            "message": "Live positions required for trading - no fallback data",
        },
    ),
    "orders.list": (
        get("/api/orders"),
        {"error": "Order service not available", "message": "Exchange service not configured"},
    ),
    "orders.history": (
        get("/api/orders/history"),
        {"error": "Order service not available", "message": "Exchange service not configured"},
    ),
    "orders.create": (
        ORDER,
        {"details": "Exchange service not configured", "error": "Order service not available"},
    ),
    "orders.get": (GET_ORDER, {"error": "Order service not available"}),
    "orders.cancel": (CANCEL, {"error": "Order service not available"}),
}
FAILED = {
    "balances.list": (get("/api/balances"), "Live balances unavailable"),
    "positions.list": (get("/api/positions"), "Live positions unavailable"),
    "orders.list": (get("/api/orders"), "Open orders unavailable"),
    "orders.history": (get("/api/orders/history"), "Order history unavailable"),
    "orders.create": (ORDER, "Order was not sent"),
    "orders.get": (GET_ORDER, "Order status unavailable"),
    "orders.cancel": (CANCEL, "Order may still be open"),
}
UNKNOWN_LIMITATIONS: dict[str, Any] = {
    "is_paper_trading": False,
    "limitations": [],
    "margin_trading_available": True,
    "supported_order_types": ["spot", "margin"],
}

CASES = [
    *(
        Case(route, "no exchange", request, 503, body, world=NO_EXCHANGE)
        for route, (request, body) in NOT_CONFIGURED.items()
    ),
    *(
        Case(
            route,
            "the exchange fails",
            request,
            503,
            {"error": "Exchange error: no route", "message": message},
            world=DOWN,
        )
        for route, (request, message) in FAILED.items()
    ),
    *(
        Case(
            "trading.limitations",
            f"never fails: {world.name}",
            get("/api/trading-limitations"),
            200,
            UNKNOWN_LIMITATIONS,
            world=world,
        )
        for world in (NO_EXCHANGE, DOWN)
    ),
    *(
        Case(
            "status.get",
            f"never fails: {world.name}",
            get("/api/status"),
            200,
            b'{"status":"running"}\n',
            world=world,
        )
        for world in (NO_EXCHANGE, DOWN)
    ),
    *(
        Case(
            route,
            "a defect",
            replace(request, headers=dict(request.headers) | {"Origin": ORIGIN}),
            500,
            b'{"error":"Internal server error"}\n',
            ECHOED | {"content-type": "application/json"},
            world=BROKEN,
        )
        for route, request in {
            **{route: request for route, (request, _) in FAILED.items()},
            "status.get": get("/api/status"),
            "trading.limitations": get("/api/trading-limitations"),
        }.items()
    ),
    Case(
        "orders.list",
        "the store fails, and clients hear of no file or host",
        get("/api/orders"),
        503,
        b'{"error":"Store unavailable"}\n',
        world=STORE_DOWN,
    ),
    Case(
        "balances.list",
        "a defect, HEAD",
        Request("HEAD", "/api/balances"),
        500,
        b"",
        {"content-type": "application/json"},
        world=BROKEN,
    ),
    Case("health.get", "asks nobody", get("/api/health"), 200, world=DOWN),
    Case(
        "orders.create",
        "validation comes before the exchange",
        post_order({"x": 1}),
        400,
        world=NO_EXCHANGE,
    ),
    Case(
        "orders.get",
        "the symbol comes before the exchange",
        get("/api/orders/1000"),
        400,
        world=NO_EXCHANGE,
    ),
    Case(
        "orders.history",
        "the limit comes before the exchange",
        get("/api/orders/history?limit=x"),
        400,
        world=NO_EXCHANGE,
    ),
    Case(
        "orders.create",
        "sending fails",
        ORDER,
        503,
        {"error": "Exchange error: nonce too small", "message": UNKNOWN},
        world=SENDING_FAILS,
    ),
    Case(
        "orders.create",
        "the answer gets lost",
        ORDER,
        503,
        {"error": "Exchange error: connection reset", "message": UNKNOWN},
        world=LOST_ANSWER,
    ),
]
