"""What the judge would have done: its operating characteristics, beside two tests that are in wide use.

    python -m benchmarks.judge_sim [--runs 1000] [--month-runs 1000]

One route with 20 requests a second; each request is drawn by itself. The judge's evidence is looked at after
each event, the other two each minute. Seeds are fixed: the same figures come out every time. They go to
RESULTS, from which `benchmarks.judge_plots` draws and which docs/judging.md is held against.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import judge_limits as limits
from benchmarks.judge_breaker import breaker
from benchmarks.judge_draws import (
    HOUR,
    MINUTE,
    RATE,
    SHIPPED,
    Cell,
    Floats,
    Ints,
    Outcome,
    Watches,
    chunks,
    first_crossing,
    hour_of,
    log_ratios,
)
from benchmarks.judge_month import month
from gateway.judge.evidence import ALPHA

RESULTS: Final = Path(__file__).parent / "results" / "judge_sim.json"
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
EQUAL: Final = CELLS[:3]
_TRACKS: Final = (  # share, rates and seed of runs whose evidence is drawn minute by minute
    *((Cell(0.05, 0.005, 0.005), seed) for seed in (1, 2, 3)),
    (Cell(0.05, 0.005, 0.01), 4),
    (Cell(0.05, 0.005, 0.02), 5),
    (Cell(0.25, 0.005, 0.05), 6),
)


def event_test(
    cell: Cell, runs: int, seed: int, *, alpha: float = ALPHA, known: bool = False
) -> Outcome:
    """The judge's own."""
    return Outcome.of(event_ends(cell, runs, seed, alpha=alpha, known=known))


def event_ends(
    cell: Cell, runs: int, seed: int, *, alpha: float = ALPHA, known: bool = False
) -> Floats:
    """The request at which the judge calls modern worse in each run, infinite where it does not."""
    return np.concatenate(
        [_ends(cell, Watches(few, alpha), chance, known) for few, chance in chunks(runs, seed)]
    )


def _ends(cell: Cell, watches: Watches, chance: np.random.Generator, known: bool) -> Floats:
    events = hour_of(cell, watches.runs, chance)
    crossed = watches.crossed(log_ratios(events, cell.share, known=known))
    return first_crossing(crossed & (events.at <= HOUR), events.at)


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


def _minutes(cell: Cell, runs: int, seed: int) -> tuple[Ints, ...]:
    chance = np.random.default_rng(seed)
    modern = chance.binomial(MINUTE, cell.share, (runs, 60))
    legacy = MINUTE - modern
    failed = chance.binomial(modern, cell.modern)
    return modern, legacy, failed, chance.binomial(legacy, cell.legacy)


def _by_minute(stops: NDArray[np.bool_]) -> Outcome:
    minute = stops.argmax(1) + 1
    return Outcome.of(np.where(stops.any(1), minute * float(MINUTE), np.inf))


TESTS: Final[Mapping[str, Callable[[Cell, int, int], Outcome]]] = {
    "judge": event_test,
    "judge, planned share": partial(event_test, known=True),
    "judge, as shipped": partial(event_test, alpha=SHIPPED),
    "z-test each minute": naive_test,
    "99 % threshold": threshold_test,
}


def hour(runs: int) -> list[dict[str, Any]]:
    """The judge beside the other two, in the situations of CELLS."""
    return [
        {"method": name, **asdict(cell), "seed": seed, **asdict(test(cell, runs, seed))}
        for seed, cell in enumerate(CELLS)
        for name, test in TESTS.items()
    ]


def tracks() -> list[dict[str, Any]]:
    """The evidence of single runs, each minute of an hour."""
    return [{**asdict(cell), "seed": seed, "log10_e": _track(cell, seed)} for cell, seed in _TRACKS]


def _track(cell: Cell, seed: int) -> list[float]:
    events = hour_of(cell, 1, np.random.default_rng(seed))
    logs = Watches(1).log_e(log_ratios(events, cell.share, known=False))[0] / np.log(10)
    found = [0.0]
    for minute in range(1, 61):
        so_far = int((events.at[0] <= minute * MINUTE).sum())
        found.append(round(float(logs[so_far - 1]), 2) if so_far else 0.0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--month-runs", type=int, default=1000)
    parser.add_argument(
        "--only", nargs="*", help="tables to make anew; the others stay as they are"
    )
    options = parser.parse_args()
    tables: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "hour": partial(hour, options.runs),
        "month": partial(month, EQUAL, options.month_runs),
        "tracks": tracks,
        "breaker": partial(breaker, options.runs),
        **{name: partial(table, options.runs) for name, table in limits.TABLES.items()},
    }
    for name in options.only or tables:
        keep(name, tables[name]())
        print(name, flush=True)


def keep(name: str, rows: list[dict[str, Any]]) -> None:
    """Puts a table into RESULTS."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"tables": {}}
    date = datetime.now(UTC).date().isoformat()
    known["requests_per_second"] = RATE
    known["tables"][name] = {"date": date, "rows": rows}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
