"""An ASGI app in this process, as a stack."""

from collections.abc import Awaitable
from typing import Any

from gateway.messages import App, Message, Receive, Scope, Send


class InProcess:
    """Hands the app its lifespan state, and what Flask takes and FastAPI does not as it takes it.

    HEAD on a GET route is 405 to FastAPI (fastapi#1773): it gets GET, and the body is cut.
    """

    def __init__(self, app: App, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope["state"] = self._state.copy()
        if scope["type"] == "http" and scope["method"] == "HEAD":
            plain = {**scope, "method": "GET", "extensions": {}}  # no other way to send a body
            return self._app(plain, receive, _without_body(send))
        return self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return headers_only
