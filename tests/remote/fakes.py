"""A stack made of bytes: says what it is told, and notes what it received."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from gateway.settings import Settings
from gateway.stacks.address import Remote
from gateway.stacks.remote.connection import Connection
from gateway.stacks.remote.forwarded import Forwarded
from gateway.stacks.remote.http import HTTPStack
from gateway.stacks.remote.pool import IDLE, Pool
from gateway.stacks.remote.reach import connector
from tests.gateway.bridge import Client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Talk = Callable[["Wire"], Awaitable[None]]


class Wire:
    """One connection as the fake stack sees it."""

    def __init__(self, stack: "RawStack", reader: asyncio.StreamReader, writer: Any) -> None:
        self.stack, self.reader, self.writer = stack, reader, writer

    async def head(self) -> bytes:
        """The next request's head; the request counts from here on."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.stack.heads.append(head)
        return head

    async def body(self, head: bytes) -> bytes:
        """The body that goes with a head; what ends early raises IncompleteReadError."""
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            body = b""
            while size := int(await self.reader.readline(), 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
            return body
        length = lower.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return await self.reader.readexactly(int(length or 0))

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def closed(self) -> bytes:
        """What still comes until the other side closes."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""


class RawStack:
    """Listens; `heads` and `bodies` are what was asked completely, `wires` how often it was connected to."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.wires = 0
        self.open = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wires += 1
        self.open += 1
        try:
            await self._talk(Wire(self, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


def says(*answers: bytes) -> Talk:
    """Answers each request of a connection with the next of `answers`, the last one for ever."""

    async def talk(wire: Wire) -> None:
        left = list(answers)
        while True:
            head = await wire.head()
            wire.stack.bodies.append(await wire.body(head))
            await wire.say(left.pop(0) if len(left) > 1 else left[0])

    return talk


def once(*parts: bytes) -> Talk:
    """Answers one request, part by part, and closes."""

    async def talk(wire: Wire) -> None:
        await wire.body(await wire.head())
        await wire.say(*parts)

    return talk


@asynccontextmanager
async def raw(
    talk: Talk | bytes, folder: Path | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawStack]:
    """A fake stack on a free port, or on a socket in `folder`; ends with everything it serves."""
    stack = RawStack(says(talk) if isinstance(talk, bytes) else talk)
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(stack.serve(reader, writer))
        tasks.add(task)

    if folder is not None:
        server = await asyncio.start_unix_server(serve, folder / "stack.sock")
    else:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        stack.port = server.sockets[0].getsockname()[1]
    try:
        yield stack
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def remote(
    stack: RawStack | int,
    *,
    trusted: str = "",
    idle: float = IDLE,
    at: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[HTTPStack]:
    """The gateway's side of a fake stack, or of a port; `at` is where else it is.

    Fails if a connection is left behind.
    """
    port = stack if isinstance(stack, int) else stack.port
    made = Settings(**{"deadline": 5, "idle_timeout": 5, **settings})
    address = Remote("BANYAN_LEGACY", **{"host": "127.0.0.1", "port": port, **(at or {})})
    pool = Pool(
        partial(connector(address, made.connect_timeout), Connection), made.remote_connections, idle
    )
    networks = (ip_network(trusted),) if trusted else ()
    try:
        yield HTTPStack("legacy", pool, Forwarded(networks), made)
    finally:
        pool.close()
        assert pool.open == 0


async def silent(wire: Wire) -> None:
    """Takes a request and says nothing."""
    await wire.head()
    await wire.closed()


class Slow(Client):
    """A client whose messages come one by one, when `say` is called."""

    def __init__(self, app: Any, **scope: Any) -> None:
        super().__init__(app, **scope)
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = 0

    def say(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self._queue.put_nowait(message)

    def leave(self) -> None:
        self.say({"type": "http.disconnect"})

    async def receive(self) -> dict[str, Any]:
        self.reads += 1
        return await self._queue.get()
