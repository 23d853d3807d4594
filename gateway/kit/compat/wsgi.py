"""An ASGI request as Werkzeug's functions read it, and their responses as Starlette's.

What Werkzeug can do is not written a second time. Goes with the last shim that needs it.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from werkzeug.wrappers import Response as WerkzeugResponse

from gateway.kit.compat.headers import joined_lines
from gateway.kit.compat.routes import route_path

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PARTS = 32  # of 8 KiB, what Werkzeug reads of a file: one hop to a thread for each is slow


def environ(scope: Scope) -> "WSGIEnvironment":
    """The head of a request; names with `_` are left out, as gunicorn does."""
    headers = {
        f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}": value.decode("latin-1")
        for name, value in joined_lines(scope["headers"]).items()
        if b"_" not in name
    }
    name, port = scope.get("server") or ("", None)
    return {
        **headers,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _tunnelled(scope.get("root_path", "")),
        "PATH_INFO": _tunnelled(route_path(scope)),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": name,
        "SERVER_PORT": str(port or 80),
        "wsgi.url_scheme": scope["scheme"],
    }


def raw_headers(answer: WerkzeugResponse, request: "WSGIEnvironment") -> list[tuple[bytes, bytes]]:
    """What Werkzeug would send for `answer`, but not its Date: the server writes one."""
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.get_wsgi_headers(request)
        if name.lower() != "date"
    ]


class Passed(Response):
    """A response of Werkzeug's; its parts are made in worker threads, since files block."""

    def __init__(self, answer: WerkzeugResponse, request: "WSGIEnvironment") -> None:
        self.status_code = answer.status_code
        self.background = None
        self.raw_headers = raw_headers(answer, request)
        self._parts = answer.get_app_iter(request)

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        start = {"status": self.status_code, "headers": self.raw_headers}
        parts = iter(self._parts)
        try:
            await send({"type": "http.response.start", **start})
            while block := await to_thread.run_sync(_block, parts):
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            _close(self._parts)
        if self.background is not None:
            await self.background()


def _tunnelled(text: str) -> str:
    return text.encode().decode("latin-1")  # PEP 3333


def _block(parts: Iterator[bytes]) -> bytes:
    return b"".join(islice(parts, _PARTS))


def _close(parts: Iterable[bytes]) -> None:
    close = getattr(parts, "close", None)
    if close is not None:
        close()
