"""Requests to a WSGI or an ASGI app in this process, exact to the byte: no client normalises them."""

import io
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote, unquote_to_bytes

import anyio
import anyio.to_thread
from starlette.types import ASGIApp, Message

HOST = "api.example"
START = "http.response.start"


@dataclass(frozen=True)
class Request:
    """`target` is path and query as they stand on the request line.

    A header whose value has several lines is sent as often; WSGI servers join them.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def split(self) -> tuple[str, str]:
        path, _, query = self.target.partition("?")
        return path, query

    @property
    def all_headers(self) -> dict[str, str]:
        headers = {"host": HOST} | {name.lower(): value for name, value in self.headers.items()}
        if self.body and "transfer-encoding" not in headers:
            headers["content-length"] = str(len(self.body))
        return headers


@dataclass(frozen=True)
class Answer:
    """Header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """All lines of `name`, joined; None without one."""
        lines = [value for key, value in self.headers if key == name]
        return ", ".join(lines) if lines else None

    def json(self) -> Any:
        return json.loads(self.body)


class Target(Protocol):
    """Whatever answers requests."""

    async def send(self, request: Request) -> Answer: ...


@dataclass(frozen=True)
class AsgiTarget:
    app: ASGIApp
    state: Mapping[str, Any] = field(default_factory=dict)

    async def send(self, request: Request) -> Answer:
        sent: list[Message] = []
        body = [{"type": "http.request", "body": request.body, "more_body": False}]

        async def receive() -> Message:
            if not body:  # the client waits for its answer
                await anyio.sleep_forever()
            return body.pop()

        async def send(message: Message) -> None:
            sent.append(message)

        try:
            await self.app(_scope(request, self.state), receive, send)
        except Exception:  # servers log what an app raises after its answer
            if not sent or sent[-1]["type"] == START or sent[-1].get("more_body", False):
                raise
        start, *parts = sent
        headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in start["headers"])
        return Answer(start["status"], headers, b"".join(part.get("body", b"") for part in parts))


def _scope(request: Request, state: Mapping[str, Any]) -> dict[str, Any]:
    path, query = request.split
    headers = [
        (name.encode(), line.encode("latin-1"))
        for name, value in request.all_headers.items()
        for line in value.split("\n")
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "state": dict(state),
    }


@dataclass(frozen=True)
class WsgiTarget:
    app: Callable[..., Iterable[bytes]]

    async def send(self, request: Request) -> Answer:
        call: Awaitable[Answer] = anyio.to_thread.run_sync(self.ask, request)
        return await call

    def ask(self, request: Request) -> Answer:
        """`send` without a loop."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> None:
            started.append((status, headers))

        parts = self.app(_environ(request), start_response)
        try:
            body = b"".join(parts)
        finally:
            getattr(parts, "close", lambda: None)()
        status, headers = started[-1]
        lowered = tuple((name.lower(), value) for name, value in headers)
        return Answer(int(status.split()[0]), lowered, body)


def _environ(request: Request) -> dict[str, Any]:
    path, query = request.split
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value.replace("\n", ",")
        for name, value in request.all_headers.items()
    }
    length = headers.pop("HTTP_CONTENT_LENGTH", None)
    kind = headers.pop("HTTP_CONTENT_TYPE", None)
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
        **({"CONTENT_LENGTH": length} if length is not None else {}),
        **({"CONTENT_TYPE": kind} if kind is not None else {}),
    }
