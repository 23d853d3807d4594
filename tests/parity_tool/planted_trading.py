"""The trading system's FastAPI app with a fault planted into what it sends, on ten routes."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi.routing import iter_route_contexts

from fastapi_app.app import create_app
from gateway.messages import App, Message, Receive, Scope, Send

Heads = list[tuple[bytes, bytes]]
Fault = Callable[[int, Heads, Any], tuple[int, Heads, Any]]
DROPPED: Final = "/api/config/validate"


def _body(change: Callable[[Any], Any]) -> Fault:
    """Changes what is said with success."""
    return lambda status, head, body: (status, head, change(body) if status < 300 else body)


def _renamed(body: Any) -> Any:
    return {"state" if key == "status" else key: value for key, value in body.items()}


def _with_null(body: Any) -> Any:
    return {**body, "note": None}


def _not_first(name: str) -> Callable[[Any], Any]:
    return lambda body: {**body, name: body[name][1:]}


def _backwards(name: str) -> Callable[[Any], Any]:
    return lambda body: {**body, name: body[name][::-1]}


def _as_text(body: Any) -> Any:
    return {**body, "last": str(body["last"])}


def _other_date(body: Any) -> Any:
    return {**body, "timestamp": body["timestamp"] + "Z"}


def _untrue(body: Any) -> Any:
    return {**body, "BTC/USD": {**body["BTC/USD"], "active": False}}


def _unlike_flask(status: int, head: Heads, body: Any) -> tuple[int, Heads, Any]:
    return (422 if status == 400 else status), head, body


def _with_cookie(status: int, head: Heads, body: Any) -> tuple[int, Heads, Any]:
    return status, [*head, (b"set-cookie", b"sid=1; HttpOnly")], body


# Method and the start of the path → the fault, and the route, path and class that must be found.
FAULTS: Final[dict[tuple[str, str], tuple[Fault, str, set[tuple[str, str]]]]] = {
    ("GET", "/api/status"): (
        _body(_renamed), "GET /api/status", {("/status", "missing"), ("/state", "extra")},
    ),
    ("GET", "/api/trading-limitations"): (
        _body(_with_null), "GET /api/trading-limitations", {("/note", "null-vs-missing")},
    ),
    ("GET", "/api/config/strategies"): (
        _body(_not_first("strategy_weights")),
        "GET /api/config/strategies", {("/strategy_weights", "length")},
    ),
    ("GET", "/api/backtest/strategies"): (
        _body(_backwards("strategies")),
        "GET /api/backtest/strategies", {("/strategies", "order")},
    ),
    ("GET", "/api/market/ticker/"): (
        _body(_as_text), "GET /api/market/ticker/{symbol}", {("/last", "type")},
    ),
    ("GET", "/api/risk/assessment"): (
        _body(_other_date), "GET /api/risk/assessment", {("/timestamp", "format")},
    ),
    ("GET", "/api/market/markets"): (
        _body(_untrue), "GET /api/market/markets", {("/BTC~1USD/active", "value")},
    ),
    ("GET", "/api/market/ohlcv/"): (
        _unlike_flask, "GET /api/market/ohlcv/{symbol}", {("status:400-422", "status")},
    ),
    ("GET", "/api/health"): (_with_cookie, "GET /api/health", {("cookie:sid", "extra")}),
}  # fmt: skip


class Planted:
    """The app as it is, but for what it sends on the routes above, and one route less."""

    def __init__(self) -> None:
        self._app: Any = create_app()
        self.openapi = self._app.openapi

    @property
    def routes(self) -> list[Any]:
        return list(_kept(self._app.routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = scope["type"] == "http" and next(_faults(scope), None)
        await (_faulty(self._app, fault) if fault else self._app)(scope, receive, send)


def _kept(routes: list[Any]) -> Iterator[Any]:
    for context in iter_route_contexts(routes):
        if context.path != DROPPED:
            yield context.original_route


def _faults(scope: Scope) -> Iterator[Fault]:
    for (method, path), (fault, _, _) in FAULTS.items():
        exact = scope["path"].startswith(path) if path.endswith("/") else scope["path"] == path
        if exact and scope["method"] == method:
            yield fault


def _faulty(app: App, fault: Fault) -> App:
    async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
        started: list[Message] = []

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            status, head = started[0]["status"], list(started[0]["headers"])
            if b"json" not in dict(head)[b"content-type"]:  # a page of the router's
                await send(started[0])
                await send(message)
                return
            status, head, body = fault(status, head, json.loads(message["body"]))
            content = json.dumps(body).encode()
            length = [(b"content-length", str(len(content)).encode())]
            rest = [pair for pair in head if pair[0].lower() != b"content-length"]
            await send({**started[0], "status": status, "headers": rest + length})
            await send({**message, "body": content})

        await app(scope, receive, changed)

    return faulty


def app() -> Planted:
    return Planted()
