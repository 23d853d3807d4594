"""Equal stacks under the judge's eyes for a month: a million events for each run, looked at after each.

The share is the planned one. The gateway takes the larger one of that and what it has seen, and a larger
share makes every ratio smaller: it rolls back no run that this does not. Events come in blocks; what a
block could do at worst, all of modern's first, tells whether its events need a look one by one.
"""

from dataclasses import asdict
from typing import Any, Final

import numpy as np

from benchmarks.judge_draws import (
    HOUR,
    SHIPPED,
    Cell,
    Floats,
    Ints,
    Outcome,
    Watches,
    chunks,
    ratios,
)
from gateway.judge.evidence import ALPHA

BLOCK: Final = 32  # events
MONTH: Final = 720  # hours


def month(cells: tuple[Cell, ...], runs: int, hours: int = MONTH) -> list[dict[str, Any]]:
    """False rollbacks of equal stacks; by one signal that has all of ALPHA, and by either of two that
    share it, as shipped.
    """
    found = []
    for seed, cell in enumerate(cells, 100):
        for alpha, seeds in ((ALPHA, (seed,)), (SHIPPED, (seed, seed + 100))):
            ends = [month_ends(cell, runs, one, hours, alpha=alpha) for one in seeds]
            row = {"signals": len(seeds), "alpha": alpha, "hours": hours, "seed": seed}
            outcome = Outcome.of(np.minimum.reduce(ends))
            found.append({**asdict(cell), **row, **asdict(outcome)})
    return found


def month_ends(
    cell: Cell, runs: int, seed: int, hours: int = MONTH, *, alpha: float = ALPHA
) -> Floats:
    """About the request at which each run is rolled back, infinite where it is not."""
    return np.concatenate(
        [_ends(cell, Watches(few, alpha), chance, hours) for few, chance in chunks(runs, seed)]
    )


def _ends(cell: Cell, watches: Watches, chance: np.random.Generator, hours: int) -> Floats:
    likely, runs = (cell.share * cell.modern, (1 - cell.share) * cell.legacy), watches.runs
    first = np.full(runs, np.inf)
    for hour in range(hours):
        events = chance.binomial(HOUR, sum(likely), runs)
        sizes = _sizes(events)
        modern = chance.binomial(sizes, likely[0] / sum(likely))
        sizes[np.isfinite(first)] = modern[np.isfinite(first)] = 0  # over: rolled back
        crossed = _crossed(watches, sizes, modern, cell.share, chance)
        at = hour * HOUR + HOUR * crossed / np.maximum(events, 1)
        first = np.minimum(first, at)
        watches.add(_logs(modern.sum(1)[:, None], events[:, None], cell.share))
    return first


def _sizes(events: Ints) -> Ints:
    """So many events, in blocks: runs x blocks."""
    starts = BLOCK * np.arange(int(events.max()) // BLOCK + 1)
    found: Ints = np.clip(events[:, None] - starts, 0, BLOCK)
    return found


def _crossed(
    watches: Watches, sizes: Ints, modern: Ints, share: float, chance: np.random.Generator
) -> Floats:
    """After how many events of the hour the evidence suffices in each run, infinite if it never does."""
    before = modern.cumsum(1) - modern, sizes.cumsum(1) - sizes
    worst = watches.crossed(_logs(before[0] + modern, before[1] + modern, share)) & (sizes > 0)
    first = np.full(sizes.shape[0], np.inf)
    for run, block in zip(*worst.nonzero(), strict=True):
        of_modern = np.arange(sizes[run, block]) < modern[run, block]
        so_far = chance.permutation(of_modern).cumsum() + before[0][run, block]
        total = np.arange(1, sizes[run, block] + 1) + before[1][run, block]
        logs = _logs(so_far[None, :], total[None, :], share)
        found = watches.only(int(run)).crossed(logs)[0]
        if found.any():
            first[run] = min(first[run], total[found.argmax()])
    return first


def _logs(modern: Ints, total: Ints, share: float) -> Floats:
    return ratios(modern, total, np.full(modern.shape, share))
