"""The Flask app of the corpus; `asgi` answers likewise for servers that speak ASGI."""

from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, request

app = Flask("corpus")
METHODS = ["GET", "POST", "PUT"]


@app.route("/", methods=METHODS)
@app.route("/<path:_path>", methods=METHODS)
def echo(_path: str = "") -> bytes:
    return request.get_data()


@app.post("/unread")
def unread() -> str:
    return "unread"


@app.get("/stream")
def stream() -> Response:
    def lines() -> Iterator[str]:
        yield from ("0\n", "1\n", "2\n")

    return Response(lines(), mimetype="text/plain")


@app.get("/204")
def no_content() -> tuple[str, int]:
    return "a body that must not be sent", 204


@app.get("/304")
def not_modified() -> tuple[str, int]:
    return "", 304


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["method"] not in {*METHODS, "HEAD", "OPTIONS"}:
        await _answer(send, 405, b"")
    elif scope["path"] in {"/204", "/304"}:
        await _answer(send, int(scope["path"][1:]), b"")
    elif scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for line in (b"0\n", b"1\n", b"2\n"):
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body"})
    else:
        await _answer(send, 200, b"unread" if scope["path"] == "/unread" else await _body(receive))


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _answer(send: Any, status: int, body: bytes) -> None:
    headers = [] if status in {204, 304} else [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
