"""Bodies on their way to a stack: whole or not at all, and no longer than the stack wants them."""

import asyncio
from typing import Any

import pytest

from tests.gateway.bridge import Client, chunk, until
from tests.remote.fakes import OK, Slow, Wire, raw, remote

H = b"HTTP/1.1 200 OK\r\n"
CHUNKED = [(b"host", b"shop"), (b"transfer-encoding", b"chunked")]
TEN = [(b"host", b"shop"), (b"content-length", b"10")]
EXPECT = (b"expect", b"100-continue")
PROMPT = 0.1  # seconds in which a stack hears that its client has left


@pytest.mark.parametrize("headers", [CHUNKED, TEN])
async def test_b114_an_upload_that_is_cut_never_looks_complete_to_the_stack(headers: Any) -> None:
    seen = asyncio.get_running_loop().create_future()

    async def talk(wire: Wire) -> None:
        await wire.head()
        seen.set_result(await wire.closed())

    async with raw(talk) as stack, remote(stack) as app:
        client = Slow(app, method="POST", headers=headers)
        task = asyncio.ensure_future(client.ask())
        client.say(chunk(b"abc", more=True))
        await until(lambda: stack.heads)
        client.leave()
        await task
        async with asyncio.timeout(PROMPT):
            rest = await seen
    assert b"0\r\n\r\n" not in rest
    assert len(rest) < 10
    assert client.sent == []


async def test_b114_a_client_that_leaves_before_its_body_costs_no_connection() -> None:
    async with raw(OK) as stack, remote(stack) as app:
        client = Slow(app, method="POST", headers=TEN)
        client.leave()
        await client.ask()
        assert stack.wires == 0
    assert client.sent == []


@pytest.mark.parametrize("body", [[chunk(b"x" * 11)], [chunk(b"x" * 9)]])
async def test_b114_a_body_of_another_length_than_declared_is_no_request(body: Any) -> None:
    async with raw(OK) as stack, remote(stack) as app:
        client = await Client(app, *body, method="POST", headers=TEN).ask()
        assert stack.bodies == []
    assert client.status == 400


async def test_b114_a_body_that_turns_out_too_long_in_the_middle_is_cut() -> None:
    async with raw(OK) as stack, remote(stack) as app:
        parts = [chunk(b"x" * 5, more=True), chunk(b"x" * 6, more=True), chunk(b"")]
        client = await Client(app, *parts, method="POST", headers=TEN).ask()
        assert stack.bodies == []
    assert client.status == 400


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"413 Content Too Large"])
async def test_b115_an_early_answer_is_passed_at_once_and_the_upload_stops(status: bytes) -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nno")
        await wire.closed()

    async with raw(talk) as stack, remote(stack) as app:
        client = Slow(app, method="POST", headers=CHUNKED)
        client.say(chunk(b"x", more=True))
        await client.ask()
        assert client.body == b"no"
        assert client.status == int(status[:3])
        client.say(chunk(b""))
        await Client(app).ask()
        assert stack.wires == 2  # half a request is on the first: nothing else can be


async def test_b115_an_early_answer_arrives_while_the_stack_reads_nothing_of_a_large_upload() -> (
    None
):
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        wire.writer.close()

    async def endless() -> dict[str, Any]:
        await asyncio.sleep(0)
        return chunk(b"x" * 65536, more=True)

    async with raw(talk) as stack, remote(stack) as app:
        for _ in range(50):
            client = Client(app, method="POST", headers=CHUNKED)
            client.receive = endless  # type: ignore[method-assign]
            await client.ask()
            assert (client.status, client.body) == (413, b"no")


async def test_b115_an_answer_that_streams_while_the_body_comes_is_passed_both_ways() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(H + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            size = await wire.reader.readline()
            await wire.say(size + await wire.reader.readexactly(int(size, 16) + 2))
        await wire.reader.readline()
        await wire.say(b"0\r\n\r\n")

    async with raw(talk) as stack, remote(stack) as app:
        client = Slow(app, method="POST", headers=CHUNKED)
        task = asyncio.ensure_future(client.ask())
        for part in (b"a", b"b", b"c"):
            client.say(chunk(part, more=True))
            await until(lambda part=part: client.body.endswith(part))
        client.say(chunk(b""))
        await task
    assert client.body == b"abc"


async def test_b115_a_stack_that_refuses_without_100_is_heard_before_the_body_is_read() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
        await wire.closed()

    async with raw(talk) as stack, remote(stack) as app:
        client = Slow(app, method="POST", headers=[*TEN, EXPECT])
        await client.ask()
    assert client.status == 401
    assert client.reads == 0
    assert b"expect: 100-continue" in stack.heads[0]


async def test_b115_a_stack_that_says_100_gets_the_body() -> None:
    async def talk(wire: Wire) -> None:
        head = await wire.head()
        assert client.reads == 0
        await wire.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.stack.bodies.append(await wire.body(head))
        await wire.say(OK)

    async with raw(talk) as stack, remote(stack) as app:
        client = Slow(app, method="POST", headers=[*TEN, EXPECT])
        client.say(chunk(b"x" * 10))
        await client.ask()
    assert client.status == 200
    assert stack.bodies == [b"x" * 10]


async def test_b115_a_stack_that_knows_no_100_gets_the_body_after_a_while() -> None:
    async with raw(OK) as stack, remote(stack) as app:
        client = Slow(app, method="POST", headers=[*TEN, EXPECT])
        client.say(chunk(b"x" * 10))
        await client.ask()
    assert client.status == 200
    assert stack.bodies == [b"x" * 10]


async def test_b115_expect_without_a_body_is_not_passed_on() -> None:
    async with raw(OK) as stack, remote(stack) as app:
        await Client(app, headers=[(b"host", b"shop"), EXPECT, (b"expect", b"x")]).ask()
    assert b"100-continue" not in stack.heads[0]
    assert b"expect: x" in stack.heads[0]


async def test_b061_a_slow_upload_is_no_slow_answer() -> None:
    async with raw(OK) as stack, remote(stack, deadline=0.3) as app:
        client = Slow(app, method="POST", headers=CHUNKED)
        task = asyncio.ensure_future(client.ask())
        for _ in range(5):
            client.say(chunk(b"x", more=True))
            await asyncio.sleep(0.1)
        client.say(chunk(b""))
        await task
    assert client.status == 200
