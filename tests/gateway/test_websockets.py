"""WebSockets under `banyan`'s protocol, and what bare uvicorn does."""

import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from typing import Any

import anyio
import pytest
import uvicorn
from anyio.lowlevel import checkpoint
from starlette.responses import Response
from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.cli.websockets import WebSocketProtocol

DEADLINE = 3.0  # seconds
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

both = pytest.mark.parametrize(
    "protocol",
    [
        WebSocketProtocol,
        pytest.param(WebSocketsSansIOProtocol, marks=pytest.mark.xfail(strict=True)),
    ],
    ids=["ours", "uvicorn 0.54"],
)


class Talker:
    """An app that talks as long as somebody takes it, and knows how much was taken."""

    def __init__(self) -> None:
        self.sent = 0
        self.ended = anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        ws = WebSocket(scope, receive, send)
        await ws.accept()
        try:
            while True:
                await ws.send_bytes(bytes(100_000))
                self.sent += 1
        finally:
            self.ended.set()


@asynccontextmanager
async def served(app: Any, **options: Any) -> AsyncIterator[tuple[uvicorn.Server, socket.socket]]:
    """A running server, and a client after its handshake that reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, **options)
        server = uvicorn.Server(config)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            await until(lambda: server.started)
            with closing(socket.create_connection(listener.getsockname())) as deaf:
                deaf.sendall(HANDSHAKE)
                yield server, deaf
            server.should_exit = True


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(DEADLINE):
        while not true():
            await checkpoint()


async def blocked(talker: Talker) -> None:
    """Until nothing more is taken."""
    before = -1
    while not talker.sent or talker.sent != before:
        before = talker.sent
        for _ in range(1000):
            await checkpoint()


@both
async def test_one_that_does_not_answer_pings_is_given_up(protocol: type[Any]) -> None:
    talker = Talker()
    async with served(talker, ws=protocol, ws_ping_interval=0.01, ws_ping_timeout=0.5):
        await blocked(talker)
        await until(talker.ended.is_set)


@both
async def test_one_that_does_not_read_does_not_hold_up_the_stop(protocol: type[Any]) -> None:
    talker = Talker()
    async with served(talker, ws=protocol) as (server, _deaf):
        await blocked(talker)
        server.should_exit = True
        await until(lambda: not server.server_state.connections)


@both
async def test_an_app_that_refuses_a_handshake_itself_makes_no_error(
    protocol: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await WebSocket(scope, receive, send).send_denial_response(Response(status_code=404))

    with caplog.at_level(logging.INFO, "uvicorn.error"):
        async with served(refuse, ws=protocol) as (server, deaf):
            await until(lambda: "404" in caplog.text and not server.server_state.tasks)
            assert deaf.recv(4096).startswith(b"HTTP/1.1 404 ")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@both
async def test_nothing_is_read_from_one_that_does_not_read(protocol: type[Any]) -> None:
    talker = Talker()
    async with served(talker, ws=protocol) as (server, _deaf):
        await blocked(talker)
        (connection,) = server.server_state.connections
        assert isinstance(connection, protocol)
        assert not connection.transport.is_reading()
