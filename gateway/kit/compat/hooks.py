"""`before_request` and `after_request` that run when Flask's do.

Middleware of FastAPI is inside the layer that answers crashes, so a 500 goes out without the
headers it adds, and what answers early skips what is further in. May go once nobody relies on the
hooks' work for errors; then they are middleware.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.compat.reading import READING, FlaskRequest, Reading
from gateway.kit.session.late import Later, save_later


@dataclass(slots=True)
class Head:
    """What an after hook may change of an answer: any, also a 404, a 405, a 500."""

    status: int
    headers: MutableHeaders


Before = Callable[[Request], Awaitable[Response | None]]
"""Answers instead of the endpoint, or gives None; also asked where no route matches.

It may raise HTTPException. It must leave the body to the endpoint.
"""
After = Callable[[Request, Head], Awaitable[None]]


def before(app: ASGIApp, hooks: Sequence[Before], reading: Reading) -> ASGIApp:
    """`app` unless one of `hooks` answers; to be put inside the layer that handles exceptions."""
    if not hooks:
        return app

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = _request(scope, reading)
            for hook in hooks:
                if response := await hook(request):
                    await response(scope, receive, send)
                    return
        await app(scope, receive, send)

    return answer


def after(app: ASGIApp, hooks: Sequence[After], reading: Reading) -> ASGIApp:
    """Every answer of `app` through `hooks`, the last one first, as in Flask.

    They may read and change the session, which is saved after them.
    """
    if not hooks:
        return app

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        scope.setdefault("state", {})  # shared with the endpoint, whoever copies the scope
        later = save_later(scope)
        request = _request(scope, reading)

        async def send_changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                head = Head(message["status"], MutableHeaders(raw=list(message["headers"])))
                await _change(head, request, hooks, later)
                message = {**message, "status": head.status, "headers": head.headers.raw}
            await send(message)

        await app(scope, receive, send_changed)

    return answer


async def _change(head: Head, request: FlaskRequest, hooks: Sequence[After], later: Later) -> None:
    if later.session is not None:
        request.scope["session"] = later.session
    for hook in reversed(hooks):
        await hook(request, head)
    if later.save is not None:
        later.save(head.headers)


def _request(scope: Scope, reading: Reading) -> FlaskRequest:
    return FlaskRequest({**scope, READING: reading})
