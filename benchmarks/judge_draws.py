"""Random hours of one route, and the judge's evidence on them for many runs at once.

Each request is drawn by itself. `Watches` is the `Watch` of `gateway.judge.evidence` in numpy; a test
compares the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.judge.evidence import WORSE_ODDS, interval
from gateway.plan.judging import Guard

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RATE: Final = 20  # requests a second on the route
HOUR: Final = 3600 * RATE  # requests
MINUTE: Final = 60 * RATE
SHIPPED: Final = Guard().alpha_each  # each of the two signals that roll back has this much of ALPHA
PLANNED: Final = 100  # requests as which the plan's share weighs, see `Segment`
_ODDS: Final = np.array(WORSE_ODDS)
_AT_ONCE: Final = 100  # runs: what fits into a processor's cache


@dataclass(frozen=True, slots=True)
class Cell:
    """One situation: modern's share, and the error rates, all 0 to 1."""

    share: float
    legacy: float
    modern: float

    def __str__(self) -> str:
        return f"{self.share:.0%}, {100 * self.legacy:g} → {100 * self.modern:g} %"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often a test says `worse`, 0 to 1, and the median number of requests until then.

    Each with the 95 % interval that so many runs leave open.
    """

    runs: int
    found: float
    found_95: tuple[float, float]
    requests: float | None
    requests_95: tuple[float, float] | None

    @classmethod
    def of(cls, first: Floats) -> "Outcome":
        """From the request at which each run ended, infinite where it did not."""
        ended = np.sort(first[np.isfinite(first)])
        bounds = interval(ended.size, first.size)
        if not ended.size:
            return cls(first.size, 0.0, bounds, None, None)
        return cls(
            first.size, ended.size / first.size, bounds, float(np.median(ended)), around(ended)
        )


def around(ordered: Floats) -> tuple[float, float]:
    """The 95 % interval of a median: between two of the values, by the sign test."""
    half = 0.98 * ordered.size**0.5
    low = max(0, int(ordered.size / 2 - half))
    high = min(ordered.size - 1, int(ordered.size / 2 + half))
    return float(ordered[low]), float(ordered[high])


@dataclass(frozen=True, slots=True)
class Events:
    """The events of an hour in many runs: a row for each run, padded at its end."""

    at: Ints  # requests so far; beyond HOUR: none
    modern: Ints  # events of modern's so far
    asked: Ints  # requests to modern so far

    @property
    def total(self) -> Ints:
        """Events so far."""
        return np.broadcast_to(np.arange(1, self.at.shape[1] + 1), self.at.shape)


def chunks(runs: int, seed: int) -> Iterator[tuple[int, np.random.Generator]]:
    """A few runs at a time, and the chance of each few: the same ones for the same seed."""
    for start in range(0, runs, _AT_ONCE):
        yield min(_AT_ONCE, runs - start), np.random.default_rng([seed, start])


def hour_of(cell: Cell, runs: int, chance: np.random.Generator) -> Events:
    """Draws an hour."""
    likely = cell.share * cell.modern, (1 - cell.share) * cell.legacy
    rate = sum(likely)
    most = int(HOUR * rate + 6 * (HOUR * rate) ** 0.5 + 10)
    gaps = chance.geometric(rate, (runs, most))
    failed = chance.random((runs, most)) < likely[0] / rate
    asked = chance.binomial(gaps - 1, cell.share) + failed
    return Events(gaps.cumsum(1), failed.astype(np.int64).cumsum(1), asked.cumsum(1))


def log_ratios(events: Events, share: float, *, known: bool) -> Floats:
    """Log likelihood ratios after each event: runs x events x odds.

    `known`: the share is what the plan says. Else it is what the gateway takes.
    """
    taken = high(events.asked, events.at, share)
    part = np.full(events.at.shape, share) if known else taken
    return ratios(events.modern, events.total, part)


def high(asked: Ints, total: Ints, share: float) -> Floats:
    """The larger one of the plan's share and modern's part of the requests, as `Segment` has it."""
    found: Floats = np.maximum(share, (asked + PLANNED * share) / (total + PLANNED))
    return found


def ratios(modern: Ints, total: Ints, share: Floats) -> Floats:
    """The same from counts: r^modern / (1 + (r - 1) share)^total."""
    for_it, against = modern[..., None] * np.log(_ODDS), np.log1p((_ODDS - 1) * share[..., None])
    found: Floats = for_it - total[..., None] * against
    return found


def ratios_alone(events: Ints, requests: Ints, baselines: Floats) -> Floats:
    """Log likelihood ratios where modern answers alone: runs x looks x odds, a baseline for each run."""
    rates = _ODDS * baselines[:, None, None]
    possible = rates < 1
    well = np.log1p(-np.where(possible, rates, 0)) - np.log1p(-baselines)[:, None, None]
    found = events[..., None] * np.log(_ODDS) + (requests - events)[..., None] * well
    return np.where(possible, found, -np.inf)


class Watches:
    """The evidence of many runs, segment by segment. `restarts=False` leaves out what begins later."""

    def __init__(self, runs: int, alpha: float = SHIPPED, *, restarts: bool = True) -> None:
        self.runs, self._count, self._alpha, self._restarts = runs, 0, alpha, restarts
        self._whole = np.zeros((runs, 1, _ODDS.size))
        self._late = np.full((runs, 1, _ODDS.size), -np.inf)

    def log_e(self, found: Floats) -> Floats:
        """The evidence in the middle of the next segment, whose ratios these are: runs x events."""
        terms = self._terms(found)
        top = terms.max(2)
        logs: Floats = top + np.log(np.exp(terms - top[..., None]).mean(2))
        return logs

    def crossed(self, found: Floats) -> NDArray[np.bool_]:
        """Where the evidence suffices: runs x events. A mean is no larger than its largest term."""
        terms = self._terms(found)
        likely: NDArray[np.bool_] = terms.max(2) >= -np.log(self._alpha)
        if likely.any():
            likely[likely] = np.exp(np.minimum(terms[likely], 99)).mean(1) >= 1 / self._alpha
        return likely

    def add(self, found: Floats) -> None:
        """The segment is over, with these ratios: runs x 1 x odds."""
        self._late = self._before() + found
        self._whole += found
        self._count += 1

    def only(self, run: int) -> "Watches":
        """One of them."""
        one = Watches(1, self._alpha, restarts=self._restarts)
        one._count, one._whole, one._late = (
            self._count,
            self._whole[run : run + 1],
            self._late[run : run + 1],
        )
        return one

    def _terms(self, found: Floats) -> Floats:
        first = np.log(5 / 6) if self._restarts else 0.0
        terms: Floats = np.logaddexp(first + self._whole, self._before()) + found
        return terms

    def _before(self) -> Floats:
        weight = 1 / (6 * self._count * (self._count + 1)) if self._count else 0.0
        with np.errstate(divide="ignore"):
            found: Floats = np.logaddexp(self._late, np.log(weight * self._restarts))
        return found


def well_for(hours: int, watches: Watches, cell: Cell, chance: np.random.Generator) -> None:
    """Adds hours in which modern fails as legacy does."""
    share = np.full((watches.runs, 1), cell.share)
    for _ in range(hours):
        failed, others = (
            chance.binomial(HOUR, part * cell.legacy, share.shape)
            for part in (cell.share, 1 - cell.share)
        )
        watches.add(ratios(failed, failed + others, share))


def first_crossing(crossed: NDArray[np.bool_], at: Ints) -> Floats:
    """The request at which each run ended, infinite where it did not."""
    ends = at[np.arange(at.shape[0]), crossed.argmax(1)]
    found: Floats = np.where(crossed.any(1), ends.astype(np.float64), np.inf)
    return found


def at_end(events: Events, found: Floats) -> Floats:
    """The ratios at the end of the hour: runs x 1 x odds."""
    last = (events.at <= HOUR).sum(1) - 1
    final: Floats = np.take_along_axis(found, np.maximum(last, 0)[:, None, None], 1)
    final *= (last >= 0)[:, None, None]
    return final
