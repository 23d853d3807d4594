"""Three ramps from 1 to 100 % that nobody attends, over days of seeded traffic that pass in seconds."""

from itertools import pairwise
from random import Random
from typing import Final

import pytest

from gateway.judge.ramp import SILENCE, RampState
from gateway.words import Stack
from tests.judge.judging import HOLD, ROUTES, STEPS, A, B, Bench, C, Load

MODERN: Final = Stack.MODERN
TICK: Final = 600.0  # seconds between two looks
PATIENCE: Final = 200  # looks: more than a day
USUAL, BROKEN = 0.004, 0.05  # rates of errors


@pytest.fixture
def load(bench: Bench) -> Load:
    """All three routes are on their first step."""
    bench.planned(dict.fromkeys(ROUTES, STEPS[0]))
    for route in ROUTES:
        bench.ramps(route)
    return Load(bench, Random(7), USUAL)


def runs(load: Load, looks: int = PATIENCE, *, breaks_at: float | None = None) -> None:
    """Until no ramp lives any more. `breaks_at`: with this percentage B's modern begins to fail."""
    bench = load.bench
    for _ in range(looks):
        if bench.percent(B) == breaks_at:
            load.rates[B, MODERN] = BROKEN
        load.passes(TICK, per_second=60.0)
        bench.looks(every=0.0)
        if not any(bench.ramp(route).live for route in ROUTES):
            return


def test_three_ramps_run_to_their_ends_and_nobody_attends(load: Load) -> None:
    bench = load.bench
    runs(load)
    for route in ROUTES:
        assert bench.steps(route) == list(STEPS)
        assert bench.ramp(route).state is RampState.DONE
        assert told(bench, route) == [*(("running", step) for step in STEPS[1:]), ("done", 100)]
        times = [at for at, _ in bench.history(route)]
        assert min(after - at for at, after in pairwise(times)) >= HOLD
    assert bench.lines("guard") == []
    assert bench.store.standings.all() == {}


@pytest.mark.parametrize("step", range(len(STEPS)), ids=[f"{step} %" for step in STEPS])
def test_a_regression_stops_its_route_there_and_no_other(load: Load, step: int) -> None:
    bench = load.bench
    runs(load, breaks_at=STEPS[step])
    before = (0, *STEPS)[step]
    assert bench.steps(B) == [*STEPS[: step + 1], before]
    ramp, standing = bench.ramp(B), bench.store.standings.all()[B]
    assert (ramp.state, ramp.why) == (RampState.STOPPED, standing.why)
    assert (standing.latched, standing.actor) == (True, "guard")
    assert [one.route for one in bench.notices("rollback")] == [B]
    for route in (A, C):
        assert bench.steps(route) == list(STEPS)
        assert bench.ramp(route).state is RampState.DONE


def test_silence_holds_all_ramps_for_days_and_traffic_lets_them_go_on(load: Load) -> None:
    bench = load.bench
    load.usual = 0.0
    load.passes(HOLD)
    bench.looks(12, every=SILENCE / 4)
    assert [bench.steps(route) for route in ROUTES] == [[1]] * 3
    runs(load, 10)
    assert [bench.steps(route)[:2] for route in ROUTES] == [[1, 5]] * 3


def test_five_looks_without_data_hold_all_ramps_and_then_they_go_on(load: Load) -> None:
    bench = load.bench
    load.usual = 0.0
    bench.looks()
    load.passes(2 * HOLD)
    bench.workers = False
    bench.controller.missing = 4  # tolerated so far
    bench.looks(5)
    assert {bench.ramp(route).why for route in ROUTES} == {"no worker has reported for 5 looks"}
    assert [bench.steps(route) for route in ROUTES] == [[1]] * 3
    bench.workers = True
    bench.looks()
    assert [bench.steps(route) for route in ROUTES] == [[1, 5]] * 3


def told(bench: Bench, route: str) -> list[tuple[object, object]]:
    """What notices told of its ramp: the state and the step."""
    return [(one.document["state"], one.document["step"]) for one in bench.notices("ramp", route)]
