"""Which answers are slow, and which are excused."""

import pytest

from gateway.assignment import Decision
from gateway.observe.slowness import ENOUGH
from gateway.words import Signal, Stack
from tests.judge.observing import LEGACY, MODERN, Worker, client, exchange


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_nothing_is_slow_while_nobody_knows_what_is_slow(worker: Worker) -> None:
    slow = exchange(seconds=60.0)
    assert worker.events(*[exchange(decision=LEGACY)] * (ENOUGH - 1), slow) == []
    assert worker.events(exchange(decision=LEGACY), slow) == []  # enough, but not measured yet
    for _ in range(10):
        worker.evidence.tick()
    assert worker.events(slow) == [("modern", "slow")]


@pytest.mark.parametrize("decision", [LEGACY, MODERN], ids=["legacy", "modern"])
def test_slower_than_legacys_99th_percentile_is_slow(worker: Worker, decision: Decision) -> None:
    worker.learns(0.01)
    assert worker.events(exchange(decision=decision, seconds=0.0099)) == []
    assert worker.events(exchange(decision=decision, seconds=0.02)) == [
        (decision.stack.value, "slow")
    ]


def test_an_error_is_not_slow_beside_and_teaches_nothing(worker: Worker) -> None:
    worker.learns(0.01)
    timeouts = [exchange(504, client(n, Stack.LEGACY), seconds=60.0) for n in range(ENOUGH)]
    assert {one.signal for one in worker.sees(*timeouts).events} == {Signal.ERROR}
    for _ in range(10):
        worker.evidence.tick()
    assert worker.events(exchange(seconds=0.02)) == [("modern", "slow")]


@pytest.mark.parametrize("ago", [0.0, 0.5, 2.9])
def test_t29_what_was_slow_while_the_loop_was_late_is_excused(worker: Worker, ago: float) -> None:
    worker.learns(0.01)
    worker.late = worker.clock.now - ago
    assert worker.events(exchange(seconds=3.0)) == []


def test_the_loop_that_was_late_before_the_request_came_excuses_nothing(worker: Worker) -> None:
    worker.learns(0.01)
    worker.late = worker.clock.now
    worker.clock.now += 10
    worker.sees()
    assert worker.events(exchange(seconds=3.0)) == [("modern", "slow")]


def test_a_request_that_waited_to_be_counted_is_excused_for_what_it_met(worker: Worker) -> None:
    worker.learns(0.01)
    worker.sees()
    worker.clock.now += 0.5
    worker.late = worker.clock.now
    worker.evidence.observe(exchange(seconds=0.4))
    worker.clock.now += 30  # the store said nothing for so long
    assert worker.evidence.take().events == []


def test_b094_a_pause_of_ten_seconds_is_held_against_nobody_and_teaches_nothing(
    worker: Worker,
) -> None:
    worker.learns(0.01)
    worker.clock.now += 10
    worker.late = worker.clock.now
    paused = [
        exchange(decision=client(n, stack), seconds=10.01)
        for n in range(ENOUGH)
        for stack in (Stack.MODERN, Stack.LEGACY)
    ]
    assert worker.sees(*paused).events == []
    worker.clock.now += 20
    worker.sees()
    for _ in range(10):
        worker.evidence.tick()
    assert worker.events(exchange(seconds=0.02)) == [("modern", "slow")]
