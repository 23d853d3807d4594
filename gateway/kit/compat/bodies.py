"""Bodies as `flask.Request` reads them where a handler, not the framework, decides.

FastAPI's own `max_body_size` answers in plain text, also to requests whose body no handler reads,
and a port by hand parses JSON that Flask does not look at. May go with the clients that rely on it.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from gateway.kit.compat.headers import header
from gateway.kit.compat.json import is_json


async def silent_json(request: Request, *, force: bool = False) -> object:
    """`flask.Request.get_json(silent=True)`: None for what is no JSON, or not said to be."""
    if not force and not is_json(header(request.scope, "content-type")):
        return None
    try:
        value: object = json.loads(await request.body())
    except ValueError:
        return None
    return value


def limited_body(size: int) -> type[APIRoute]:
    """A route class: 413 for a body of more than `size` bytes, once its handler reads it.

    As `flask.Request.max_content_length`, but a chunked body is refused where Flask cuts it.
    """

    class LimitedBody(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                _limit(request, size)
                return await handler(request)

            return handle

    return LimitedBody


async def read_limited(request: Request, size: int) -> bytes:
    """The body if it has no more than `size` bytes, a limit that the handler decides; else 413."""
    _limit(request, size)
    return await request.body()


def _limit(request: Request, size: int) -> None:
    receive = _limited(request.scope, request.receive, size)
    request._receive = receive  # noqa: SLF001 - exception handlers ask this one, too


def _limited(scope: Scope, receive: Receive, size: int) -> Receive:
    length = header(scope, "content-length") or ""
    announced = int(length) if length.isdecimal() else 0
    left = size

    async def receive_limited() -> Message:
        nonlocal left
        if announced > size:
            raise HTTPException(413)
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return receive_limited
