"""Clocks that step: order, ages and expiry do not follow a host's clock where the store has its own."""

import time
from collections.abc import Callable

import pytest

from gateway.control import tokens as made
from gateway.control.tokens import Outcome, Role
from gateway.store import database
from gateway.store.opening import Store
from gateway.store.tokens import Tokens
from tests.store.acts import ACT, PLAN, applied, beat

HOUR, DAY = 3_600.0, 86_400.0
Step = Callable[[float], None]


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Step:
    """The host's clock, for all that ask it."""
    real = time.time

    def set_off(seconds: float) -> None:
        for module in (database, time):
            monkeypatch.setattr(module, "time", lambda: real() + seconds)

    return set_off


def test_b076_the_order_of_versions_and_audit_lines_does_not_follow_the_clock(
    file_store: Store, step: Step
) -> None:
    for seconds in (0, -HOUR, DAY, -DAY):
        step(seconds)
        applied(file_store, PLAN)
    history, lines = file_store.versions.history(9), file_store.audit.lines(9)
    assert [one.version for one in history] == [line.version for line in lines] == [4, 3, 2, 1]
    assert [one.at for one in history] != sorted((one.at for one in history), reverse=True)
    current = file_store.versions.current()
    assert current is not None
    assert current.version == 4


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_b076_the_clock_of_a_host_says_nothing_about_its_workers_lives(
    fleet_store: Store, step: Step, seconds: float
) -> None:
    step(seconds)
    fleet_store.workers.beat(beat(), first=True)
    step(0)
    (worker,) = fleet_store.workers.all()
    assert worker.alive
    assert 0 <= worker.age < 10
    assert abs(worker.started - time.time()) < HOUR


def test_b076_no_age_is_negative_when_the_clock_goes_back(file_store: Store, step: Step) -> None:
    file_store.workers.beat(beat(), first=True)
    step(-HOUR)
    (worker,) = file_store.workers.all()
    assert (worker.alive, worker.age) == (True, 0.0)


def test_b076_after_a_step_forward_the_next_heartbeat_lives_again(
    file_store: Store, step: Step
) -> None:
    file_store.workers.beat(beat(), first=True)
    step(DAY)
    assert [worker.alive for worker in file_store.workers.all()] == [False]
    assert file_store.workers.beat(beat(), first=False)
    assert [worker.alive for worker in file_store.workers.all()] == [True]


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_b076_a_token_does_not_expire_by_the_clock_of_a_host(
    fleet_store: Store, step: Step, seconds: float
) -> None:
    tokens = Tokens(fleet_store.database)
    text, stored = made.make("ci", Role.OPERATOR, "cli:ann", tokens.now(), HOUR)
    tokens.add(stored, ACT)
    step(seconds)
    assert made.verify(text, tokens.find(stored.id), tokens.now()) is Outcome.VALID
