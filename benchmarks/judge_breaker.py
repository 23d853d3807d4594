"""A modern that fails every request: how long until its breakers' probes are evidence enough.

The breakers are the gateway's own. While one is open its worker says nothing; half-open, it tells of each
probe, and of what legacy got until it came. Each request is of another client, and is answered at once.
"""

from collections.abc import Iterator
from dataclasses import asdict
from heapq import merge
from math import ceil
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.judge_draws import (
    RATE,
    Cell,
    Floats,
    Outcome,
    Watches,
    around,
    chunks,
    high,
    ratios,
    well_for,
)
from gateway.judge.breaker import Breaker, State

SHARES: Final = (0.05, 0.25, 0.5)
WORKERS: Final = (1, 4)
HEALTHY: Final = (0, 24, 720)  # hours before
_LONGEST: Final = 86_400.0  # seconds
_HOUR: Final = 3600.0


class Failure(NamedTuple):
    """One of modern's, and what its worker counted of legacy since the one before."""

    seconds: float
    legacy: int  # requests
    legacy_events: int


def breaker(runs: int) -> list[dict[str, Any]]:
    """Seconds until the rollback, and how many requests modern failed until then."""
    found = []
    for share in SHARES:
        cell = Cell(share, 0.005, 1.0)
        for hours in HEALTHY:
            for workers in WORKERS:
                ends = np.concatenate(
                    [_ends(cell, hours, workers, *few) for few in chunks(runs, 17)]
                )
                row = {"workers": workers, "healthy_hours": hours, "seed": 17}
                found.append({**asdict(cell), **row, **_told(ends)})
    return found


def _told(ends: Floats) -> dict[str, Any]:
    """Of each run the seconds and the failures."""
    failures = np.sort(ends[:, 1])
    return {
        **asdict(Outcome.of(RATE * ends[:, 0])),
        "seconds": float(np.median(ends[:, 0])),
        "seconds_most": float(np.quantile(ends[:, 0], 0.95)),
        "failures": float(np.median(failures)),
        "failures_95": around(failures),
    }


def _ends(cell: Cell, hours: int, workers: int, runs: int, chance: np.random.Generator) -> Floats:
    watches = Watches(runs)
    well_for(hours, watches, cell, chance)
    return np.array([_end(watches.only(run), cell, workers, chance) for run in range(runs)])


def _end(
    watch: Watches, cell: Cell, workers: int, chance: np.random.Generator
) -> tuple[float, float]:
    """When one run is rolled back, and after how many failures; infinite if not within a day."""
    told = (failures(cell, RATE / workers, chance) for _ in range(workers))
    hour = counted = legacy = events = 0
    for count, one in enumerate(merge(*told), 1):
        if one.seconds >= _HOUR * (hour + 1):
            watch.add(_logs(cell.share, counted, legacy, events))
            hour, counted, legacy, events = int(one.seconds // _HOUR), 0, 0, 0
        counted += 1
        legacy, events = legacy + one.legacy, events + one.legacy_events
        if watch.crossed(_logs(cell.share, counted, legacy, events)).any():
            return one.seconds, count
    return np.inf, np.inf


def failures(cell: Cell, rate: float, chance: np.random.Generator) -> Iterator[Failure]:
    """One worker's, which is asked so many times a second, until the day is over."""
    known, now = Breaker(chance.random), 0.0
    while now < _LONGEST:
        known.tick(now)
        others = int(chance.geometric(cell.share)) - 1
        now += chance.gamma(others + 1) / rate
        known.admits()
        change = known.observe(now, error=True)
        yield Failure(now, others, int(chance.binomial(others, cell.legacy)))
        if change is not None and change.after is State.OPEN:
            now = ceil(now + change.seconds)  # it is looked at each second


def _logs(share: float, modern: int, legacy: int, events: int) -> Floats:
    """All of modern's requests are events."""
    asked, total = np.array([[modern]]), np.array([[modern + legacy]])
    return ratios(asked, np.array([[modern + events]]), high(asked, total, share))
