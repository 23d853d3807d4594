"""What the judge would have done: its operating characteristics, beside two tests that are in wide use.

    python -m benchmarks.judge_sim [--runs 1000] [--month-runs 1000]

One route with 20 requests/s; every request is drawn by itself. The evidence is looked at after each event,
the other two each minute. Seeds are fixed: the same figures come out every time.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.judge.evidence import ALPHA, WORSE_ODDS

Floats = NDArray[np.float64]
RATE: Final = 20  # requests a second on the route
HOUR: Final = 3600 * RATE  # requests
MINUTE: Final = 60 * RATE
_ODDS: Final = np.array(WORSE_ODDS)
_GOAL: Final = -np.log(ALPHA)


@dataclass(frozen=True, slots=True)
class Cell:
    """One situation: modern's share, and the error rates, all 0 to 1."""

    share: float
    legacy: float
    modern: float
    clump: int = 1  # a failing client fails so many times in a row

    def __str__(self) -> str:
        return f"{self.share:.0%}, {100 * self.legacy:g} → {100 * self.modern:g} %"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often a test says `worse`, 0 to 1, and the median number of requests until then."""

    runs: int
    found: float
    requests: float | None

    @classmethod
    def of(cls, first: Floats) -> "Outcome":
        """From the request at which each run ended, infinite where it did not."""
        ended = first[np.isfinite(first)]
        median = float(np.median(ended)) if ended.size else None
        return cls(first.size, ended.size / first.size, median)


CELLS: Final = (
    Cell(0.05, 0.005, 0.005),
    Cell(0.25, 0.005, 0.005),
    Cell(0.50, 0.02, 0.02),
    Cell(0.05, 0.005, 0.01),
    Cell(0.05, 0.005, 0.02),
    Cell(0.05, 0.005, 0.30),
    Cell(0.25, 0.005, 0.05),
    Cell(0.05, 0.0005, 0.005),
)


@dataclass(frozen=True, slots=True)
class Events:
    """The events of an hour in many runs: a row for each run, padded at its end."""

    at: NDArray[np.int64]  # requests so far; beyond HOUR: none
    modern: NDArray[np.int64]  # events of modern's so far
    total: NDArray[np.int64]  # events so far
    asked: NDArray[np.int64]  # requests to modern so far


def hour_of(cell: Cell, runs: int, chance: np.random.Generator) -> Events:
    """Draws an hour; every failure of a clump is counted."""
    likely = cell.share * cell.modern, (1 - cell.share) * cell.legacy
    rate = sum(likely)
    most = int(HOUR * rate + 6 * (HOUR * rate) ** 0.5 + 10)
    gaps = chance.geometric(rate, (runs, most))
    failed = chance.random((runs, most)) < likely[0] / rate
    asked = chance.binomial(gaps - 1, cell.share) + failed
    at = np.repeat(gaps.cumsum(1), cell.clump, axis=1)
    modern = np.repeat(failed, cell.clump, axis=1).astype(np.int64).cumsum(1)
    total = np.broadcast_to(np.arange(1, most * cell.clump + 1), at.shape)
    return Events(at, modern, total, np.repeat(asked.cumsum(1), cell.clump, axis=1))


def log_ratios(events: Events, share: float, *, known: bool) -> Floats:
    """Log likelihood ratios after each event: runs x events x odds.

    `known`: the share is what the plan says. Else it is what the gateway takes: the larger one of
    that and modern's part of the requests so far.
    """
    seen = np.maximum(events.asked / np.maximum(events.at, 1), share)
    part = (np.full(events.at.shape, share) if known else np.minimum(seen, 1 - 1e-9))[..., None]
    worse = _ODDS * part / (1 - part + _ODDS * part)
    failed = events.modern[..., None]
    others = events.total[..., None] - failed
    found: Floats = failed * np.log(worse / part) + others * np.log((1 - worse) / (1 - part))
    return found


class Watches:
    """`gateway.judge.evidence.Watch` for many runs at once; a test compares the two."""

    def __init__(self, runs: int) -> None:
        self._count = 0
        self._whole = np.zeros((runs, 1, _ODDS.size))
        self._late = np.full((runs, 1, _ODDS.size), -np.inf)

    def log_e(self, ratios: Floats) -> Floats:
        """The evidence in the middle of the next segment, whose ratios these are: runs x events."""
        terms = np.logaddexp(np.log(5 / 6) + self._whole, self._before()) + ratios
        top = terms.max(2)
        found: Floats = top + np.log(np.exp(terms - top[..., None]).mean(2))
        return found

    def add(self, ratios: Floats) -> None:
        """The segment is over, with these ratios: runs x 1 x odds."""
        self._late = self._before() + ratios
        self._whole += ratios
        self._count += 1

    def _before(self) -> Floats:
        weight = 1 / (6 * self._count * (self._count + 1)) if self._count else 0.0
        with np.errstate(divide="ignore"):
            return np.logaddexp(self._late, np.log(weight))


def event_test(cell: Cell, runs: int, seed: int, *, hours: int = 1, known: bool = True) -> Outcome:
    """The judge's own, for so many hours."""
    chance = np.random.default_rng(seed)
    watches, first = Watches(runs), np.full(runs, np.inf)
    for hour in range(hours):
        events = hour_of(cell, runs, chance)
        within = events.at <= HOUR
        ratios = log_ratios(events, cell.share, known=known)
        crossed = (watches.log_e(ratios) >= _GOAL) & within
        ends = np.where(crossed.any(1), events.at[np.arange(runs), crossed.argmax(1)], np.inf)
        first = np.minimum(first, hour * HOUR + ends)
        last = within.sum(1) - 1
        final = ratios[np.arange(runs), np.maximum(last, 0)] * (last >= 0)[:, None]
        watches.add(final[:, None, :])
    return Outcome.of(first)


def naive_test(cell: Cell, runs: int, seed: int) -> Outcome:
    """A one-sided z-test of two proportions on all that came so far, each minute, p < .05."""
    asked, _, failed, legacy_failed = _minutes(cell, runs, seed)
    modern, errors, legacy_errors = (a.cumsum(1) for a in (asked, failed, legacy_failed))
    legacy = MINUTE * np.arange(1, 61) - modern
    pooled = (errors + legacy_errors) / (modern + legacy)
    modern, legacy = np.maximum(modern, 1), np.maximum(legacy, 1)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / modern + 1 / legacy))
    z = (errors / modern - legacy_errors / legacy) / np.where(spread > 0, spread, np.inf)
    return _by_minute(z > 1.645)


def threshold_test(cell: Cell, runs: int, seed: int) -> Outcome:
    """Fails a minute in which fewer than 99 % of modern's answers are good; ends at the fifth."""
    asked, _, failed, _ = _minutes(cell, runs, seed)
    return _by_minute((failed > 0.01 * asked).cumsum(1) >= 5)


def _minutes(cell: Cell, runs: int, seed: int) -> tuple[NDArray[np.int64], ...]:
    chance = np.random.default_rng(seed)
    modern = chance.binomial(MINUTE, cell.share, (runs, 60))
    legacy = MINUTE - modern
    failed = chance.binomial(modern, cell.modern)
    return modern, legacy, failed, chance.binomial(legacy, cell.legacy)


def _by_minute(stops: NDArray[np.bool_]) -> Outcome:
    minute = stops.argmax(1) + 1
    return Outcome.of(np.where(stops.any(1), minute * float(MINUTE), np.inf))


def table(runs: int) -> Iterator[str]:
    """The judge beside the other two, in the situations of CELLS."""
    yield "| share, legacy → modern | judge | judge, share observed | z-test each minute | 99 % threshold |"
    yield "|---|---|---|---|---|"
    for seed, cell in enumerate(CELLS):
        tests = (
            event_test(cell, runs, seed),
            event_test(cell, runs, seed, known=False),
            naive_test(cell, runs, seed),
            threshold_test(cell, runs, seed),
        )
        yield f"| {cell} | {' | '.join(map(_told, tests))} |"


def long_runs(runs: int, hours: int) -> Iterator[str]:
    """Equal stacks under the judge's eyes for long, and such as break after long health."""
    yield f"| share, errors | false rollbacks in {hours} h | bound |"
    yield "|---|---|---|"
    for cell in CELLS[:3]:
        outcome = event_test(cell, runs, 7, hours=hours, known=False)
        yield f"| {cell} | {outcome.found:.2%} | {ALPHA:.0%} |"


def clumps(runs: int) -> Iterator[str]:
    """Equal stacks whose failing clients come again at once, if every event is counted."""
    yield "| events of a failing client | false rollbacks in 1 h, each counted | counted once |"
    yield "|---|---|---|"
    once = event_test(CELLS[0], runs, 11)
    for clump in (1, 3, 10):
        each = event_test(replace(CELLS[0], clump=clump), runs, 11)
        yield f"| {clump} | {each.found:.1%} | {once.found:.1%} |"


def _told(outcome: Outcome) -> str:
    after = "" if outcome.requests is None else f" after {outcome.requests:,.0f}"
    return f"{outcome.found:.1%}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--month-runs", type=int, default=1000)
    options = parser.parse_args()
    for part in (table(options.runs), clumps(options.runs), long_runs(options.month_runs, 720)):
        for line in part:
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
