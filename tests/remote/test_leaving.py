"""Clients that leave and clients that are slow: the stack hears of it."""

import asyncio
from typing import Any

import pytest

from tests.gateway.bridge import Client, chunk, until
from tests.remote.fakes import Wire, raw, remote, silent

H = b"HTTP/1.1 200 OK\r\n"
CHUNKED = [(b"host", b"shop"), (b"transfer-encoding", b"chunked")]
PROMPT = 0.1  # seconds in which a stack hears that its client has left


async def test_b061_a_client_that_leaves_while_the_stack_thinks_ends_the_stacks_work() -> None:
    async with raw(silent) as stack, remote(stack) as app:
        client = Client(app)
        task = asyncio.ensure_future(client.ask())
        await until(lambda: stack.heads)
        await asyncio.sleep(0.06)  # it is looked for after a while
        client.gone.set()
        await until(lambda: not stack.open, PROMPT)
        await task
    assert client.sent == []


async def test_b061_a_client_that_leaves_in_a_stream_ends_it() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(H + b"Content-Length: 9\r\n\r\nab")
        await wire.closed()

    async with raw(talk) as stack, remote(stack) as app:
        client = Client(app)
        task = asyncio.ensure_future(client.ask())
        await until(lambda: client.body)
        client.gone.set()
        await until(lambda: not stack.open, PROMPT)
        await task


async def test_b061_a_client_that_leaves_while_the_server_waits_to_write_ends_the_stream() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(H + b"Content-Length: 9\r\n\r\nab")
        await wire.closed()

    async def stuck(message: Any) -> None:
        client.sent.append(message)
        if message["type"] == "http.response.body":
            await asyncio.get_running_loop().create_future()

    async with raw(talk) as stack, remote(stack) as app:
        client = Client(app)
        client.send = stuck  # type: ignore[method-assign]
        task = asyncio.ensure_future(client.ask())
        await until(lambda: len(client.sent) == 2)
        client.gone.set()
        await until(lambda: not stack.open, 2 * PROMPT)
        await task


async def test_b061_a_request_that_is_cancelled_leaves_nothing_behind() -> None:
    async with raw(silent) as stack, remote(stack) as app:
        task = asyncio.ensure_future(Client(app).ask())
        await until(lambda: stack.heads)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not stack.open, PROMPT)


async def test_b061_a_slow_client_slows_the_stack_and_not_the_memory() -> None:
    said = 0

    async def talk(wire: Wire) -> None:
        nonlocal said
        await wire.head()
        await wire.say(H + b"Content-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            await wire.say(b"x" * 100_000)
            said += 100_000

    async def deaf(message: Any) -> None:
        client.sent.append(message)
        await asyncio.get_running_loop().create_future()

    async with raw(talk) as stack, remote(stack) as app:
        client = Client(app)
        client.send = deaf  # type: ignore[method-assign]
        task = asyncio.ensure_future(client.ask())
        await until(lambda: said)
        still = -1
        while said != still:  # until it has not got further for a while
            still = said
            await asyncio.sleep(0.1)
        assert said < 20_000_000
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_b061_a_slow_stack_slows_the_client_and_not_the_memory() -> None:
    read = 0

    async def endless() -> dict[str, Any]:
        nonlocal read
        read += 1
        await asyncio.sleep(0)
        return chunk(b"x" * 65536, more=True)

    async def talk(wire: Wire) -> None:
        await wire.head()
        wire.writer.transport.pause_reading()
        await asyncio.get_running_loop().create_future()

    async with raw(talk) as stack, remote(stack) as app:
        client = Client(app, method="POST", headers=CHUNKED)
        client.receive = endless  # type: ignore[method-assign]
        task = asyncio.ensure_future(client.ask())
        still = -1
        while read != still:
            still = read
            await asyncio.sleep(0.1)
        assert read * 65536 < 20_000_000
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
