"""An ASGI app in this process, as a stack."""

from typing import Any

from gateway.dispatch import App, Message, Receive, Scope, Send


class InProcess:
    """Hands the app its lifespan state, and HEAD as GET with the body cut.

    FastAPI answers HEAD on a GET route with 405 (fastapi#1773); Flask answers it like GET. A handler
    that exits fails its own request: under a bare server it would end the worker.
    """

    def __init__(self, app: App, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = self._state.copy()
        try:
            if scope["type"] == "http" and scope["method"] == "HEAD":
                await self._app({**scope, "method": "GET"}, receive, _without_body(send))
            else:
                await self._app(scope, receive, send)
        except (SystemExit, KeyboardInterrupt) as error:
            raise RuntimeError(f"the app raised {type(error).__name__}") from error


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return headers_only
