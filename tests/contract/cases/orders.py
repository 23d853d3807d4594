"""Section 5.3: looking at orders and cancelling them."""

from tests.contract.case import JSON, Case, get, post_order
from tests.contract.world import EMPTY, REFUSING
from tests.drive import Request

OPEN_ORDERS = (
    b'{"orders":[{"amount":0.01,"datetime":"2023-11-14T22:13:20Z","filled":0.0,"id":"1000",'
    b'"order_type":"limit","price":39000.0,"remaining":0.01,"side":"buy","status":"open",'
    b'"symbol":"tTESTBTC:TESTUSD","timestamp":1700000000000}]}\n'
)
HISTORY = (
    b'[{"amount":0.05,"cost":1900.0,"datetime":"2023-11-14T21:13:20Z","fee":1.9,"filled":0.05,'
    b'"id":"999","order_type":"market","price":38000.0,"remaining":0.0,"side":"buy",'
    b'"status":"closed","symbol":"TESTBTC/TESTUSD","timestamp":1699996400000,"trades":[]}]\n'
)
ORDER = (
    b'{"amount":0.01,"filled":0.0,"id":"1000","position_type":"spot","price":39000.0,'
    b'"remaining":0.01,"side":"buy","status":"open","symbol":"tTESTBTC:TESTUSD",'
    b'"timestamp":1700000000000,"type":"limit"}\n'
)
CANCELLED = {"message": "Order 1000 cancelled successfully", "order": True}
NOT_FOUND = {"error": "Order not found"}
CANCEL = Request("DELETE", "/api/orders/1000")
LIMIT_REFUSED = {"error": "Invalid limit: must be a positive integer"}
SYMBOL_MISSING = {"error": "Missing required 'symbol' query parameter"}
MARKET_BUY = post_order(
    {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
)
CANCELED_ORDER = {
    "amount": 0.01,
    "cost": 0.0,
    "datetime": "2023-11-14T22:13:20Z",
    "fee": 0.0,
    "filled": 0.0,
    "id": "1000",
    "order_type": "limit",
    "price": 39000.0,
    "remaining": 0.01,
    "side": "buy",
    "status": "canceled",
    "symbol": "TESTBTC/TESTUSD",
    "timestamp": 1700000000000,
    "trades": [],
}

CASES = [
    Case("orders.list", "an open order", get("/api/orders"), 200, OPEN_ORDERS),
    Case("orders.list", "no filter", get("/api/orders?symbol=ETH/USD&limit=x"), 200, OPEN_ORDERS),
    Case("orders.list", "none", get("/api/orders"), 200, b'{"orders":[]}\n', world=EMPTY),
    Case(
        "orders.list",
        "a cancelled order is gone",
        get("/api/orders"),
        200,
        b'{"orders":[]}\n',
        before=(CANCEL,),
    ),
    Case(
        "orders.list",
        "a filled order is not open",
        get("/api/orders"),
        200,
        OPEN_ORDERS,
        before=(MARKET_BUY,),
    ),
    Case("orders.history", "closed orders", get("/api/orders/history"), 200, HISTORY),
    Case(
        "orders.history",
        "newest first, cancelled ones too",
        get("/api/orders/history?limit=1"),
        200,
        [CANCELED_ORDER],
        before=(CANCEL,),
    ),
    *(
        Case(
            "orders.history",
            f"limit={limit}",
            get(f"/api/orders/history?limit={limit}"),
            200,
            HISTORY,
        )
        for limit in ("1", "1000", "1001", "%2050%20", "%2B5", "007", "9" * 5000, "1&limit=x")
    ),
    *(
        Case(
            "orders.history",
            f"limit={limit}",
            get(f"/api/orders/history?limit={limit}"),
            400,
            LIMIT_REFUSED,
        )
        for limit in (
            "abc",
            "",
            "0",
            "-1",
            "1.0",
            "1e2",
            "1_0",
            "%D9%A3",
            "x&limit=1",
            "-" + "9" * 5000,
        )
    ),
    Case(
        "orders.history",
        "of one symbol",
        get("/api/orders/history?symbol=TESTBTC/TESTUSD"),
        200,
        HISTORY,
    ),
    Case(
        "orders.history",
        "of another symbol",
        get("/api/orders/history?symbol=TESTETH/TESTUSD"),
        200,
        b"[]\n",
    ),
    Case(
        "orders.history",
        "of an unknown symbol",
        get("/api/orders/history?symbol=FOO"),
        200,
        b"[]\n",
    ),
    Case(
        "orders.history",
        "the first symbol counts",
        get("/api/orders/history?symbol=FOO&symbol=TESTBTC/TESTUSD"),
        200,
        b"[]\n",
    ),
    Case("orders.history", "none", get("/api/orders/history"), 200, b"[]\n", world=EMPTY),
    Case("orders.get", "an open order", get("/api/orders/1000?symbol=TESTBTC/TESTUSD"), 200, ORDER),
    Case(
        "orders.get", "the symbol decides nothing", get("/api/orders/1000?symbol=FOO"), 200, ORDER
    ),
    Case(
        "orders.get",
        "a closed order",
        get("/api/orders/999?symbol=x"),
        200,
        {
            "amount": 0.05,
            "filled": 0.05,
            "id": "999",
            "position_type": "spot",
            "price": 38000.0,
            "remaining": 0.0,
            "side": "buy",
            "status": "closed",
            "symbol": "tTESTBTC:TESTUSD",
            "timestamp": 1699996400000,
            "type": "market",
        },
    ),
    Case("orders.get", "no symbol", get("/api/orders/1000"), 400, SYMBOL_MISSING),
    Case("orders.get", "an empty symbol", get("/api/orders/1000?symbol="), 400, SYMBOL_MISSING),
    Case("orders.get", "no symbol for an unknown id", get("/api/orders/7"), 400, SYMBOL_MISSING),
    *(
        Case(
            "orders.get", f"unknown id {name}", get(f"/api/orders/{name}?symbol=x"), 404, NOT_FOUND
        )
        for name in ("1", "abc", "-1000", "01000", "1000.0", "9" * 40, "%D9%A1", "1000%0A", "%20")
    ),
    Case(
        "orders.get",
        "the exchange refuses",
        get("/api/orders/1000?symbol=x"),
        400,
        {"error": "Failed to fetch order status"},
        world=REFUSING,
    ),
    Case("orders.cancel", "an open order", CANCEL, 200, CANCELLED),
    Case(
        "orders.cancel",
        "symbol and body are ignored",
        Request("DELETE", "/api/orders/1000?symbol=FOO", JSON, b"{"),
        200,
        CANCELLED,
    ),
    Case("orders.cancel", "twice", CANCEL, 404, NOT_FOUND, before=(CANCEL,)),
    Case("orders.cancel", "a closed order", Request("DELETE", "/api/orders/999"), 404, NOT_FOUND),
    Case("orders.cancel", "an unknown id", Request("DELETE", "/api/orders/1"), 404, NOT_FOUND),
    Case("orders.cancel", "no number", Request("DELETE", "/api/orders/abc"), 404, NOT_FOUND),
    Case(
        "orders.cancel",
        "the exchange refuses",
        CANCEL,
        400,
        {"details": "not yours", "error": "Failed to cancel order"},
        world=REFUSING,
    ),
    Case(
        "orders.get",
        "after it was cancelled",
        get("/api/orders/1000?symbol=x"),
        200,
        ORDER.replace(b'"open"', b'"canceled"'),
        before=(CANCEL,),
    ),
]
