"""decide(): the order of the reasons, the interval, and what a raised split does to clients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import assignment
from gateway.assignment import bucket_of, cohort_key, decide
from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.words import Phase, Reason, Stack

KEY = cohort_key(b"secret", "migration")


def route(split: int = 0, *, legacy: bool = True, modern: bool = True) -> Route:
    return Route("GET", "/x", legacy, modern, split, "migration", KEY)


def table(
    route: Route, phase: Phase = Phase.GRADUAL, *, kill: bool = False, legacy: bool = True
) -> RouteTable:
    return RouteTable((route,), phase, 1, kill, legacy, KEY)


def units(count: int) -> list[bytes]:
    return [b"x-api-key=client-%d" % number for number in range(count)]


ALL = route(SPACE)
NONE = route(0)


@pytest.mark.parametrize(
    ("chosen", "phase", "kill", "override", "pinned", "expected"),
    [
        (ALL, Phase.GRADUAL, True, Stack.MODERN, Stack.MODERN, (Stack.LEGACY, Reason.KILL_SWITCH)),
        (ALL, Phase.PARALLEL, True, None, None, (Stack.LEGACY, Reason.KILL_SWITCH)),
        (ALL, Phase.PARALLEL, False, Stack.MODERN, Stack.MODERN, (Stack.LEGACY, Reason.PHASE)),
        (NONE, Phase.FULL, False, Stack.LEGACY, Stack.LEGACY, (Stack.MODERN, Reason.PHASE)),
        (
            route(SPACE, modern=False),
            Phase.GRADUAL,
            False,
            Stack.MODERN,
            Stack.MODERN,
            (Stack.LEGACY, Reason.MODERN_MISSING),
        ),
        (
            route(0, legacy=False),
            Phase.GRADUAL,
            False,
            Stack.LEGACY,
            Stack.LEGACY,
            (Stack.MODERN, Reason.LEGACY_MISSING),
        ),
        (NONE, Phase.GRADUAL, False, Stack.MODERN, Stack.LEGACY, (Stack.MODERN, Reason.OVERRIDE)),
        (NONE, Phase.GRADUAL, False, None, Stack.MODERN, (Stack.MODERN, Reason.PINNED)),
        (ALL, Phase.GRADUAL, False, None, Stack.LEGACY, (Stack.LEGACY, Reason.PINNED)),
        (NONE, Phase.GRADUAL, False, None, None, (Stack.LEGACY, Reason.SPLIT)),
        (ALL, Phase.GRADUAL, False, None, None, (Stack.MODERN, Reason.SPLIT)),
    ],
)
def test_the_first_reason_that_applies_decides(
    chosen: Route,
    phase: Phase,
    kill: bool,
    override: Stack | None,
    pinned: Stack | None,
    expected: tuple[Stack, Reason],
) -> None:
    decision = decide(table(chosen, phase, kill=kill), chosen, b"u", override, pinned)
    assert (decision.stack, decision.reason) == expected


def test_what_no_route_names_goes_to_legacy() -> None:
    decision = decide(table(ALL), None, b"u", override=Stack.MODERN)
    assert (decision.stack, decision.reason) == (Stack.LEGACY, Reason.MODERN_MISSING)


def test_what_no_route_names_goes_to_modern_where_there_is_no_legacy() -> None:
    decision = decide(table(ALL, legacy=False), None, b"u")
    assert (decision.stack, decision.reason) == (Stack.MODERN, Reason.LEGACY_MISSING)


def test_t76_0_percent_is_nobody_and_100_percent_is_everybody() -> None:
    nobody, everybody = table(NONE), table(ALL)
    for unit in units(100_000):
        assert decide(nobody, NONE, unit).stack is Stack.LEGACY
        assert decide(everybody, ALL, unit).stack is Stack.MODERN


@given(st.binary(max_size=64), st.integers(0, SPACE), st.integers(0, SPACE))
def test_t74_raising_the_split_moves_nobody_back(unit: bytes, low: int, high: int) -> None:
    low, high = sorted((low, high))
    before, after = route(low), route(high)
    if decide(table(before), before, unit).stack is Stack.MODERN:
        assert decide(table(after), after, unit).stack is Stack.MODERN


@pytest.mark.parametrize("percent", [1, 5, 25, 50, 90])
def test_t74_the_share_is_within_three_standard_deviations(percent: int) -> None:
    count, share = 20_000, percent / 100
    chosen = route(percent * SPACE // 100)
    modern = sum(decide(table(chosen), chosen, unit).stack is Stack.MODERN for unit in units(count))
    assert abs(modern - count * share) <= 3 * (count * share * (1 - share)) ** 0.5


def test_cohorts_and_secrets_give_independent_buckets() -> None:
    other = cohort_key(b"secret", "beta")
    foreign = cohort_key(b"other secret", "migration")
    moved = sum(bucket_of(KEY, unit) != bucket_of(other, unit) for unit in units(1000))
    secret = sum(bucket_of(KEY, unit) != bucket_of(foreign, unit) for unit in units(1000))
    assert min(moved, secret) > 990


def test_no_more_buckets_are_kept_than_16384_however_many_clients_come() -> None:
    first, *others = units(20_000)
    bucket, fresh = bucket_of(KEY, first), set[int]()
    for unit in others:
        bucket_of(KEY, unit)
        fresh.add(len(assignment._kept))
    assert max(fresh) == 16384
    assert bucket_of(KEY, first) == bucket_of(KEY, first) == bucket


def test_of_a_client_with_a_long_name_nothing_is_kept() -> None:
    bucket = bucket_of(KEY, b"x" * 65)
    assert bucket_of(KEY, b"x" * 65) == bucket
    assert KEY + b"x" * 65 not in assignment._kept


def test_a_bucket_is_the_same_in_every_process_and_release() -> None:
    """A golden value: a change of it would move every client of every installation."""
    assert bucket_of(KEY, b"x-api-key=alice") == 90388
