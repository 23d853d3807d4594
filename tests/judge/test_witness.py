"""The store hears of what a worker saw, once, whatever fails meanwhile."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from gateway import witness as module
from gateway.assignment import Decision
from gateway.exchange import Exchange
from gateway.judge.breaker import Change, State
from gateway.observe.evidence import Evidence
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import Count, Event, Sighting
from gateway.store.opening import Store, open_store
from gateway.witness import Witness
from gateway.words import Reason, Stack
from tests.drive import AsgiTarget, Request
from tests.stacks import PLAN, TestClock, gateway, settings

ROUTE = "GET /x"
OPENED = Change(State.CLOSED, State.OPEN, "5 errors in a row", 30.0)
PROBING = Change(State.OPEN, State.HALF_OPEN, "5 errors in a row")
AGAIN = Change(State.HALF_OPEN, State.OPEN, "a probe failed", 60.0)


class FakeStore:
    """Both parts that a witness tells; each raises what its list says, in turn."""

    def __init__(self) -> None:
        self.evidence, self.notices = self, self
        self.batches: list[tuple[Sequence[Count], Sequence[Event], Sequence[Sighting]]] = []
        self.told: list[tuple[str, str, dict[str, str]]] = []
        self.broken: Exception | None = None
        self.notices_broken: Exception | None = None

    def add(self, *arguments: Any) -> None:
        if isinstance(arguments[0], str):
            if self.notices_broken is not None:
                raise self.notices_broken
            self.told.append(cast("tuple[str, str, dict[str, str]]", arguments))
            return
        if self.broken is not None:
            raise self.broken
        self.batches.append(cast("Any", arguments))

    @property
    def requests(self) -> int:
        return sum(count.requests for counts, _, _ in self.batches for count in counts)

    @property
    def events(self) -> int:
        return sum(len(events) for _, events, _ in self.batches)


class Worker:
    """One worker's witness, and what it watches."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.evidence = Evidence(lambda: float("-inf"), TestClock())
        self.evidence.renew(1, {ROUTE: 5000})
        self.witness = Witness(self.evidence, cast("Store", self.store))

    def sees(self, status: int = 200, bucket: int = 7) -> None:
        decision = Decision(Stack.MODERN, Reason.SPLIT, bucket)
        self.evidence.observe(Exchange(0.0, "id", ROUTE, "GET", "/x", decision, 1, status, 0.01))


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second takes a millisecond."""
    assert module.INTERVAL == 1.0
    monkeypatch.setattr(module, "INTERVAL", 0.001)


async def test_what_was_seen_is_told_once(worker: Worker) -> None:
    worker.sees(500)
    await worker.witness.tell()
    await worker.witness.tell()
    assert (len(worker.store.batches), worker.store.requests, worker.store.events) == (1, 1, 1)


async def test_where_nothing_was_seen_the_store_is_left_alone(worker: Worker) -> None:
    await worker.witness.tell()
    assert worker.store.batches == []


@pytest.mark.parametrize(
    "broken", [StoreUnavailable("no disk"), RuntimeError("a bug")], ids=["down", "bug"]
)
async def test_what_the_store_did_not_take_is_told_when_it_does(
    worker: Worker, broken: Exception
) -> None:
    worker.sees(500)
    worker.store.broken = broken
    await worker.witness.tell()
    worker.sees(500, bucket=8)
    worker.store.broken = None
    await worker.witness.tell()
    assert (len(worker.store.batches), worker.store.requests, worker.store.events) == (1, 2, 2)


async def test_a_store_that_stays_away_is_logged_once_and_again_after_it_was_back(
    worker: Worker,
) -> None:
    with capture_logs() as logs:
        for broken in (StoreUnavailable("no disk"), None, StoreUnavailable("no disk")):
            worker.store.broken = broken
            for _ in range(3):
                worker.sees()
                await worker.witness.tell()
    assert [line["event"] for line in logs] == ["evidence.not_told"] * 2
    assert {line["error"] for line in logs} == {"no disk"}
    assert {line["exc_info"] for line in logs} == {None}


async def test_a_bug_is_logged_once_with_where_it_is(worker: Worker) -> None:
    bug = ZeroDivisionError("a bug")
    worker.store.broken = bug
    with capture_logs() as logs:
        for _ in range(3):
            worker.sees()
            await worker.witness.tell()
    assert [line["exc_info"] for line in logs] == [bug]


async def test_a_change_of_a_breaker_is_told_with_the_worker(worker: Worker) -> None:
    worker.witness.breaker_turned(ROUTE, OPENED)
    await worker.witness.tell()
    ((kind, route, document),) = worker.store.told
    assert (kind, route) == ("breaker", ROUTE)
    assert (document["state"], document["reason"]) == ("open", "5 errors in a row")
    assert ":" in document["worker"]
    await worker.witness.tell()
    assert len(worker.store.told) == 1


async def test_evidence_that_was_told_is_not_told_again_because_a_notice_was_not(
    worker: Worker,
) -> None:
    worker.sees(500)
    worker.witness.breaker_turned(ROUTE, OPENED)
    worker.store.notices_broken = StoreUnavailable("no disk")
    await worker.witness.tell()
    worker.store.notices_broken = None
    await worker.witness.tell()
    assert (worker.store.requests, worker.store.events, len(worker.store.told)) == (1, 1, 1)


async def test_a_breaker_is_told_of_though_the_evidence_is_not(worker: Worker) -> None:
    worker.sees(500)
    worker.witness.breaker_turned(ROUTE, OPENED)
    worker.store.broken = RuntimeError("a bug")
    await worker.witness.tell()
    assert len(worker.store.told) == 1


async def test_changes_are_told_in_their_order_and_those_that_were_are_not_told_again(
    worker: Worker,
) -> None:
    for change in (OPENED, PROBING):
        worker.witness.breaker_turned(ROUTE, change)
    worker.store.notices_broken = StoreUnavailable("no disk")
    await worker.witness.tell()
    worker.store.notices_broken = None
    worker.witness.breaker_turned(ROUTE, AGAIN)
    await worker.witness.tell()
    assert [document["state"] for _, _, document in worker.store.told] == [
        "open", "half-open", "open",
    ]  # fmt: skip


async def test_changes_that_wait_are_bounded_and_the_first_are_kept(worker: Worker) -> None:
    worker.store.notices_broken = StoreUnavailable("no disk")
    for number in range(250):
        worker.witness.breaker_turned(f"GET /{number}", OPENED)
        if number % 50 == 0:
            await worker.witness.tell()
    worker.store.notices_broken = None
    await worker.witness.tell()
    assert [route for _, route, _ in worker.store.told] == [f"GET /{n}" for n in range(200)]


@pytest.mark.usefixtures("fast")
async def test_each_second_is_told_until_it_is_cancelled(worker: Worker) -> None:
    task = asyncio.create_task(worker.witness.run())
    for turn in range(1, 4):
        worker.sees()
        await until(lambda turn=turn: worker.store.requests == turn)  # type: ignore[misc]  # bound
    assert len(worker.store.batches) == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Buggy:
    """In the place of `Evidence`: whatever the witness asks it raises."""

    asked = 0

    def tick(self) -> None:
        self.asked += 1
        raise ZeroDivisionError("a bug in tick")

    def take(self) -> Any:
        raise ZeroDivisionError("a bug in take")


@pytest.mark.usefixtures("fast")
async def test_no_bug_of_the_observer_ends_it_and_it_is_logged_once() -> None:
    evidence, store = Buggy(), FakeStore()
    witness = Witness(cast("Evidence", evidence), cast("Store", store))
    with capture_logs() as logs:
        task = asyncio.create_task(witness.run())
        await until(lambda: evidence.asked > 3)
        witness.breaker_turned(ROUTE, OPENED)
        await until(lambda: len(store.told) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(logs) == 1


async def test_who_is_cancelled_in_the_middle_tells_nothing_twice(worker: Worker) -> None:
    """The thread that writes goes on: to put the batch back would count it again."""
    begun, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    add = worker.store.add

    def slow(*arguments: Any) -> None:
        loop.call_soon_threadsafe(begun.set)
        goes_on.wait(5)
        add(*arguments)

    worker.store.add = slow  # type: ignore[method-assign]  # this one's alone
    worker.sees(500)
    task = asyncio.create_task(worker.witness.tell())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    worker.sees(500, bucket=8)
    last = asyncio.create_task(worker.witness.tell())
    goes_on.set()
    await last
    await until(lambda: worker.store.requests == 2)


async def test_what_a_worker_saw_in_its_last_second_is_told_at_its_end(tmp_path: Path) -> None:
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=100)) as app:
        for _ in range(3):
            await AsgiTarget(app).send(Request("GET", "/who"))
    store = open_store(settings(tmp_path).store_url)
    rows = store.evidence.rows()
    store.close()
    assert [(row.route, row.stack, row.requests) for row in rows] == [("GET /who", "modern", 3)]
