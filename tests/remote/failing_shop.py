"""Apps that fail, each in its own way, in a process of their own or in this one."""

import asyncio
from typing import Any

from fastapi import FastAPI
from flask import Flask
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response, StreamingResponse

fastapi_app = FastAPI()
flask_app = Flask("failing")
UNICODE = type("Fehler\u00e4\r\nx-evil: 1", (Exception,), {})


@fastapi_app.get("/raises")
@flask_app.get("/raises")
def raises() -> str:
    raise KeyError("alice@shop.example")


@fastapi_app.get("/odd")
@flask_app.get("/odd")
def odd() -> str:
    raise UNICODE


@fastapi_app.get("/says")
async def says() -> Response:
    return PlainTextResponse("away", 503)


@flask_app.get("/says")
def says_so() -> tuple[str, int]:
    return "away", 503


@fastapi_app.get("/works-on")
async def works_on() -> Response:
    return PlainTextResponse("sorry", 500, background=BackgroundTask(asyncio.Event().wait))


@fastapi_app.get("/streams")
async def streams() -> Response:
    async def parts() -> Any:
        yield b"one "
        await asyncio.Event().wait()

    return StreamingResponse(parts(), 500)


async def silent_app(scope: Any, receive: Any, send: Any) -> None:
    """Raises before it has said anything, or after a part of its answer."""
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["path"] == "/later":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise LookupError("nothing there")
