"""HEAD for every GET route, OPTIONS for every path, and a complete `Allow`.

Flask gives them by itself; FastAPI answers 405 to both and names the methods of one route only
(fastapi#1773, open since 2020). Health checks, link checkers and preflights depend on it, so this
stays until the app declares these methods itself.
"""

from anyio import Event
from starlette._utils import create_collapsing_task_group
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.compat.door import decided
from gateway.kit.compat.pages import Handler, html, refuse
from gateway.kit.compat.routes import Routes, listed


def automatic_head(app: ASGIApp, routes: Routes) -> ASGIApp:
    """Answer HEAD by a GET without its body, unless a route declares it; a handler sees a GET."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            await _head(app, _as_get(scope, routes), receive, send)
        else:
            await app(scope, receive, send)

    return answer


def automatic_options(app: ASGIApp, routes: Routes) -> ASGIApp:
    """Answer OPTIONS, unless a route declares it; to be put inside what before hooks may refuse."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        options = scope["type"] == "http" and scope["method"] == "OPTIONS"
        if options and (allow := _automatic_options(scope, routes)):
            await html("", headers={"Allow": allow})(scope, receive, send)
        else:
            await app(scope, receive, send)

    return answer


def method_not_allowed(routes: Routes) -> Handler:
    """The exception handler for 405: as the app answers others, but naming all methods of the path."""

    async def handle(request: Request, error: HTTPException) -> Response:
        allow = set() if decided(request.scope) else routes.allow(request.scope)
        if allow and "Allow" in (error.headers or {}):  # else it is a handler's own 405
            error.headers = {**(error.headers or {}), "Allow": listed(allow)}
        return await refuse(request, error)

    return handle


async def _head(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The headers, Content-Length included, and nothing else.

    A stream may have no end, and Flask closes it unread. Here it hears that its client has left,
    which Starlette heeds without an error if the server is of an older ASGI.
    """
    ended = Event()

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
        elif not ended.is_set():
            ended.set()
            await send({"type": "http.response.body", "body": b""})

    older = {**scope.get("asgi", {}), "spec_version": "2.3"}
    await app({**scope, "asgi": older}, _until(ended, receive), send_head)


def _until(ended: Event, receive: Receive) -> Receive:
    async def receive_or_end() -> Message:
        received: Message = {"type": "http.disconnect"}

        async def ask() -> None:
            nonlocal received
            received = await receive()
            tasks.cancel_scope.cancel()

        if not ended.is_set():
            async with create_collapsing_task_group() as tasks:  # raises what `receive` raises
                tasks.start_soon(ask)
                await ended.wait()
                tasks.cancel_scope.cancel()
        return received

    return receive_or_end


def _as_get(scope: Scope, routes: Routes) -> Scope:
    methods = routes.methods(scope)
    return {**scope, "method": "GET"} if "GET" in methods and "HEAD" not in methods else scope


def _automatic_options(scope: Scope, routes: Routes) -> str:
    """The value of `Allow`; empty if the path is unknown, or a route answers OPTIONS itself."""
    return "" if "OPTIONS" in routes.methods(scope) else listed(routes.allow(scope))
