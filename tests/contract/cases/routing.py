"""Sections 2.1, 2.3 and 2.4: paths, methods, bytes and CORS."""

from tests.contract.case import HTML, JSON, Case, get
from tests.drive import HOST, Request

ROUTES = {
    "health.get": ("GET", "/api/health", "GET"),
    "status.get": ("GET", "/api/status", "GET"),
    "balances.list": ("GET", "/api/balances", "GET"),
    "positions.list": ("GET", "/api/positions", "GET"),
    "orders.list": ("GET", "/api/orders", "GET, POST"),
    "orders.create": ("POST", "/api/orders", "GET, POST"),
    "orders.history": ("GET", "/api/orders/history", "GET"),
    "orders.get": ("GET", "/api/orders/1000?symbol=TESTBTC/TESTUSD", "DELETE, GET"),
    "orders.cancel": ("DELETE", "/api/orders/1000", "DELETE, GET"),
    "trading.limitations": ("GET", "/api/trading-limitations", "GET"),
    "bot.status": ("GET", "/api/bot-status", "GET"),
    "bot.start": ("POST", "/api/bot/start", "POST"),
    "bot.stop": ("POST", "/api/bot/stop", "POST"),
    "config.get": ("GET", "/api/config", "GET, POST"),
    "config.update": ("POST", "/api/config", "GET, POST"),
    "config.summary": ("GET", "/api/config/summary", "GET"),
    "config.strategies": ("GET", "/api/config/strategies", "GET"),
    "config.strategy": ("GET", "/api/config/strategy/rsi", "GET"),
    "config.weight": ("PUT", "/api/config/strategy/rsi/weight", "PUT"),
    "config.probability.get": ("GET", "/api/config/probability", "GET, PUT"),
    "config.probability.update": ("PUT", "/api/config/probability", "GET, PUT"),
    "config.validate": ("GET", "/api/config/validate", "GET"),
    "config.reload": ("POST", "/api/config/reload", "POST"),
    "market.ohlcv": ("GET", "/api/market/ohlcv/BTCUSD?limit=2", "GET"),
    "market.orderbook": ("GET", "/api/market/orderbook/BTCUSD", "GET"),
    "market.ticker": ("GET", "/api/market/ticker/BTCUSD", "GET"),
    "market.markets": ("GET", "/api/market/markets", "GET"),
    "orderbook.get": ("GET", "/api/orderbook/BTCUSD", "GET"),
    "orderbook.aggregate": ("GET", "/api/orderbook/BTCUSD/aggregate", "GET"),
    "indicators.fvg": ("POST", "/api/indicators/fvg", "POST"),
    "backtest.run": ("POST", "/api/backtest/run", "POST"),
    "backtest.optimize": ("POST", "/api/backtest/optimize", "POST"),
    "backtest.analysis": ("POST", "/api/v1/backtest/analysis", "POST"),
    "backtest.strategies": ("GET", "/api/backtest/strategies", "GET"),
    "backtest.result": ("GET", "/api/backtest/results/bt_0123456789abcdef", "GET"),
    "strategy.analyze": ("POST", "/api/strategy/analyze", "POST"),
    "strategy.available": ("GET", "/api/strategy/available", "GET"),
    "strategy.backtest": ("POST", "/api/strategy/backtest", "POST"),
    "strategy.portfolio-risk": ("POST", "/api/strategy/portfolio-risk", "POST"),
    "risk.assessment": ("GET", "/api/risk/assessment", "GET"),
    "risk.validate": ("POST", "/api/risk/validate/order", "POST"),
    "risk.score": (
        "GET",
        "/api/risk/score?symbol=X&probability_buy=1&probability_sell=0&probability_hold=0&confidence=1",
        "GET",
    ),
    "portfolio.status": ("GET", "/api/portfolio/status", "GET"),
    "portfolio.process-signals": ("POST", "/api/portfolio/process-signals", "POST"),
    "portfolio.allocate": ("POST", "/api/portfolio/allocate", "POST"),
    "portfolio.rebalance": ("POST", "/api/portfolio/rebalance", "POST"),
    "live.snapshot": ("GET", "/api/live-portfolio/snapshot", "GET"),
    "live.position-value": (
        "GET",
        "/api/live-portfolio/position-value?symbol=BTC/USD&amount=0.05",
        "GET",
    ),
    "live.validate-trade": ("POST", "/api/live-portfolio/validate-trade", "POST"),
    "live.performance": ("GET", "/api/live-portfolio/performance", "GET"),
    "live.market-overview": ("GET", "/api/live-portfolio/market-overview", "GET"),
    "monitoring.nonce": ("GET", "/api/monitoring/nonce", "GET"),
    "monitoring.cache": ("GET", "/api/monitoring/cache", "GET"),
    "monitoring.performance": ("GET", "/api/monitoring/performance", "GET"),
    "monitoring.alerts": ("GET", "/api/monitoring/alerts", "GET"),
}

STATUSES = {"backtest.result": 404}  # without an earlier request there is nothing behind the path

NOT_FOUND = (
    b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    b"<p>The requested URL was not found on the server. If you entered the URL manually please "
    b"check your spelling and try again.</p>\n"
)
NOT_ALLOWED = (
    b"<!doctype html>\n<html lang=en>\n<title>405 Method Not Allowed</title>\n"
    b"<h1>Method Not Allowed</h1>\n<p>The method is not allowed for the requested URL.</p>\n"
)
ORIGIN = "https://shop.example"
OPEN = {"access-control-allow-origin": "*", "vary": None, "access-control-allow-credentials": None}
ECHOED = {"access-control-allow-origin": ORIGIN, "vary": "Origin"}
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
PREFLIGHTED = ECHOED | {
    "access-control-allow-methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
    "access-control-max-age": None,
    "access-control-expose-headers": None,
}


def allow(methods: str) -> str:
    return f"{methods}, OPTIONS{', HEAD' if 'GET' in methods else ''}"


def _path(route: str) -> str:
    return ROUTES[route][1].partition("?")[0]


def _merged(path: str) -> bytes:
    url = f"http://{HOST}{path}"
    return (
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n"
        "<h1>Redirecting...</h1>\n"
        "<p>You should be redirected automatically to the target URL: "
        f'<a href="{url}">{url}</a>. If not, click the link.\n'
    ).encode()


CASES = [
    *(
        Case(
            route,
            "HEAD",
            Request("HEAD", target),
            STATUSES.get(route, 200),
            b"",
            {"content-type": "application/json"},
        )
        for route, (method, target, _) in ROUTES.items()
        if method == "GET"
    ),
    *(
        Case(
            route,
            "OPTIONS",
            Request("OPTIONS", _path(route)),
            200,
            b"",
            OPEN | {"content-type": HTML, "allow": allow(methods)},
        )
        for route, (_, _, methods) in ROUTES.items()
    ),
    *(
        Case(
            route,
            "wrong method",
            Request("PATCH", target, JSON, b"{}"),
            405,
            NOT_ALLOWED,
            OPEN | {"content-type": HTML, "allow": allow(methods)},
        )
        for route, (_, target, methods) in ROUTES.items()
    ),
    *(
        Case(
            route,
            "trailing slash",
            Request(method, _path(route) + "/", JSON, b"{}"),
            404,
            NOT_FOUND,
            OPEN | {"content-type": HTML},
        )
        for route, (method, _, _) in ROUTES.items()
    ),
    *(
        Case(
            route,
            "repeated slash",
            Request(method, _path(route).replace("/api/", "/api//"), JSON, b"{}"),
            308,
            _merged(_path(route)),
            {"content-type": HTML, "location": f"http://{HOST}{_path(route)}"},
        )
        for route, (method, _, _) in ROUTES.items()
    ),
    *(
        Case(
            route,
            "preflight",
            Request("OPTIONS", _path(route), PREFLIGHT),
            200,
            b"",
            PREFLIGHTED | {"access-control-allow-headers": None},
        )
        for route in ROUTES
    ),
    *(
        Case(
            route,
            "with an origin",
            get(target, origin=ORIGIN),
            STATUSES.get(route, 200),
            None,
            ECHOED,
        )
        for route, (method, target, _) in ROUTES.items()
        if method == "GET"
    ),
    *(
        Case("unknown", path, get(path), 404, NOT_FOUND, OPEN | {"content-type": HTML})
        for path in (
            "/",
            "/nope",
            "/api",
            "/api/start-bot",
            "/api/stop-bot",
            "/api/bot/status",
            "/api/balances/USD",
            "/api/market/trades/BTCUSD",
            "/api/market-data/BTCUSD",
            "/api/portfolio/live/status",
            "/api/monitoring/hybrid-setup",
            "/api/backtest/1",
            "/api/API/status",
            "/api/orders/1/2",
            "/api/orders/1%2F2?symbol=x",
            "/api/status%0A",
            "/api/Status",
        )
    ),
    *(
        Case("unknown", f"{method} {path}", Request(method, path, JSON, b"{}"), 404, NOT_FOUND)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW")
        for path in ("/api/nope", "/static/x")
    ),
    Case(
        "unknown",
        "an origin",
        get("/nope", origin=ORIGIN),
        404,
        NOT_FOUND,
        ECHOED | {"content-type": HTML},
    ),
    Case(
        "unknown",
        "JSON wanted",
        get("/nope", accept="application/json"),
        404,
        NOT_FOUND,
        {"content-type": HTML},
    ),
    Case("unknown", "HEAD", Request("HEAD", "/nope"), 404, b"", {"content-type": HTML}),
    Case("unknown", "OPTIONS", Request("OPTIONS", "/nope"), 404, NOT_FOUND, {"allow": None}),
    Case("unknown", "preflight", Request("OPTIONS", "/nope", PREFLIGHT), 404, None, PREFLIGHTED),
    Case("unknown", "repeated slash", get("/api//nope"), 404, NOT_FOUND),
    Case(
        "health.get",
        "the sixteen bytes",
        get("/api/health"),
        200,
        b'{"status":"ok"}\n',
        OPEN | {"content-type": "application/json"},
    ),
    Case("health.get", "empty origin", get("/api/health", origin=""), 200, None, OPEN),
    Case("health.get", "leading slashes are one", get("//api/health"), 200, b'{"status":"ok"}\n'),
    Case("health.get", "encoded letters", get("/api/he%61lth"), 200, b'{"status":"ok"}\n'),
    Case(
        "health.get", "a query is ignored", get("/api/health?a=%FF&&="), 200, b'{"status":"ok"}\n'
    ),
    Case(
        "health.get",
        "a body is ignored",
        Request("GET", "/api/health", {"Content-Type": "text/plain"}, b"{"),
        200,
        b'{"status":"ok"}\n',
    ),
    Case(
        "health.get",
        "repeated slash, wrong method",
        Request("DELETE", "/api//health"),
        405,
        NOT_ALLOWED,
        {"allow": "GET, HEAD, OPTIONS"},
    ),
    Case(
        "health.get",
        "repeated slash keeps the query",
        get("/api///health?a=1&b=%20x"),
        308,
        None,
        {"location": f"http://{HOST}/api/health?a=1&b=%20x"},
    ),
    Case(
        "health.get",
        "preflight with headers",
        Request(
            "OPTIONS",
            "/api/health",
            PREFLIGHT | {"Access-Control-Request-Headers": "x-b, Content-Type,a"},
        ),
        200,
        b"",
        PREFLIGHTED | {"access-control-allow-headers": "Content-Type, a, x-b"},
    ),
    Case(
        "health.get",
        "no preflight without a method",
        Request("OPTIONS", "/api/health", {"Origin": ORIGIN}),
        200,
        b"",
        ECHOED | {"access-control-allow-methods": None},
    ),
    Case(
        "orders.history",
        "history is never an order id",
        Request("DELETE", "/api/orders/history"),
        405,
        NOT_ALLOWED,
        {"allow": "GET, HEAD, OPTIONS"},
    ),
    Case(
        "orders.get",
        "a twice encoded slash is part of the id",
        get("/api/orders/1%252F2?symbol=x"),
        404,
        {"error": "Order not found"},
    ),
    Case(
        "orders.create",
        "wrong method with an origin",
        Request("PUT", "/api/orders", {"Origin": ORIGIN}),
        405,
        NOT_ALLOWED,
        ECHOED,
    ),
]
