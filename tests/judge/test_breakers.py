"""The breakers of a worker, through the hot path: who is sent away from a modern that fails."""

from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from gateway.failover import FLOOR, WINDOW
from gateway.faults import NOBODYS
from gateway.judge.breaker import FORGOTTEN, OPEN, PROBES, Change, State
from gateway.judge.breaker import WINDOW as WINDOW_OF_BREAKERS
from gateway.observe.evidence import Evidence
from gateway.refusal import refuse
from gateway.routes import SPACE
from gateway.words import Phase, Reason, Stack
from tests.judge.failing import ROUTE, App, Worker, answering, answering_and_raising, raising


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def asks(worker: Worker, outcomes: str) -> None:
    """One request for each letter: `.` is well, `!` fails."""
    for outcome in outcomes:
        worker.modern = answering(200 if outcome == "." else 500)
        await worker.asks()


async def test_after_five_errors_in_a_row_legacy_answers_and_says_so(worker: Worker) -> None:
    seen = [(await worker.served_by(), worker.state) for _ in range(6)]
    assert seen == [("modern", "closed")] * 4 + [("modern", "open"), ("legacy", "open")]
    decisions = [one.decision for one in worker.recorder.seen]
    assert [one.reason for one in decisions] == [Reason.SPLIT] * 5 + [Reason.BREAKER]
    assert decisions[-1].stack is Stack.LEGACY
    assert decisions[-1].bucket == decisions[0].bucket


async def test_what_was_decided_while_it_was_open_is_marked(worker: Worker) -> None:
    await worker.probes()
    worker.recorder.seen.clear()
    await worker.asks()
    await worker.asks("/y")
    assert [one.tripped for one in worker.recorder.seen] == [True, False]


@pytest.mark.parametrize("modern", [raising, answering_and_raising], ids=["raises", "does both"])
async def test_an_exception_is_one_error(worker: Worker, modern: App) -> None:
    worker.modern = modern
    for _ in range(4):
        with suppress(ValueError):
            await worker.asks()
    assert worker.state == "closed"
    with suppress(ValueError):
        await worker.asks()
    assert worker.state == "open"


async def test_an_error_that_failover_hides_is_one_too() -> None:
    worker = Worker(failover=True)
    seen = [await worker.served_by(method="GET") for _ in range(6)]
    assert seen == ["legacy"] * 6
    assert [one.failed for one in worker.recorder.seen] == [500] * 5 + [0]


async def test_what_went_well_before_the_first_error_is_part_of_the_share(worker: Worker) -> None:
    await asks(worker, "." * 20)
    worker.passes(WINDOW_OF_BREAKERS / 2)
    await asks(worker, "." * 10 + "!..." * 3)
    assert worker.state == "closed"  # 3 of 42, though 3 of the last 9
    await asks(worker, "!" * 4 + "." + "!" * 4 + "." + "!" * 2)
    assert worker.state == "closed"
    await asks(worker, "!!.!!!")
    assert worker.changes[-1][1].why == "18 errors of the 60 requests in 60 s"


async def test_what_went_well_long_before_is_none_of_the_share_of_a_busy_route(
    worker: Worker,
) -> None:
    await asks(worker, "." * 100)
    worker.passes(1.0)
    worker.passes(WINDOW_OF_BREAKERS)
    await asks(worker, "!..!....." + "!")
    assert worker.changes[-1][1].why == "3 errors of the 10 requests in 60 s"


async def test_of_a_rare_route_it_is_however_long_ago(worker: Worker) -> None:
    for _ in range(3):
        await asks(worker, "." * 5)
        worker.passes(1.0)
        worker.passes(10 * WINDOW_OF_BREAKERS)
    await asks(worker, "!!.!!")
    assert worker.state == "closed"  # 4 of 20
    worker.passes(WINDOW_OF_BREAKERS)
    await asks(worker, ".!!")
    assert worker.changes[-1][1].why == "6 errors of the 20 last requests"


async def test_another_route_is_not_concerned(worker: Worker) -> None:
    await worker.opens()
    assert await worker.served_by("/y") == "modern"
    assert await worker.served_by(method="GET") == "modern"


async def test_a_pinned_key_stays_with_modern_or_it_would_be_done_twice(worker: Worker) -> None:
    worker.modern = answering(200)
    assert await worker.served_by(idempotency_key="k") == "modern"
    await worker.opens()
    assert await worker.served_by(idempotency_key="k") == "modern"
    assert worker.recorder.seen[-1].decision.reason is Reason.PINNED


async def test_a_pinned_key_is_no_try(worker: Worker) -> None:
    worker.modern = answering(200)
    assert await worker.served_by(idempotency_key="k") == "modern"
    await worker.probes()
    for _ in range(10):
        assert await worker.served_by(idempotency_key="k") == "modern"
    assert await worker.free() == PROBES


async def test_whom_legacy_answers_anyway_is_no_try(worker: Worker) -> None:
    await worker.probes()
    worker.plan(split=0)
    for _ in range(10):
        assert await worker.served_by() == "legacy"
        assert worker.recorder.seen[-1].decision.reason is Reason.SPLIT
    worker.plan()
    assert await worker.free() == PROBES


@pytest.mark.parametrize(
    ("legacy", "phase", "reason"),
    [
        (False, Phase.GRADUAL, Reason.LEGACY_MISSING),
        (True, Phase.FULL, Reason.PHASE),
    ],
)
async def test_where_no_other_stack_can_answer_nobody_is_refused(
    legacy: bool,
    phase: Phase,
    reason: Reason,
) -> None:
    worker = Worker(legacy=legacy, phase=phase)
    assert [await worker.served_by() for _ in range(20)] == ["modern"] * 20
    assert {one.decision.reason for one in worker.recorder.seen} == {reason}
    worker.passes(OPEN)
    worker.modern = answering(200)
    for _ in range(PROBES):
        await worker.asks()
    assert worker.state == "closed"


async def test_every_change_is_told_logged_and_measured(worker: Worker) -> None:
    def level() -> float | None:
        return REGISTRY.get_sample_value("gateway_breaker_state", {"route": ROUTE})

    levels = []
    with capture_logs() as logs:
        await worker.opens()
        levels.append(level())
        worker.passes(OPEN)
        levels.append(level())
        worker.modern = answering(200)
        for _ in range(PROBES):
            await worker.asks()
        levels.append(level())
    assert levels == [2, 1, 0]
    turned = [line for line in logs if line["event"] == "breaker.turned"]
    assert [(one["route"], one["state"]) for one in turned] == [
        (ROUTE, "open"), (ROUTE, "half-open"), (ROUTE, "closed"),
    ]  # fmt: skip
    assert worker.changes == [
        (ROUTE, Change(State.CLOSED, State.OPEN, "5 errors in a row", OPEN)),
        (ROUTE, Change(State.OPEN, State.HALF_OPEN, "5 errors in a row")),
        (ROUTE, Change(State.HALF_OPEN, State.CLOSED, "3 probes passed")),
    ]


async def test_those_that_are_not_closed_are_told_with_why(worker: Worker) -> None:
    assert worker.breakers.document() == {}
    await worker.opens()
    assert worker.breakers.document() == {ROUTE: {"state": "open", "why": "5 errors in a row"}}


async def test_a_hook_with_a_bug_hurts_no_client_and_the_breaker_stands(worker: Worker) -> None:
    def bug(route: str, change: Change) -> None:
        raise ZeroDivisionError

    worker.breakers.told = bug
    await worker.opens()
    assert await worker.served_by() == "legacy"
    assert len(worker.recorder.seen) == 6


async def test_memory_is_for_routes_that_failed_lately_alone(worker: Worker) -> None:
    worker.modern = answering(200)
    for path in ("/x", "/y", "/none", "/other"):
        await worker.asks(path)
    assert worker.breakers._kept == {}
    worker.modern = answering(500)
    for path in ("/x", "/y", *(f"/none/{n}" for n in range(50))):
        await worker.asks(path)
    assert set(worker.breakers._kept) == {"POST /x", "POST /y"}
    worker.modern = answering(200)
    for _ in range(20):
        await worker.asks()
        await worker.asks("/y")
    worker.passes(FORGOTTEN)
    assert worker.breakers._kept == {}


async def test_what_reaches_no_route_has_no_breaker() -> None:
    worker = Worker(legacy=False)
    for number in range(20):
        assert (await worker.asks(f"/none/{number}")).status == 500
    assert worker.recorder.seen[-1].decision.stack is Stack.MODERN
    assert worker.breakers._kept == {}


async def test_one_that_was_open_is_forgotten_later(worker: Worker) -> None:
    await worker.probes()
    worker.modern = answering(200)
    for _ in range(PROBES):
        await worker.asks()
    worker.passes(FORGOTTEN / 2)
    assert set(worker.breakers._kept) == {ROUTE}
    worker.passes(FORGOTTEN)
    assert (worker.breakers._kept, worker.breakers.tripped) == ({}, {})


@pytest.mark.parametrize(
    "modern", [answering(500), raising, answering_and_raising], ids=["500", "raises", "does both"]
)
async def test_one_failure_takes_one_from_the_failover_budget(modern: App) -> None:
    worker = Worker(failover=True)
    worker.modern = modern
    for _ in range(5):
        assert (await worker.asks(method="GET")).status == 200
    left = 0
    while worker.dispatch.budget.take():
        left += 1
    assert left == FLOOR * WINDOW - 5


async def test_while_it_is_open_its_probes_are_evidence_and_nothing_else(worker: Worker) -> None:
    evidence = Evidence(lambda: float("-inf"))
    evidence.renew(1, {ROUTE: SPACE})
    await worker.opens()
    for one in worker.recorder.seen:
        evidence.observe(one)
    (count,) = evidence.take().counts
    assert (count.stack, count.requests, count.failures) == ("modern", 5, 5)
    worker.recorder.seen.clear()
    await worker.asks()
    worker.passes(OPEN)
    await worker.asks()
    for one in worker.recorder.seen:
        evidence.observe(one)
    (count,) = evidence.take().counts
    assert (count.stack, count.requests, count.failures) == ("modern", 1, 1)


async def test_what_nobody_is_to_blame_for_is_no_error_of_the_exchange_either() -> None:
    """Legacy answers where the gateway itself could not ask modern."""
    worker = Worker(failover=True)

    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await refuse(send, 503, "the gateway has no free descriptor", fault=NOBODYS)

    worker.modern = refuses
    assert await worker.served_by(method="GET") == "legacy"
    assert worker.recorder.seen[-1].fault == NOBODYS
    assert not worker.recorder.seen[-1].error


async def test_an_app_that_raises_of_a_body_that_is_too_large_is_not_to_blame(
    worker: Worker,
) -> None:
    async def translates(scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
        except Exception as error:
            raise RuntimeError("the upload failed") from error

    worker.modern = translates
    answer = await worker.asks(body=b"more than four", transfer_encoding="chunked")
    assert (answer.status, worker.recorder.seen[-1].fault) == (413, NOBODYS)
