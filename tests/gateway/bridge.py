"""A client of an ASGI app whose every message is spelled out, and Flask views to try a bridge with."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, jsonify, request

DEADLINE = 5.0  # seconds: most of these bugs hang
CHUNKED = (b"transfer-encoding", b"chunked")


class Client:
    """One request; `messages` are what the server would hand over, `gone` is a disconnect."""

    def __init__(self, app: Any, *messages: dict[str, Any], **scope: Any) -> None:
        self._app = app
        self._messages = list(messages) or [chunk(b"")]
        self.gone = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/",
            "raw_path": scope.get("path", "/").encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            **scope,
        }

    async def receive(self) -> dict[str, Any]:
        if self._messages:
            return self._messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def ask(self, deadline: float = DEADLINE) -> "Client":
        async with asyncio.timeout(deadline):
            await asyncio.ensure_future(self._app(self.scope, self.receive, self.send))
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    def json(self) -> Any:
        return json.loads(self.body)


def answering(make: Callable[[], Iterable[bytes]], *headers: tuple[str, str]) -> Any:
    """A WSGI app that answers 200 with what `make` makes."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return make()

    return app


def chunk(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def until(true: Any, deadline: float = DEADLINE) -> None:
    """Waits for a condition that another thread or task makes true."""
    async with asyncio.timeout(deadline):
        while not true():
            await asyncio.sleep(0.005)


def reading_app() -> Flask:
    """Views that read a body in each of Flask's ways."""
    app = Flask("reading")

    @app.post("/raw")
    def raw() -> Response:
        return jsonify(read=len(request.get_data()), declared=request.content_length)

    @app.post("/json")
    def as_json() -> Response:
        return jsonify(read=request.get_json(), declared=request.content_length)

    @app.post("/form")
    def form() -> Response:
        return jsonify(read=request.form.to_dict(), declared=request.content_length)

    @app.post("/lines")
    def lines() -> Response:
        read = [line.decode() for line in iter(lambda: request.stream.readline(50), b"")]
        return jsonify(read=read, declared=request.content_length)

    @app.get("/query")
    def query() -> Response:
        return jsonify(request.args)

    @app.get("/environ")
    def environ() -> Response:
        return jsonify({k: v for k, v in request.environ.items() if isinstance(v, str)})

    @app.get("/cookies")
    def cookies() -> Response:
        return jsonify(dict(request.cookies))

    return app
