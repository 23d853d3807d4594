"""The app's own page for a crash, sent from where the session still is.

Flask saves the session on a 500 too. Starlette answers one outside all middleware, so that the
cookie would be missing exactly there. May go with the session middleware.
"""

from collections.abc import Callable
from typing import Any, cast

from starlette._utils import is_async_callable
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def answering_crashes(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run `app`; an exception before its answer is answered through `send`, and still raised.

    The exception goes on to whoever logs it; Starlette sees that an answer has begun and sends none.
    """
    started = False

    async def watched(message: Message) -> None:
        nonlocal started
        started = started or message["type"] == "http.response.start"
        await send(message)

    try:
        await app(scope, receive, watched)
    except Exception as error:
        owner = scope.get("app")
        if not started and isinstance(owner, Starlette) and not owner.debug:
            response = await _page(owner, Request(scope), error)
            await response(scope, receive, send)
        raise


async def ask_handler(handler: Callable[..., Any], request: Request, error: Exception) -> Response:
    """An exception handler's answer; a plain function may block, so it runs in a thread."""
    if is_async_callable(handler):
        return cast("Response", await handler(request, error))
    return cast("Response", await run_in_threadpool(handler, request, error))


async def _page(owner: Starlette, request: Request, error: Exception) -> Response:
    """By the handler that Starlette would choose, the last for 500 or Exception."""
    handlers = [h for key, h in owner.exception_handlers.items() if key in {500, Exception}]
    if not handlers:
        return PlainTextResponse("Internal Server Error", 500)
    return await ask_handler(handlers[-1], request, error)
