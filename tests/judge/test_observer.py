"""What a worker counts for and against the stacks, and what it does not."""

from typing import Any

import pytest

from gateway.assignment import Decision
from gateway.exchange import Exchange
from gateway.faults import CUT, NOBODYS, TIMEOUT, UNREACHABLE
from gateway.observe.evidence import (
    RESTART,
)
from gateway.store.evidence import ONCE, Count, Sighting
from gateway.words import Reason, Stack
from tests.judge.observing import (
    LEGACY,
    MODERN,
    ROUTE,
    Worker,
    client,
    counted,
    exchange,
)


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_requests_and_failing_answers_are_counted_by_stack_with_the_split(worker: Worker) -> None:
    batch = worker.sees(
        exchange(decision=LEGACY), exchange(500, LEGACY), *[exchange()] * 3, exchange(503)
    )
    assert sorted(batch.counts, key=lambda one: one.stack) == [
        Count(ROUTE, 1, "legacy", 5000, 2, 1),
        Count(ROUTE, 1, "modern", 5000, 4, 1),
    ]


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.SPLIT}))
def test_only_what_the_split_decided_is_evidence(worker: Worker, reason: Reason) -> None:
    decision = Decision(Stack.MODERN, reason, 7)
    assert worker.sees(exchange(500, decision), exchange(422, decision)) == ([], [], [])


def test_what_legacy_got_while_modern_could_not_have_had_it_is_none(worker: Worker) -> None:
    barred = [exchange(status, LEGACY, tripped=True, barred=True) for status in (200, 422, 500)]
    assert worker.sees(*barred) == ([], [], [])


def test_a_breaker_s_probe_and_what_legacy_got_beside_it_are_evidence(worker: Worker) -> None:
    batch = worker.sees(exchange(200, LEGACY, tripped=True), exchange(500, MODERN, tripped=True))
    assert [(one.stack, one.requests) for one in batch.counts] == [("legacy", 1), ("modern", 1)]
    assert [one.stack for one in batch.events] == ["modern"]


def test_a_client_that_left_before_the_answer_is_neither_request_nor_event(worker: Worker) -> None:
    assert worker.sees(exchange(499), exchange(499, fault="KeyError at shop.place")) == ([], [], [])


def test_a_client_that_left_while_legacy_helped_out_leaves_moderns_failure(worker: Worker) -> None:
    batch = worker.sees(exchange(499, failed=500))
    assert (counted(batch), len(batch.events)) == ({"modern": (1, 1)}, 1)


def test_a_failure_that_failover_hid_is_moderns(worker: Worker) -> None:
    batch = worker.sees(exchange(200, failed=500, fault="KeyError at shop.place"))
    assert counted(batch) == {"modern": (1, 1)}
    assert [(one.stack, one.signal) for one in batch.events] == [("modern", "error")]
    assert batch.sightings == [
        Sighting(ROUTE, "modern", "exception", "KeyError at shop.place", 1),
    ]


@pytest.mark.parametrize("status", [401, 404, 429])
def test_what_clients_bring_upon_themselves_is_a_request_and_no_event(
    worker: Worker, status: int
) -> None:
    batch = worker.sees(exchange(status))
    assert (counted(batch), batch.events) == ({"modern": (1, 0)}, [])


@pytest.mark.parametrize("status", [400, 403, 405, 409, 410, 413, 418, 422, 431, 451])
def test_other_refusals_are_client_errors(worker: Worker, status: int) -> None:
    batch = worker.sees(exchange(status))
    assert counted(batch) == {"modern": (1, 0)}
    assert [one.signal for one in batch.events] == ["client_error"]


@pytest.mark.parametrize("status", [100, 200, 204, 301, 304, 399])
def test_other_answers_are_no_event(worker: Worker, status: int) -> None:
    assert worker.events(exchange(status)) == []


@pytest.mark.parametrize(
    "seen",
    [
        exchange(413, fault=NOBODYS),
        exchange(503, fault=NOBODYS),
        exchange(200, failed=503, fault=NOBODYS),
    ],
    ids=["the body is too large", "no descriptor is free", "legacy answered instead"],
)
def test_what_no_stack_was_asked_for_is_no_stacks(worker: Worker, seen: Exchange) -> None:
    assert worker.sees(seen) == ([], [], [])


def test_one_event_a_minute_of_a_route_client_and_fingerprint(worker: Worker) -> None:
    failing = exchange(500, fault="KeyError at shop.place")
    assert worker.events(*[failing] * 50) == [("modern", "error")]
    worker.clock.now += ONCE - 0.001
    assert worker.events(failing) == []
    worker.clock.now += 0.001
    assert worker.events(failing) == [("modern", "error")]
    worker.clock.now += ONCE - 0.001
    assert worker.events(failing) == []


@pytest.mark.parametrize(
    "other",
    [
        exchange(500, fault="ValueError at shop.place"),
        exchange(500, client(8), fault="KeyError at shop.place"),
        exchange(500, route="GET /y", fault="KeyError at shop.place"),
        exchange(422),
    ],
    ids=["fingerprint", "client", "route", "signal"],
)
def test_another_counts_beside_it(worker: Worker, other: Exchange) -> None:
    assert len(worker.events(exchange(500, fault="KeyError at shop.place"), other)) == 2


def test_without_a_fingerprint_the_status_tells_failures_apart(worker: Worker) -> None:
    assert (
        len(worker.events(exchange(500), exchange(500), exchange(503), exchange(failed=503))) == 2
    )


def test_what_legacy_did_hides_nothing_of_modern(worker: Worker) -> None:
    seen = [exchange(502, decision, fault=CUT) for decision in (LEGACY, MODERN)]
    assert worker.events(*seen) == [("legacy", "error"), ("modern", "error")]


def test_a_stack_that_goes_away_in_the_middle_of_many_requests_is_one_event(worker: Worker) -> None:
    batch = worker.sees(*[exchange(502, client(n), fault=CUT) for n in range(40)])
    assert counted(batch) == {"modern": (40, 40)}
    assert len(batch.events) == 1


def test_no_answer_in_time_is_an_event_of_each_client(worker: Worker) -> None:
    assert len(worker.events(*[exchange(504, client(n), fault=TIMEOUT) for n in range(4)])) == 4


def unreachable(bucket: int = 7, stack: Stack = Stack.MODERN, **changes: Any) -> Exchange:
    return exchange(502, client(bucket, stack), fault=UNREACHABLE, **changes)


def test_a_restart_is_excused_and_what_takes_longer_is_one_event(worker: Worker) -> None:
    assert worker.events(*[unreachable(n) for n in range(20)]) == []
    worker.clock.now += RESTART - 0.001
    assert worker.events(unreachable(20)) == []
    worker.clock.now += 0.001
    assert worker.events(unreachable(21), unreachable(22)) == [("modern", "error")]


def test_its_failing_answers_are_counted_all_the_same(worker: Worker) -> None:
    assert counted(worker.sees(unreachable(), unreachable())) == {"modern": (2, 2)}


@pytest.mark.parametrize(
    "answer",
    [
        exchange(200),
        exchange(500),
        exchange(200, tripped=True),
        exchange(200, Decision(Stack.MODERN, Reason.OVERRIDE, 7)),
        exchange(200, route="GET /y"),
        exchange(502, fault=CUT),
    ],
    ids=["ok", "error", "a breaker's probe", "an override", "on another route", "cut"],
)
def test_with_an_answer_in_between_the_time_of_a_restart_begins_anew(
    worker: Worker, answer: Exchange
) -> None:
    worker.sees(unreachable())
    worker.clock.now += RESTART - 1
    worker.sees(answer)
    worker.clock.now += RESTART
    assert worker.events(unreachable()) == []
    worker.clock.now += RESTART
    assert worker.events(unreachable()) == [("modern", "error")]


@pytest.mark.parametrize(
    "other",
    [
        exchange(200, decision=LEGACY),
        exchange(499),
        exchange(503, fault=NOBODYS),
        unreachable(tripped=True),
    ],
    ids=["of legacy", "a client that left", "nobody asked it", "a probe that found nobody"],
)
def test_what_is_no_answer_of_it_does_not(worker: Worker, other: Exchange) -> None:
    worker.sees(unreachable())
    worker.clock.now += RESTART - 1
    worker.sees(other)
    worker.clock.now += 1
    assert worker.events(unreachable()) == [("modern", "error")]


def test_a_restart_of_one_stack_is_none_of_the_other(worker: Worker) -> None:
    worker.sees(unreachable(stack=Stack.LEGACY))
    worker.clock.now += RESTART
    assert worker.events(unreachable()) == []


def test_an_exception_is_sighted_whatever_sent_the_request_there(worker: Worker) -> None:
    override = Decision(Stack.MODERN, Reason.OVERRIDE, 7)
    batch = worker.sees(*[exchange(500, override, fault="KeyError at shop.place")] * 3)
    assert batch == ([], [], [Sighting(ROUTE, "modern", "exception", "KeyError at shop.place", 3)])


@pytest.mark.parametrize("word", [CUT, TIMEOUT, UNREACHABLE, NOBODYS])
def test_a_failure_of_the_way_there_is_no_exception(worker: Worker, word: str) -> None:
    assert worker.sees(exchange(502, fault=word)).sightings == []


def test_what_a_client_was_told_by_a_handler_of_the_app_is_no_exception(worker: Worker) -> None:
    assert worker.sees(exchange(413, fault="BodyTooLarge at shop.upload")).sightings == []


def test_what_held_the_loop_up_is_sighted(worker: Worker) -> None:
    for _ in range(2):
        worker.evidence.saw_lag(ROUTE, Stack.MODERN, "shop.orders.place")
    assert worker.evidence.take().sightings == [
        Sighting(ROUTE, "modern", "lag", "shop.orders.place", 2)
    ]


def test_only_the_clock_that_does_not_jump_is_asked(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exchange's `at` is the wall clock's, which may be set back or ahead."""
    monkeypatch.setattr("time.time", lambda: pytest.fail("the wall clock was asked"))
    failing = exchange(500)
    assert worker.events(failing, failing._replace(at=1e12), failing._replace(at=-1e12)) == [
        ("modern", "error")
    ]


def test_a_fingerprint_that_is_no_text_is_no_bug(worker: Worker) -> None:
    assert worker.events(exchange(500, fault="\ud800 at shop.place")) == [("modern", "error")]
