"""WebSockets of a stack elsewhere: the client sees what it would see there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from gateway.settings import Settings
from gateway.stacks.address import Remote
from gateway.stacks.remote.forwarded import Forwarded
from gateway.stacks.remote.reach import connector
from gateway.stacks.remote.sockets import MESSAGE_LIMIT, SocketProxy, no_socket
from tests.gateway.bridge import until

Handler = Callable[[ServerConnection], Awaitable[None]]
PROMPT = 0.1  # seconds in which one side hears that the other has gone
DENIAL: dict[str, Any] = {"websocket.http.response": {}}


class Browser:
    """A client of the gateway; what it does and gets is messages of ASGI."""

    def __init__(self, app: Any, **scope: Any) -> None:
        self._app = app
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._queue.put_nowait({"type": "websocket.connect"})
        self.sent: list[dict[str, Any]] = []
        self.scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/ws",
            "raw_path": b"/ws",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"shop.example")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "subprotocols": [],
            "extensions": {},
            **scope,
        }
        self.task = asyncio.ensure_future(app(self.scope, self._queue.get, self._send))

    def say(self, **message: Any) -> None:
        self._queue.put_nowait({"type": "websocket.receive", **message})

    def leave(self, code: int, reason: str = "") -> None:
        self._queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def heard(self, count: int) -> list[dict[str, Any]]:
        await until(lambda: len(self.sent) >= count)
        return self.sent

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


@asynccontextmanager
async def stack(handler: Handler, **options: Any) -> AsyncIterator[tuple[SocketProxy, Server]]:
    """A WebSocket server and the gateway's way to it."""
    async with serve(handler, "127.0.0.1", 0, max_size=None, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield proxy(port), server


def proxy(port: int, **settings: Any) -> SocketProxy:
    dial = connector(Remote("BANYAN_MODERN", "127.0.0.1", port), 2)
    return SocketProxy("modern", dial, Forwarded(()), Settings(**{"deadline": 5, **settings}))


async def echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


async def test_b129_text_and_bytes_pass_both_ways_up_to_16_mib() -> None:
    async with stack(echo) as (app, _):
        browser = Browser(app)
        for data in ({"text": "hé"}, {"bytes": b"\0\xff"}, {"text": ""}, {"bytes": b""}):
            browser.say(**data)
        browser.say(bytes=b"x" * MESSAGE_LIMIT)
        sent = await browser.heard(6)
        browser.leave(1000)
        await browser.task
    assert sent[0] == {
        "type": "websocket.accept",
        "subprotocol": None,
        "headers": sent[0]["headers"],
    }
    assert [m.get("text", m.get("bytes")) for m in sent[1:5]] == ["hé", b"\0\xff", "", b""]
    assert sent[5] == {"type": "websocket.send", "bytes": b"x" * MESSAGE_LIMIT}


async def test_b129_a_message_of_more_than_16_mib_ends_it_with_1009() -> None:
    async def large(socket: ServerConnection) -> None:
        await socket.send(b"x" * (MESSAGE_LIMIT + 1))
        await socket.wait_closed()

    async with stack(large) as (app, _):
        browser = Browser(app)
        await browser.task
    assert [message["type"] for message in browser.sent] == ["websocket.accept", "websocket.close"]
    assert browser.sent[1]["code"] == 1009


CODES = [
    1000,
    1001,
    1002,
    1003,
    1007,
    1008,
    1009,
    1010,
    1011,
    1012,
    1013,
    1014,
    3000,
    3999,
    4000,
    4999,
]


@pytest.mark.parametrize("code", CODES)
async def test_b129_the_stacks_close_code_reaches_the_client(code: int) -> None:
    async def closing(socket: ServerConnection) -> None:
        await socket.close(code, "bye")

    async with stack(closing) as (app, _):
        browser = Browser(app)
        await browser.task
    assert browser.sent[1] == {"type": "websocket.close", "code": code, "reason": "bye"}


@pytest.mark.parametrize("code", CODES)
async def test_b129_the_clients_close_code_reaches_the_stack(code: int) -> None:
    assert await _seen_by_stack(code, "bye") == (code, "bye")


@pytest.mark.parametrize("code", [1005, 1006])
async def test_b129_a_client_that_closes_without_a_code_or_a_word_does_so_at_the_stack(
    code: int,
) -> None:
    assert await _seen_by_stack(code, "") == (code, "")


async def _seen_by_stack(code: int, reason: str) -> tuple[int | None, str | None]:
    seen = asyncio.get_running_loop().create_future()

    async def waiting(socket: ServerConnection) -> None:
        await socket.wait_closed()
        seen.set_result((socket.close_code, socket.close_reason))

    async with stack(waiting) as (app, _):
        browser = Browser(app)
        await browser.heard(1)
        browser.leave(code, reason)
        async with asyncio.timeout(PROMPT):
            found: tuple[int | None, str | None] = await seen
        await browser.task
    return found


async def test_b129_a_stack_that_vanishes_is_a_bad_gateway_to_the_client() -> None:
    async def vanish(socket: ServerConnection) -> None:
        socket.transport.abort()

    async with stack(vanish) as (app, _):
        browser = Browser(app)
        await browser.task
    assert browser.sent[1] == {"type": "websocket.close", "code": 1014, "reason": ""}


async def test_b129_a_client_that_leaves_during_the_handshake_leaves_nothing_behind() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server:
        browser = Browser(proxy(server.sockets[0].getsockname()[1]))
        async with asyncio.timeout(2):
            await asked.wait()
        browser.leave(1006)
        async with asyncio.timeout(PROMPT):
            await gone.wait()
        await browser.task
    assert browser.sent == []


async def test_b129_a_socket_that_is_cancelled_leaves_nothing_behind() -> None:
    async with stack(echo) as (app, server):
        browser = Browser(app)
        await browser.heard(1)
        browser.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await browser.task
        await until(lambda: not server.connections, 2)


@pytest.mark.parametrize("status", [401, 403, 404, 302, 500])
async def test_b129_a_stack_that_refuses_refuses_with_its_own_status_and_body(status: int) -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        response = socket.respond(HTTPStatus(status), "no\n")
        response.headers["Set-Cookie"] = "a=1"
        response.headers["Set-Cookie"] = "b=2"
        response.headers["Location"] = "http://elsewhere/"
        return response

    async with stack(echo, process_request=refuse) as (app, _):
        browser = Browser(app, extensions=DENIAL)
        await browser.task
    start, body = browser.sent
    assert start["status"] == status
    assert [value for name, value in start["headers"] if name == b"set-cookie"] == [b"a=1", b"b=2"]
    assert (b"content-length", b"3") in start["headers"]
    assert not {b"connection", b"transfer-encoding"} & dict(start["headers"]).keys()
    assert body == {"type": "websocket.http.response.body", "body": b"no\n"}


async def test_b129_a_refusal_is_a_close_where_the_server_cannot_pass_more() -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(HTTPStatus.UNAUTHORIZED, "no\n")

    async with stack(echo, process_request=refuse) as (app, _):
        browser = Browser(app)
        await browser.task
    assert [message["type"] for message in browser.sent] == ["websocket.close"]


async def test_b129_a_stack_that_is_not_there_is_a_502() -> None:
    browser = Browser(proxy(1), extensions=DENIAL)
    await browser.task
    assert browser.sent[0]["status"] == 502
    assert browser.sent[1]["body"] == b'{"error": "modern: connection refused"}\n'


async def test_b129_a_stack_that_answers_nonsense_is_a_502_and_one_that_says_nothing_a_504() -> (
    None
):
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/silent" in head:
            await reader.read()
        writer.write(b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    async with server:
        app = proxy(server.sockets[0].getsockname()[1], deadline=0.2)
        wrong = Browser(app, extensions=DENIAL)
        silent = Browser(app, extensions=DENIAL, raw_path=b"/silent")
        await asyncio.gather(wrong.task, silent.task)
    assert wrong.sent[0]["status"] == 502
    assert silent.sent[0]["status"] == 504


async def test_b129_the_handshake_arrives_as_the_client_made_it() -> None:
    async def mine(socket: ServerConnection) -> None:
        seen.append(socket.request)

    seen: list[Any] = []
    sent = [
        (b"host", b"shop.example"),
        (b"origin", b"http://shop.example"),
        (b"cookie", b"a=1"),
        (b"connection", b"Upgrade, X-Hop"),
        (b"upgrade", b"websocket"),
        (b"x-hop", b"1"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"sec-websocket-protocol", b"v2, v1"),
        (b"x-forwarded-for", b"6.6.6.6"),
        (b"x-latin", b"caf\xe9"),
    ]
    async with stack(mine, subprotocols=["v1"]) as (app, _):
        browser = Browser(
            app,
            headers=sent,
            subprotocols=["v2", "v1"],
            raw_path=b"/a/../%2F",
            query_string=b"q=%20",
        )
        await browser.task
    assert browser.sent[0]["subprotocol"] == "v1"
    assert not [name for name, _ in browser.sent[0]["headers"] if name.startswith(b"sec-")]
    assert seen[0].path == "/a/../%2F?q=%20"
    headers = list(seen[0].headers.raw_items())
    assert headers[:4] == [
        ("host", "shop.example"),
        ("origin", "http://shop.example"),
        ("cookie", "a=1"),
        ("x-latin", "caf\xe9"),
    ]
    told = dict(headers)
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["sec-websocket-protocol"] == "v2, v1"
    assert told["sec-websocket-key"] != "dGhlIHNhbXBsZSBub25jZQ=="
    assert not {"x-hop", "sec-websocket-extensions"} & told.keys()


async def test_b015_a_handshake_with_two_readings_reaches_no_stack() -> None:
    browser = Browser(
        proxy(1), extensions=DENIAL, headers=[(b"host", b"a"), (b"x", b"a\r\nupgrade: h2c")]
    )
    await browser.task
    assert browser.sent[0]["status"] == 400


async def test_b129_pings_of_the_stack_are_answered_here() -> None:
    async def pinging(socket: ServerConnection) -> None:
        async with asyncio.timeout(2):
            await (await socket.ping(b"there?"))
        await socket.send("answered")

    async with stack(pinging) as (app, _):
        browser = Browser(app)
        assert (await browser.heard(2))[1]["text"] == "answered"
        await browser.task


async def test_b129_a_client_that_does_not_read_slows_the_stack() -> None:
    sent = 0

    async def pouring(socket: ServerConnection) -> None:
        nonlocal sent
        with suppress(ConnectionClosed):
            while True:
                await socket.send(b"x" * 100_000)
                sent += 100_000

    async def deaf(message: Any) -> None:
        if message["type"] == "websocket.send":
            await asyncio.get_running_loop().create_future()

    async with stack(pouring) as (app, server):
        browser = Browser(lambda scope, receive, send: app(scope, receive, deaf))
        await until(lambda: sent)
        still = -1
        while sent != still:
            still = sent
            await asyncio.sleep(0.1)
        assert sent < 20_000_000
        browser.leave(1006)
        await browser.task
        await until(lambda: not server.connections, 2)


async def test_b129_where_nothing_speaks_websocket_it_is_404() -> None:
    browser = Browser(lambda scope, receive, send: no_socket(scope, send), extensions=DENIAL)
    await browser.task
    assert browser.sent[0]["status"] == 404
