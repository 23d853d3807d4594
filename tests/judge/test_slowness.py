"""What is slow on a route, as legacy's recent answers say."""

from math import ceil, inf
from random import Random

import pytest

from gateway.observe.slowness import ENOUGH, TURN, Slowness
from tests.stacks import TestClock

FACTOR = 1.15


class Legacy:
    """Answers of legacy on some routes, and a clock."""

    def __init__(self) -> None:
        self.clock = TestClock()
        self.slowness = Slowness(self.clock)

    def answers(self, *seconds: float, route: str = "GET /x") -> None:
        for one in seconds:
            self.slowness.learn(route, [one])

    def passes(self, seconds: float, every: float = 10.0) -> None:
        """Time, with a tick now and then, as a worker has it."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.now = min(until, self.clock.now + every)
            self.slowness.tick()

    def threshold(self, route: str = "GET /x") -> float:
        self.slowness.tick()
        return self.slowness.threshold(route)


@pytest.fixture
def legacy() -> Legacy:
    return Legacy()


def exact(seconds: list[float]) -> float:
    """The 99th percentile, by counting: 1 % of the values at most are greater."""
    return sorted(seconds)[ceil(0.99 * len(seconds)) - 1]


def test_of_a_route_that_nobody_asked_nothing_is_slow(legacy: Legacy) -> None:
    assert legacy.threshold() == inf


def test_of_too_few_answers_nobody_knows_what_is_slow(legacy: Legacy) -> None:
    legacy.answers(*[0.01] * (ENOUGH - 1))
    assert legacy.threshold() == inf
    legacy.answers(0.01)
    assert legacy.threshold() < 0.012


def test_an_answer_is_judged_by_those_before_it(legacy: Legacy) -> None:
    legacy.answers(*[0.01] * ENOUGH)
    assert legacy.slowness.threshold("GET /x") == inf
    before = legacy.threshold()
    legacy.answers(*[1.0] * ENOUGH)
    assert legacy.slowness.threshold("GET /x") == before
    assert legacy.threshold() >= 1.0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [ENOUGH, 1000, 20_000])
def test_it_is_the_99th_percentile_and_at_most_15_percent_more(
    legacy: Legacy, seed: int, count: int
) -> None:
    random = Random(seed)
    seconds = [random.lognormvariate(-3, 1 + seed / 5) for _ in range(count)]
    legacy.answers(*seconds)
    assert exact(seconds) <= legacy.threshold() <= exact(seconds) * FACTOR


@pytest.mark.parametrize("seed", range(3))
def test_of_legacys_own_answers_one_in_a_hundred_is_slow_at_most(legacy: Legacy, seed: int) -> None:
    random = Random(seed)
    seconds = [random.expovariate(20) for _ in range(10_000)]
    legacy.answers(*seconds)
    slow = sum(one > legacy.threshold() for one in seconds)
    assert 30 <= slow <= 100


def test_the_slowest_percent_does_not_say_what_is_slow(legacy: Legacy) -> None:
    legacy.answers(*[0.01] * 198, 30.0, 30.0)
    assert legacy.threshold() < 0.012
    legacy.answers(30.0)
    assert legacy.threshold() >= 30.0


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 0.0005])
def test_what_takes_no_time_is_within_half_a_millisecond(legacy: Legacy, seconds: float) -> None:
    legacy.answers(*[seconds] * ENOUGH)
    assert legacy.threshold() == 0.0005


@pytest.mark.parametrize(("seconds", "known"), [(70.0, True), (73.0, False), (1e6, False)])
def test_where_legacy_takes_longer_than_72_seconds_nothing_is_slow(
    legacy: Legacy, seconds: float, *, known: bool
) -> None:
    legacy.answers(*[seconds] * ENOUGH)
    assert (legacy.threshold() < inf) is known
    assert legacy.threshold() >= seconds


def test_the_five_minutes_before_count_too_and_older_ones_do_not(legacy: Legacy) -> None:
    legacy.answers(*[1.0] * ENOUGH)
    legacy.passes(TURN)
    legacy.answers(*[0.01] * ENOUGH)
    assert legacy.threshold() >= 1.0  # a half of those that count
    legacy.passes(TURN)
    legacy.answers(*[0.01] * ENOUGH)
    assert legacy.threshold() < 0.012


def test_answers_that_come_slowly_are_added_up_over_both(legacy: Legacy) -> None:
    legacy.answers(*[0.01] * (ENOUGH // 2))
    legacy.passes(TURN)
    assert legacy.threshold() == inf
    legacy.answers(*[0.01] * (ENOUGH // 2))
    assert legacy.threshold() < 0.012


def test_a_route_that_nobody_asks_any_more_keeps_what_was_slow(legacy: Legacy) -> None:
    legacy.answers(*[0.01] * ENOUGH)
    before = legacy.threshold()
    legacy.passes(10 * TURN)
    legacy.answers(*[5.0] * (ENOUGH - 1))
    assert legacy.threshold() == before
    legacy.answers(5.0)
    assert legacy.threshold() >= 5.0


def test_after_a_long_sleep_what_was_before_it_is_forgotten(legacy: Legacy) -> None:
    legacy.answers(*[1.0] * 5 * ENOUGH)
    legacy.passes(7 * TURN, every=7 * TURN)
    legacy.answers(*[0.01] * ENOUGH)
    assert legacy.threshold() < 0.012


def test_each_route_has_its_own(legacy: Legacy) -> None:
    legacy.answers(*[0.01] * ENOUGH)
    legacy.answers(*[1.0] * ENOUGH, route="GET /y")
    assert (legacy.threshold() < 0.012, legacy.threshold("GET /y") >= 1.0) == (True, True)
