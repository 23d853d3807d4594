"""Whom a late loop is held against: the request whose code held it up, or nobody."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from gateway.assignment import Decision
from gateway.dispatch import Dispatch
from gateway.exchange import Exchange
from gateway.head import HeadReader, UnitSource
from gateway.observe.evidence import Evidence
from gateway.observe.lag import LoopWatch, Pauses, Running
from gateway.observe.slowness import ENOUGH
from gateway.override import Overrides
from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.store.evidence import Sighting
from gateway.turn import ActivePlan
from gateway.words import Phase, Reason, Stack
from tests.drive import AsgiTarget, Request
from tests.stacks import TestClock

BLOCK = 0.6  # seconds: a real thread must notice
Told = tuple[str, Stack, str]


def dispatch(modern: Any = None, legacy: Any = None, split: int = SPACE) -> Dispatch:
    made = Dispatch((), Overrides(b"secret"), Settings())
    made.stacks = {Stack.LEGACY: legacy or answers, Stack.MODERN: modern or answers}
    route = Route("GET", "/x", True, True, split, "", b"key")
    table = RouteTable((route,), Phase.GRADUAL, 1, key=b"key")
    made.plan = ActivePlan(table, HeadReader((UnitSource("client"),)))
    return made


async def answers(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def the_blocking_call() -> None:
    time.sleep(BLOCK)


async def blocks(scope: Any, receive: Any, send: Any) -> None:
    the_blocking_call()
    await answers(scope, receive, send)


async def blocks_elsewhere(scope: Any, receive: Any, send: Any) -> None:
    """In a task of its own, which has nothing of the request."""

    async def inner() -> None:
        the_blocking_call()

    await asyncio.create_task(inner())
    await answers(scope, receive, send)


def behind_middleware() -> FastAPI:
    """Each of the two runs what is behind it in a task of its own."""
    app = FastAPI()

    async def handler() -> None:
        the_blocking_call()

    async def passed_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    app.get("/x")(handler)
    app.middleware("http")(passed_on)
    app.middleware("http")(passed_on)
    return app


async def ask(app: Dispatch) -> None:
    await AsgiTarget(app).send(Request("GET", "/x"))


@asynccontextmanager
async def watched(app: Dispatch) -> AsyncIterator[tuple[LoopWatch, list[Told]]]:
    """A loop that is watched; what held it up is told."""
    told: list[Told] = []
    watch = LoopWatch()
    watch.attribute(app.who_runs, lambda *what: told.append(what))
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    try:
        yield watch, told
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize(
    "handler", [blocks, behind_middleware()], ids=["bare", "behind middleware"]
)
@pytest.mark.parametrize(("split", "stack"), [(SPACE, Stack.MODERN), (0, Stack.LEGACY)])
async def test_t29_a_handler_that_sleeps_on_the_loop_is_named_with_its_route_and_stack(
    split: int, stack: Stack, handler: Any
) -> None:
    app = dispatch(handler, handler, split)
    async with watched(app) as (_, told):
        await ask(app)
        await asyncio.sleep(0)
    assert told == [("GET /x", stack, f"{__name__}.the_blocking_call")]


async def test_t29_requests_that_wait_meanwhile_are_not_named() -> None:
    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.05)
        await answers(scope, receive, send)

    waiting, blocking = dispatch(waits), dispatch(legacy=blocks, split=0)

    def both(task: Any, frame: Any) -> Running | None:
        return waiting.who_runs(task, frame) or blocking.who_runs(task, frame)

    async with watched(blocking) as (watch, told):
        watch.attribute(both, lambda *what: told.append(what))
        await asyncio.gather(ask(waiting), ask(blocking), ask(waiting))
    assert [stack for _, stack, _ in told] == [Stack.LEGACY]


async def test_t29_what_blocks_in_no_request_is_nobodys() -> None:
    app = dispatch()
    async with watched(app) as (_, told):
        the_blocking_call()
        await asyncio.sleep(0)
    assert told == []


async def test_t29_a_task_that_a_request_started_is_not_taken_for_the_request() -> None:
    """No request can be found from it; the seconds are counted as nobody's."""
    app = dispatch(blocks_elsewhere)
    name, labels = "gateway_event_loop_blocked_seconds_total", {"stack": "none"}
    before = REGISTRY.get_sample_value(name, labels) or 0
    async with watched(app) as (_, told):
        await ask(app)
    assert told == []
    assert (REGISTRY.get_sample_value(name, labels) or 0) > before


async def test_t29_what_is_slow_meanwhile_is_excused_before_the_loop_has_noticed() -> None:
    app = dispatch(blocks)
    async with watched(app) as (watch, _):
        await asyncio.sleep(0.01)
        before = time.monotonic()
        assert watch.late < before
        the_blocking_call()
        assert watch.late >= before + BLOCK  # nothing else ran on the loop since
        while watch._late == float("-inf"):
            await asyncio.sleep(0.01)
        assert before < watch.late <= time.monotonic()


async def test_a_loop_that_is_watched_no_more_ends_the_thread() -> None:
    app = dispatch()
    before = set(threading.enumerate())
    async with watched(app):
        (thread,) = set(threading.enumerate()) - before
        assert thread.is_alive()
    thread.join(5)
    assert not thread.is_alive()


@dataclass
class Machine:
    """A process whose time passes as a test says: `steps` are what passes until its thread wakes next,
    and how much of that the processor worked for it.
    """

    steps: list[tuple[float, float, bool]] = field(default_factory=list)
    clock: TestClock = field(default_factory=TestClock)
    processor: TestClock = field(default_factory=lambda: TestClock(0.0))
    told: list[Told] = field(default_factory=list)
    watch: LoopWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = LoopWatch(self.clock, self.processor)
        running = Running("GET /x", Stack.MODERN)
        self.watch.attribute(lambda *_: running, lambda *what: self.told.append(what))
        self.watch._loop, self.watch._loop_thread = asyncio.get_running_loop(), 0

    def wait(self, _seconds: float) -> bool:
        """In place of the thread's event: True is the end."""
        if not self.steps:
            return True
        seconds, used, beats = self.steps.pop(0)
        self.clock.now += seconds
        self.processor.now += used
        if beats:
            self.watch._beat = self.clock.now
        return False

    async def runs(self, *steps: tuple[float, float, bool]) -> list[str]:
        """The events in the log."""
        self.steps = list(steps)
        with capture_logs() as logs:
            self.watch._listen(cast("threading.Event", self))
        await asyncio.sleep(0)
        return [str(line["event"]) for line in logs]


ON_TIME = (0.1, 0.05, True)
HELD_UP = (0.1, 0.0, False)  # the thread is on time, the loop is not
STOPPED = (10.0, 0.0, False)  # neither was
STARVED = (2.0, 0.3, False)
KEPT_OUT = (
    3.0,
    2.9,
    False,
)  # code that gives no other thread its turn: the thread was late as well


@pytest.mark.parametrize(
    ("steps", "times", "events"),
    [
        ([ON_TIME] * 20, 0, []),
        ([ON_TIME, *[HELD_UP] * 3, ON_TIME], 0, []),
        ([ON_TIME, *[HELD_UP] * 6, ON_TIME], 1, []),
        ([ON_TIME, *[HELD_UP] * 30, ON_TIME], 1, ["loop.blocked"]),
        ([ON_TIME, *[HELD_UP] * 6, ON_TIME, *[HELD_UP] * 6], 2, []),
        ([ON_TIME, KEPT_OUT, ON_TIME], 1, ["loop.blocked"]),
    ],
    ids=["on time", "for a moment", "held up", "for long", "twice", "no thread had its turn"],
)
async def test_t29_who_holds_the_loop_up_is_told_once_each_time(
    steps: list[tuple[float, float, bool]], times: int, events: list[str]
) -> None:
    machine = Machine()
    assert await machine.runs(*steps) == events
    assert len(machine.told) == times


@pytest.mark.parametrize(
    "steps",
    [
        [ON_TIME, STOPPED, ON_TIME],
        [ON_TIME, STOPPED, HELD_UP, HELD_UP, ON_TIME],
        [ON_TIME, HELD_UP, HELD_UP, STOPPED, ON_TIME],
        [ON_TIME, STARVED, STARVED, STARVED, ON_TIME],
        [STOPPED] * 5,
    ],
    ids=["at once", "slow to come back", "in the middle of a call", "starved", "again and again"],
)
async def test_b094_a_process_that_was_stopped_or_starved_is_held_against_nobody(
    steps: list[tuple[float, float, bool]],
) -> None:
    machine = Machine()
    assert await machine.runs(*steps) == []
    assert machine.told == []


async def test_b094_who_holds_the_loop_up_after_a_pause_is_told() -> None:
    machine = Machine()
    assert await machine.runs(STOPPED, *[HELD_UP] * 6, ON_TIME) == []
    assert len(machine.told) == 1


async def test_b094_what_a_pause_made_slow_is_excused_before_the_loops_next_beat() -> None:
    machine = Machine()
    machine.watch._beat = machine.clock.now
    evidence = Evidence(lambda: machine.watch.late, machine.clock)
    evidence.renew(1, {"GET /x": SPACE})
    for seconds, stack, count in ((0.01, Stack.LEGACY, ENOUGH), (10.01, Stack.MODERN, 1)):
        decision = Decision(stack, Reason.SPLIT, 7)
        for _ in range(count):
            evidence.observe(Exchange(0.0, "id", "GET /x", "GET", "/x", decision, 1, 200, seconds))
        assert evidence.take().events == []
        for _ in range(10):
            evidence.tick()
        machine.clock.now += 10.0


def test_a_pause_is_over_when_the_thread_wakes() -> None:
    clock, processor = TestClock(), TestClock(0.0)
    pauses = Pauses(clock, processor)
    for seconds, used, paused in ((0.1, 0.0, False), (0.19, 0.0, False), (9.0, 4.0, True)):
        clock.now += seconds
        processor.now += used
        assert pauses.woke() == clock.now
        assert (pauses.over == clock.now) is paused


async def test_a_loop_that_is_closed_meanwhile_does_not_end_the_thread_with_an_error() -> None:
    machine = Machine()
    machine.watch._loop = asyncio.new_event_loop()
    machine.watch._loop.close()
    await machine.runs(*[HELD_UP] * 6)
    assert machine.told == []


async def test_what_held_the_loop_up_reaches_the_store_as_a_sighting() -> None:
    app, evidence = dispatch(blocks), Evidence(lambda: 0.0)
    async with watched(app) as (watch, _):
        watch.attribute(app.who_runs, evidence.saw_lag)
        await ask(app)
        await asyncio.sleep(0)
    assert evidence.take().sightings == [
        Sighting("GET /x", "modern", "lag", f"{__name__}.the_blocking_call", 1)
    ]


BUSY = """
import asyncio, sys, time
from gateway.observe.lag import LoopWatch, Running
from gateway.words import Stack

told = []

async def works():
    while True:
        until = time.monotonic() + 0.04
        while time.monotonic() < until:
            pass
        await asyncio.sleep(0.001)

async def main():
    watch = LoopWatch()
    handler = asyncio.create_task(works())
    who = lambda task, _: Running("GET /x", Stack.MODERN) if task is handler else None
    watch.attribute(who, lambda *what: told.append(what))
    watching = asyncio.create_task(watch.run())
    await asyncio.sleep(0.3)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.sleep(0.2)
    print(told, flush=True)
    watching.cancel(), handler.cancel()

asyncio.run(main())
"""


def test_b094_a_worker_that_is_really_stopped_blames_no_handler() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            for _ in range(4):
                os.kill(process.pid, signal.SIGSTOP)
                passes(0.6)  # what is tested is that this much time passes
                os.kill(process.pid, signal.SIGCONT)
                passes(0.3)
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "[]\n"
        finally:
            process.kill()


def passes(seconds: float) -> None:
    threading.Event().wait(seconds)
