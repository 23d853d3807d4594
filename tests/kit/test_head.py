"""HEAD, which Flask answers from the view for GET: of streams, and while a body is read."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, NoReturn

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi import Request as FastAPIRequest
from flask import Response
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive

from gateway.kit.compat import flask_compatible
from tests.drive import AsgiTarget, Request, WsgiTarget, _scope
from tests.kit.equal import comparable, quiet_flask

DEADLINE = 10  # seconds; each stream has no end

closed: list[str] = []
app = FastAPI()
flask_compatible(app)


async def resource() -> AsyncIterator[str]:
    try:
        yield "resource"
    except BaseException as error:
        closed.append(f"failed: {error!r}")
        raise
    closed.append("dependency")


@app.get("/endless")
async def endless(
    used: Annotated[str, Depends(resource)], tasks: BackgroundTasks
) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0)
        finally:
            closed.append("stream")

    tasks.add_task(closed.append, "background")
    return StreamingResponse(parts())


@app.get("/read")
async def read(request: FastAPIRequest) -> str:
    return (await request.body()).decode()


async def headed(version: str, target: str, receive: Receive) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = _scope(Request("HEAD", target), {})
    scope["asgi"]["spec_version"] = version
    async with asyncio.timeout(DEADLINE):
        await app(scope, receive, send)
    return sent


async def silence() -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError("nothing comes")


@pytest.mark.parametrize("version", ["2.3", "2.4"])
async def test_p014_head_ends_a_stream_that_has_no_end(version: str) -> None:
    closed.clear()
    start, *parts = await headed(version, "/endless", silence)
    assert start["status"] == 200
    assert parts == [{"type": "http.response.body", "body": b""}]
    assert closed == ["stream", "background", "dependency"]


async def test_p014_the_head_of_a_stream_is_that_of_flask() -> None:
    def parts() -> Iterator[bytes]:
        while True:
            yield b"x"

    flask = quiet_flask(__name__)
    flask.get("/endless")(lambda: Response(parts()))
    expected = await WsgiTarget(flask).send(Request("HEAD", "/endless"))
    got = await AsgiTarget(app).send(Request("HEAD", "/endless"))
    assert comparable(got) == comparable(expected)


async def test_p014_a_head_request_may_have_a_body() -> None:
    got = await AsgiTarget(app).send(Request("HEAD", "/read", {}, b"four"))
    assert (got.header("content-length"), got.body) == ("4", b"")


async def test_p014_what_the_server_raises_for_a_body_reaches_the_app_as_it_is() -> None:
    async def receive() -> Message:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await headed("2.4", "/read", receive)
