"""Section 2.10: the token."""

from tests.contract.case import JSON, Case, get, post_order
from tests.contract.cases.routing import NOT_ALLOWED, NOT_FOUND, OPEN, ROUTES, STATUSES
from tests.contract.world import EXAMPLE, TOKEN, WITH_TOKEN
from tests.drive import Request

UNAUTHORIZED = b'{"error":"Unauthorized"}\n'
CHALLENGED = {
    "content-type": "application/json",
    "www-authenticate": 'Bearer realm="trading-api"',
}
BEARER = f"Bearer {TOKEN}"

CASES = [
    *(
        Case(
            route,
            "no token",
            Request(method, target, JSON, b"{}"),
            401,
            UNAUTHORIZED,
            OPEN | CHALLENGED,
            world=WITH_TOKEN,
        )
        for route, (method, target, _) in ROUTES.items()
        if route != "health.get"
    ),
    *(
        Case(
            route,
            "token",
            get(target, authorization=BEARER),
            STATUSES.get(route, 200),
            headers={"www-authenticate": None},
            world=WITH_TOKEN,
        )
        for route, (method, target, _) in ROUTES.items()
        if method == "GET"
    ),
    Case("health.get", "needs no token", get("/api/health"), 200, world=WITH_TOKEN),
    Case(
        "status.get",
        "token as X-API-Key",
        get("/api/status", x_api_key=TOKEN),
        200,
        world=WITH_TOKEN,
    ),
    Case(
        "status.get",
        "one valid header is enough",
        get("/api/status", x_api_key="wrong", authorization=BEARER),
        200,
        world=WITH_TOKEN,
    ),
    Case(
        "status.get",
        "the other valid header is enough",
        get("/api/status", x_api_key=TOKEN, authorization="Bearer wrong"),
        200,
        world=WITH_TOKEN,
    ),
    *(
        Case(
            "status.get",
            f"Authorization: {value!r}",
            get("/api/status", authorization=value),
            401,
            UNAUTHORIZED,
            CHALLENGED,
            world=WITH_TOKEN,
        )
        for value in (
            "",
            "Bearer",
            "Bearer wrong",
            f"Basic {TOKEN}",
            TOKEN,
            f"{BEARER}x",
            f"{BEARER}\nBearer wrong",
            "Bearer é",
        )
    ),
    Case(
        "status.get",
        "HEAD without a token",
        Request("HEAD", "/api/status"),
        401,
        b"",
        CHALLENGED,
        world=WITH_TOKEN,
    ),
    Case(
        "status.get",
        "OPTIONS needs no token",
        Request("OPTIONS", "/api/status"),
        200,
        b"",
        world=WITH_TOKEN,
    ),
    Case(
        "status.get",
        "a wrong method is 405 without a token",
        Request("DELETE", "/api/status"),
        405,
        NOT_ALLOWED,
        world=WITH_TOKEN,
    ),
    Case(
        "status.get",
        "a repeated slash redirects without a token",
        get("/api//status"),
        308,
        world=WITH_TOKEN,
    ),
    Case("unknown", "404 without a token", get("/nope"), 404, NOT_FOUND, world=WITH_TOKEN),
    Case(
        "orders.create",
        "the token comes before the body",
        Request("POST", "/api/orders", {"Content-Type": "text/plain"}, b"{"),
        401,
        UNAUTHORIZED,
        world=WITH_TOKEN,
    ),
    Case(
        "orders.create",
        "with the token",
        post_order({"symbol": ""}, authorization=BEARER),
        400,
        world=WITH_TOKEN,
    ),
    Case(
        "status.get",
        "any token is fine where none is set",
        get("/api/status", authorization="Bearer any"),
        200,
        world=EXAMPLE,
    ),
]
