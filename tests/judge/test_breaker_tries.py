"""Who may try a modern that failed, and what becomes of a try."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from gateway.faults import NOBODYS
from gateway.judge.breaker import OPEN, PROBES
from gateway.refusal import refuse
from gateway.words import Stack
from tests.judge.failing import (
    OVERRIDES,
    App,
    Worker,
    answering,
    answering_and_raising,
    hanging,
    raising,
    reading,
)


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def test_three_may_try_at_once_and_no_more(worker: Worker) -> None:
    await worker.probes()
    gate = asyncio.Event()

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await answering(200)(scope, receive, send)

    worker.modern = waits
    tasks = [asyncio.create_task(worker.served_by()) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    assert sorted([str(await task) for task in tasks]) == ["legacy"] * 17 + ["modern"] * PROBES
    assert worker.state == "closed"


async def test_three_that_pass_close_it(worker: Worker) -> None:
    await worker.probes()
    worker.modern = answering(200)
    assert [await worker.served_by() for _ in range(5)] == ["modern"] * 5
    assert worker.state == "closed"
    assert worker.recorder.seen[-1].tripped is False


async def test_one_that_fails_opens_it_for_twice_as_long(worker: Worker) -> None:
    await worker.probes()
    await worker.asks()
    assert worker.state == "open"
    worker.passes(2 * OPEN - 1)
    assert await worker.served_by() == "legacy"
    worker.passes(1)
    assert await worker.served_by() == "modern"


async def test_it_is_open_until_the_next_tick_after_its_time(worker: Worker) -> None:
    await worker.opens()
    worker.clock.now += OPEN
    assert await worker.served_by() == "legacy"
    worker.breakers.tick()
    assert await worker.served_by() == "modern"


async def leaves(worker: Worker) -> None:
    """A client, in the middle of its request."""
    worker.modern = hanging
    task = asyncio.create_task(worker.asks())
    for _ in range(5):
        await asyncio.sleep(0)
    assert worker.dispatch.in_flight[Stack.MODERN] == 1
    task.cancel()
    await asyncio.wait([task])


async def hangs_up(worker: Worker) -> None:
    """A client, before anything was sent to it: the server raises."""

    async def gone(message: Any) -> None:
        raise ConnectionResetError

    worker.modern = answering(200)
    scope: Any = {"type": "http", "method": "POST", "path": "/x", "headers": [], "client": None}
    with suppress(ConnectionResetError):
        await worker.dispatch(scope, hanging_receive, gone)


async def sends_too_much(worker: Worker) -> None:
    worker.modern = reading
    assert (await worker.asks(body=b"more than four")).status == 413


async def sends_too_much_in_parts(worker: Worker) -> None:
    worker.modern = reading
    answer = await worker.asks(body=b"more than four", transfer_encoding="chunked")
    assert answer.status == 413


async def cannot_be_passed_on(worker: Worker) -> None:
    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await refuse(send, 503, "the gateway has no free descriptor", fault=NOBODYS)

    worker.modern = refuses
    assert (await worker.asks()).status == 503


async def hanging_receive() -> Any:
    await asyncio.Event().wait()


SILENT = [leaves, hangs_up, sends_too_much, sends_too_much_in_parts, cannot_be_passed_on]
silent = pytest.mark.parametrize("how", SILENT, ids=[how.__name__ for how in SILENT])


@silent
async def test_a_try_that_says_nothing_of_modern_makes_room_for_another(
    worker: Worker, how: Callable[[Worker], Awaitable[None]]
) -> None:
    await worker.probes()
    for _ in range(2 * PROBES):
        await how(worker)
        assert worker.state == "half-open"
    assert await worker.free() == PROBES


@silent
async def test_nor_does_it_begin_the_row_of_errors_anew(
    worker: Worker, how: Callable[[Worker], Awaitable[None]]
) -> None:
    for _ in range(4):
        await worker.asks()
    await how(worker)
    worker.modern = answering(500)
    await worker.asks()
    assert worker.state == "open"


@silent
async def test_nor_is_it_an_error(worker: Worker, how: Callable[[Worker], Awaitable[None]]) -> None:
    for _ in range(6):
        await how(worker)
    assert worker.state == "closed"
    assert worker.breakers._kept == {}


@pytest.mark.parametrize(
    "modern", [answering(500), raising, answering_and_raising, hanging, answering(200)],
    ids=["500", "raises", "does both", "hangs", "answers"],
)  # fmt: skip
async def test_whatever_becomes_of_a_try_its_place_is_free_afterwards(
    worker: Worker, modern: App
) -> None:
    await worker.probes()
    worker.modern = modern
    task = asyncio.create_task(worker.asks())
    while not task.done():
        worker.dispatch.cancel_overdue()
        await asyncio.sleep(0)
    task.exception()
    worker.passes(10 * OPEN)
    passed = modern is not raising and worker.recorder.seen[-1].status == 200
    assert worker.state == "half-open"
    assert await worker.free() == PROBES - passed


async def test_what_was_on_its_way_when_it_opened_is_no_try(worker: Worker) -> None:
    """Else its end would let a fourth one in, or close it without a try."""
    gates = [asyncio.Event() for _ in range(PROBES)]

    def waits(gate: asyncio.Event) -> App:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await gate.wait()
            await answering(200)(scope, receive, send)

        return app

    tasks = []
    for gate in gates:
        worker.modern = waits(gate)
        tasks.append(asyncio.create_task(worker.asks()))
        await asyncio.sleep(0)
    await worker.probes()
    for gate in gates:
        gate.set()
    await asyncio.gather(*tasks)
    assert worker.state == "half-open"
    assert await worker.free() == PROBES


async def test_what_fails_that_was_on_its_way_does_not_open_it_again(worker: Worker) -> None:
    gate = asyncio.Event()

    async def fails(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await answering(500)(scope, receive, send)

    worker.modern = fails
    task = asyncio.create_task(worker.asks())
    await asyncio.sleep(0)
    await worker.probes()
    gate.set()
    await task
    assert worker.state == "half-open"


async def test_a_signed_override_reaches_modern_and_takes_nobodys_place(worker: Worker) -> None:
    signed = OVERRIDES.sign(Stack.MODERN, 1 << 40)
    await worker.opens()
    assert await worker.served_by(x_banyan_stack=signed) == "modern"
    worker.passes(OPEN)
    worker.modern = answering(200)
    for _ in range(PROBES):
        assert await worker.served_by(x_banyan_stack=signed) == "modern"
    assert worker.state == "half-open"
    assert await worker.free() == PROBES
