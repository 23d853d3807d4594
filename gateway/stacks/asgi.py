"""An ASGI app in this process, as a stack."""

from collections.abc import Awaitable
from typing import Any

from gateway.dispatch import App, Message, Receive, Scope, Send


class InProcess:
    """Hands the app its lifespan state, and HEAD as GET with the body cut.

    FastAPI answers HEAD on a GET route with 405 (fastapi#1773); Flask answers it like GET.
    """

    def __init__(self, app: App, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope["state"] = self._state.copy()
        if scope["type"] == "http" and scope["method"] == "HEAD":
            return self._app({**scope, "method": "GET"}, receive, _without_body(send))
        return self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return headers_only
