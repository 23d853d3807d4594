"""An ASGI app in this process, as a stack; and HEAD, as FastAPI takes it."""

from collections.abc import Awaitable
from typing import Any

from gateway.messages import OWN, App, Message, Receive, Scope, Send


class InProcess:
    """Hands the app its lifespan state."""

    def __init__(self, app: App, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope["state"] = self._state.copy()
        return self._app(scope, receive, send)


def head_as_get(app: App) -> App:
    """HEAD on a GET route is 405 to FastAPI (fastapi#1773): it gets GET, and the body is cut.

    Not where modern's own routing is to decide.
    """

    def asked(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["method"] == "HEAD" and OWN not in scope:
            plain = {**scope, "method": "GET", "extensions": {}}  # no other way to send a body
            return app(plain, receive, _without_body(send))
        return app(scope, receive, send)

    return asked


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return headers_only
