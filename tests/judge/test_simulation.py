"""The operating characteristics of `benchmarks.judge_sim`, a reduced version of each cell with its seed."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from benchmarks.judge_sim import (
    CELLS,
    HOUR,
    Cell,
    Watches,
    event_test,
    hour_of,
    log_ratios,
    naive_test,
    threshold_test,
)
from gateway.judge.evidence import Segment, worse

RUNS = 300
# What the design promises for an hour: the chance, and the median number of requests until then.
PROMISED = {
    "judge": [
        (0.01, None), (0.007, None), (0.007, None), (0.65, None),
        (1.0, 9036), (1.0, 187), (1.0, 492), (1.0, 19329),
    ],
    "z": [
        (0.26, None), (0.31, None), (0.30, None), (0.98, None),
        (1.0, 2400), (1.0, 1200), (1.0, 1200), (1.0, 3600),
    ],
    "threshold": [
        (1.0, None), (0.88, None), (1.0, None), (1.0, None),
        (1.0, 8400), (1.0, 6000), (1.0, 6000), (1.0, 22800),
    ],
}  # fmt: skip
TESTS = {"judge": event_test, "z": naive_test, "threshold": threshold_test}


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("cell", range(len(CELLS)), ids=[str(cell) for cell in CELLS])
def test_t78_a_cell_of_the_table_comes_out_as_promised(test: str, cell: int) -> None:
    chance, requests = PROMISED[test][cell]
    found = TESTS[test](CELLS[cell], RUNS, seed=cell)
    error = 3 * sqrt(2 * max(chance * (1 - chance), 0.01) / RUNS)  # both are estimates of 300 runs
    assert abs(found.found - chance) <= error
    if requests is not None:
        assert found.requests == pytest.approx(requests, rel=0.2)


@pytest.mark.parametrize("cell", CELLS[:3], ids=str)
def test_equal_stacks_are_rolled_back_in_one_hour_of_a_hundred_at_most(cell: Cell) -> None:
    found = event_test(cell, 3000, seed=3, known=False)
    assert found.found <= 0.01 + 2 * sqrt(0.01 * 0.99 / 3000)


def test_a_week_of_looking_is_no_more_dangerous_than_an_hour() -> None:
    found = event_test(CELLS[1], 100, seed=5, hours=24 * 7, known=False)
    assert found.found <= 0.03  # one in a hundred, and what 100 runs can tell


@pytest.mark.parametrize(
    ("clump", "least", "most"), [(1, 0.0, 0.02), (3, 0.12, 0.27), (10, 0.45, 0.65)]
)
def test_t58_events_that_come_in_groups_must_not_be_counted_one_by_one(
    clump: int, least: float, most: float
) -> None:
    """Which is why a client's event counts once in a minute: `tests/judge/test_once_a_minute.py`."""
    assert least <= event_test(replace(CELLS[0], clump=clump), RUNS, seed=11).found <= most


def test_the_simulation_judges_as_the_gateway_does() -> None:
    cell, runs = Cell(0.2, 0.001, 0.002), 5
    chance = np.random.default_rng(1)
    watches = Watches(runs)
    segments: list[list[Segment]] = [[] for _ in range(runs)]
    for _ in range(4):
        events = hour_of(cell, runs, chance)
        ratios = log_ratios(events, cell.share, known=False)
        last = (events.at <= HOUR).sum(1) - 1
        found = watches.log_e(ratios)[np.arange(runs), last]
        for run in range(runs):
            at, modern = int(events.at[run, last[run]]), int(events.asked[run, last[run]])
            failed = int(events.modern[run, last[run]])
            others = int(events.total[run, last[run]]) - failed
            segments[run].append(Segment(cell.share, at - modern, modern, others, failed))
            assert found[run] == pytest.approx(worse(segments[run]).log_e)
        watches.add(ratios[np.arange(runs), last][:, None, :])
