"""Apps that run in a process of their own; importing them is quick, and so is each restart."""

import json
import os
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

flask_app = Flask("legacy")


@flask_app.route("/environ", methods=["GET", "POST"])
def environ() -> Response:
    told = {
        key: value for key, value in request.environ.items() if isinstance(value, str | int | tuple)
    }
    return jsonify(environ=told, body=request.get_data(as_text=True))


@flask_app.get("/items/<int:item>")
def item(item: int) -> Response:
    return jsonify(item=item)


async def counting_app(scope: Any, receive: Any, send: Any) -> None:
    """Tells its process; a POST is written down before it is answered, in the file that it names."""
    assert scope["type"] == "http"
    if scope["method"] == "POST":
        _, _, name = scope["query_string"].decode().partition("=")
        write_down(Path(name), scope["path"][1:])
    body = json.dumps({"pid": os.getpid()}).encode()
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def write_down(file: Path, post: str) -> None:
    with file.open("a") as lines:
        lines.write(post + "\n")


async def scope_app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the scope; a WebSocket closes with the code that it is told."""
    if scope["type"] == "lifespan":
        raise NotImplementedError
    told = {
        key: scope[key]
        for key in ("http_version", "scheme", "client", "server", "path", "query_string", "headers")
    }
    body = repr(told).encode()
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept", "headers": []})
        await send({"type": "websocket.send", "bytes": body})
        code = int((await receive())["text"])
        await send({"type": "websocket.close", "code": code, "reason": "bye"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def failing_app(scope: Any, receive: Any, send: Any) -> None:
    """Its lifespan fails."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the shop is closed"})
