"""Where the judge is slow, or wrong: events in groups, clients that always fail, rare routes, no baseline.

And how many events a proof of `not worse` takes. Run by `benchmarks.judge_sim`, with thresholds as shipped.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from benchmarks.judge_draws import (
    HOUR,
    MINUTE,
    RATE,
    Cell,
    Floats,
    Ints,
    Outcome,
    Watches,
    around,
    at_end,
    chunks,
    first_crossing,
    high,
    hour_of,
    log_ratios,
    ratios,
    ratios_alone,
    well_for,
)
from gateway.judge.evidence import ALPHA, EQUAL_ODDS, PROOF, Segment, interval, not_worse
from gateway.store.evidence import KEPT, ONCE

Rows = list[dict[str, Any]]
EQUAL: Final = Cell(0.05, 0.005, 0.005)
SHARES: Final = (0.01, 0.05, 0.1, 0.25, 0.5)
MARGINS: Final = (1.5, 2.0, 3.0)
CLUMPS: Final = (1, 3, 10)
PAUSES: Final = (2, 90)  # seconds between two failures of one client
STICKY: Final = (1, 5, 20, 100)  # clients
PERIOD: Final = 100  # seconds between two events of such a client that count
RARE: Final = (24, 1_000, 10_000)  # requests a day
BASELINES: Final = (2, 10, 100)  # errors in legacy's last hours
_MOST: Final = 12_000  # events
_MONTH: Final = 720  # hours
_DAY: Final = 24


def proofs(runs: int) -> Rows:
    """Events until `not worse` of stacks that are equal, and how often one that is not passes."""
    return [
        _proof(share, margin, runs, seed)
        for seed, (share, margin) in enumerate([(s, m) for s in SHARES for m in MARGINS], 300)
    ]


def _proof(share: float, margin: float, runs: int, seed: int) -> dict[str, Any]:
    bad = margin * share / (1 - share + margin * share)
    equal = _passages(share, margin, share, runs, seed)
    worse = _passages(share, margin, bad, runs, seed + 1000)
    wrong = int(np.isfinite(worse).sum())
    said = not_worse([Segment(share, 0, 0, 0, 0)], margin).needed
    median = float(np.median(equal))
    return {
        "share": share, "margin": margin, "runs": runs, "seed": seed,
        "said": said, "median": median, "median_95": around(np.sort(equal)),
        "wrong": wrong / runs, "wrong_95": interval(wrong, runs),
    }  # fmt: skip


def _passages(share: float, margin: float, truth: float, runs: int, seed: int) -> Floats:
    """At which event each run is proven not worse, infinite if never; `truth`: modern's part of them."""
    return np.concatenate(
        [_passage(share, margin, truth, few, chance) for few, chance in chunks(runs, seed)]
    )


def _passage(
    share: float, margin: float, truth: float, runs: int, chance: np.random.Generator
) -> Floats:
    modern = (chance.random((runs, _MOST)) < truth).cumsum(1)
    total = np.arange(1, _MOST + 1)
    logs = [
        modern * np.log(odds / margin)
        + total * (np.log1p((margin - 1) * share) - np.log1p((odds - 1) * share))
        for odds in EQUAL_ODDS
    ]
    proven = np.logaddexp.reduce(logs) - np.log(len(EQUAL_ODDS)) >= -np.log(PROOF)
    return np.where(proven.any(1), proven.argmax(1) + 1.0, np.inf)


def clumps(runs: int) -> Rows:
    """Equal stacks for an hour, whose failing clients come again: each failure counted, and once a minute."""
    found = []
    for clump in CLUMPS:
        for pause in PAUSES[: 1 if clump == 1 else None]:
            for once in (False, True):
                ends = [_clumped(clump, pause, once, *few) for few in chunks(runs, 11)]
                outcome = asdict(Outcome.of(np.concatenate(ends)))
                row = {"clump": clump, "pause": pause, "once": once, "seed": 11}
                found.append({**asdict(EQUAL), **row, **outcome})
    return found


def counted(clump: int, pause: int, once: bool) -> list[int]:
    """Seconds after the first at which failures of one client count."""
    times = [pause * again for again in range(clump)]
    if not once:
        return times
    found = times[:1]
    for time in times[1:]:
        if time - found[-1] >= ONCE:
            found.append(time)
    return found


def _clumped(clump: int, pause: int, once: bool, runs: int, chance: np.random.Generator) -> Floats:
    events = hour_of(EQUAL, runs, chance)
    of_modern = np.diff(events.modern, axis=1, prepend=0)
    times = RATE * np.array(counted(clump, pause, once))
    at = (events.at[..., None] + times).reshape(runs, -1)
    order = at.argsort(1, kind="stable")
    at = np.take_along_axis(at, order, 1)
    modern = np.take_along_axis(of_modern.repeat(times.size, axis=1), order, 1).cumsum(1)
    crossed = _crossings(Watches(runs), modern, EQUAL.share)
    return first_crossing(crossed & (at <= HOUR), at)


def _crossings(watches: Watches, modern: Ints, share: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    total = np.broadcast_to(np.arange(1, modern.shape[1] + 1), modern.shape)
    return watches.crossed(ratios(modern, total, np.full(modern.shape, share)))


def sticky(runs: int) -> Rows:
    """Equal stacks for an hour; a few clients, each on its stack, fail again and again on either.

    Once a minute, or once for all: as often as a client is counted.
    """
    found = []
    for clients in STICKY:
        for again in (True, False):
            ends = np.concatenate(
                [_stuck(clients, again, few, chance) for few, chance in chunks(runs, 12)]
            )
            row = {"share": EQUAL.share, "clients": clients, "again": again, "seed": 12}
            found.append({**row, **asdict(Outcome.of(ends))})
    return found


def _stuck(clients: int, again: bool, runs: int, chance: np.random.Generator) -> Floats:
    whose = chance.random((runs, clients)) < EQUAL.share
    turns = 3600 // PERIOD if again else 1
    each = np.concatenate([chance.permuted(whose, axis=1) for _ in range(turns)], axis=1)
    crossed = _crossings(Watches(runs), each.cumsum(1), EQUAL.share)
    at = np.broadcast_to(np.arange(1, each.shape[1] + 1) * PERIOD * RATE // clients, each.shape)
    return first_crossing(crossed, at)


def rare(runs: int) -> Rows:
    """Modern fails ten times as often, on routes that few ask for: until it is rolled back, or what was
    counted first is forgotten.
    """
    found = []
    for day in RARE:
        for share in (0.01, 0.05, 0.5):
            for known in (False, True):
                cell = Cell(share, 0.005, 0.05)
                ends = _rarely(cell, day, known, runs)
                days = {"day": day, "planned_share": known, "days": KEPT // 24, "seed": 13}
                row = asdict(Outcome.of(ends * day / 24))
                found.append({**asdict(cell), **days, **row})
    return found


def _rarely(cell: Cell, day: int, known: bool, runs: int) -> Floats:
    """Hours until the end of each run, looked at when an hour is over."""
    chance = np.random.default_rng([13, day])
    watches, first = Watches(runs), np.full(runs, np.inf)
    for hour in range(KEPT):
        requests = chance.poisson(day / 24, (runs, 1))
        modern = chance.binomial(requests, cell.share)
        failed = chance.binomial(modern, cell.modern)
        others = chance.binomial(requests - modern, cell.legacy)
        taken = high(modern, requests, cell.share)
        share = np.full((runs, 1), cell.share) if known else taken
        logs = ratios(failed, failed + others, share)
        first = np.where(np.isinf(first) & watches.crossed(logs)[:, 0], hour + 1.0, first)
        watches.add(logs)
        if np.isfinite(first).all():
            break
    return first


def later(runs: int) -> Rows:
    """Modern is well for so many hours, then fails ten times as often: requests until it is rolled back."""
    cell, found = Cell(0.05, 0.005, 0.05), []
    for hours in (1, 24, _MONTH):
        for restarts in (True, False):
            ends = np.concatenate(
                [_breaks(cell, hours, restarts, few, chance) for few, chance in chunks(runs, 14)]
            )
            row = {"healthy_hours": hours, "restarts": restarts, "seed": 14, "hours": 24}
            found.append({**asdict(cell), **row, **asdict(Outcome.of(ends))})
    return found


def _breaks(
    cell: Cell,
    healthy: int,
    restarts: bool,
    runs: int,
    chance: np.random.Generator,
) -> Floats:
    watches, first = Watches(runs, restarts=restarts), np.full(runs, np.inf)
    well_for(healthy, watches, cell, chance)
    for hour in range(24):
        events = hour_of(cell, runs, chance)
        logs = log_ratios(events, cell.share, known=False)
        crossed = watches.crossed(logs) & (events.at <= HOUR)
        first = np.minimum(first, hour * HOUR + first_crossing(crossed, events.at))
        watches.add(at_end(events, logs))
        if np.isfinite(first).all():
            break
    return first


def slow(runs: int) -> Rows:
    """Equal stacks, one answer in a hundred slow: how often a ramp is held for that within a day."""
    cell = Cell(0.25, 0.01, 0.01)
    ends = np.concatenate([_lately(cell, few, chance) for few, chance in chunks(runs, 15)])
    return [{**asdict(cell), "hours": _DAY, "seed": 15, **asdict(Outcome.of(ends))}]


def _lately(cell: Cell, runs: int, chance: np.random.Generator) -> Floats:
    """Judged by the hour that is and the one before."""
    first, before = np.full(runs, np.inf), None
    for hour in range(_DAY):
        watches = Watches(runs, ALPHA)  # it rolls nothing back, and shares with nobody
        if before is not None:
            watches.add(before)
        events = hour_of(cell, runs, chance)
        logs = log_ratios(events, cell.share, known=False)
        crossed = watches.crossed(logs) & (events.at <= HOUR)
        first = np.minimum(first, hour * HOUR + first_crossing(crossed, events.at))
        before = at_end(events, logs)
    return first


def alone(runs: int) -> Rows:
    """Modern answers everything, as well as legacy did for a month, or ten times as badly after a while.

    Held against the last that was seen of legacy, and looked at each minute.
    """
    found = []
    for errors in BASELINES:
        ends = _alone(errors, 1, 0, _MONTH, runs)
        row = {"baseline_errors": errors, "rate": EQUAL.legacy, "factor": 1, "healthy_hours": 0}
        found.append({**row, "hours": _MONTH, "seed": 16, **asdict(ends)})
    for healthy in (0, _DAY, _MONTH):
        ends = _alone(100, 10, healthy, 2 * _DAY, runs)
        row = {"baseline_errors": 100, "rate": EQUAL.legacy, "factor": 10, "healthy_hours": healthy}
        found.append({**row, "hours": 2 * _DAY, "seed": 16, **asdict(ends)})
    return found


def _alone(errors: int, factor: int, healthy: int, hours: int, runs: int) -> Outcome:
    """After so many healthy hours modern is so much worse than a baseline with so many errors."""
    seen, ends = round(errors / EQUAL.legacy), []
    for few, chance in chunks(runs, 16):
        counted = chance.binomial(seen, EQUAL.legacy, few)
        bounds = np.array([interval(int(events), seen)[1] for events in counted])
        ends.append(_left_alone(bounds, factor, healthy, hours, chance))
    return Outcome.of(np.concatenate(ends))


def _left_alone(
    bounds: Floats, factor: int, healthy: int, hours: int, chance: np.random.Generator
) -> Floats:
    runs, rate = bounds.size, EQUAL.legacy
    watches, first = Watches(runs), np.full(runs, np.inf)
    for _ in range(healthy):
        failed = chance.binomial(HOUR, rate, (runs, 1))
        watches.add(ratios_alone(failed, np.array([HOUR]), bounds))
    asked = MINUTE * np.arange(1, 61)
    for hour in range(hours):
        failed = chance.binomial(MINUTE, factor * rate, (runs, 60)).cumsum(1)
        logs = ratios_alone(failed, asked, bounds)
        at = hour * HOUR + np.broadcast_to(asked, failed.shape)
        first = np.minimum(first, first_crossing(watches.crossed(logs), at))
        watches.add(logs[:, -1:])
        if np.isfinite(first).all():
            break
    return first


TABLES: Final[Mapping[str, Callable[[int], Rows]]] = {
    "proofs": proofs,
    "clumps": clumps,
    "sticky": sticky,
    "rare": rare,
    "later": later,
    "slow": slow,
    "alone": alone,
}
