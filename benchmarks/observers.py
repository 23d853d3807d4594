"""What each observer costs per exchange, with its flushes and the access log's thread.

    python -m benchmarks.observers

Every observer is timed in turn, round after round, so that a busy machine slows all of them alike; it is
CPU time of the process, and the median and the minimum of the rounds are printed.
"""

import argparse
import os
import random
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time_ns
from typing import Final, TextIO

from benchmarks import page
from benchmarks.target import Target
from gateway.assignment import Decision
from gateway.breakers import Breakers
from gateway.exchange import Exchange, Observer
from gateway.observe.access_log import AccessLog
from gateway.observe.batches import Batches
from gateway.observe.evidence import Evidence
from gateway.observe.metrics import Metrics
from gateway.observe.recent import Recent
from gateway.observe.traffic import Traffic
from gateway.routes import SPACE
from gateway.words import Reason, Stack

_ROUTES, _EXCHANGES, _ROUNDS = 20, 1000, 41
_WARM_UP: Final = 20  # rounds that are not reported
_CLIENTS: Final = (10, 400, 10_000, 1_000_000)  # of all routes together; a sample has 512

_NOBODY, _EVERYTHING = "a call", "all of them"
_ADDED: Final = 4.0  # microseconds, the target

Case = Callable[[list[Exchange]], None]


class _Nothing:
    """What the call itself costs."""

    def observe(self, exchange: Exchange) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    chance = random.Random(1)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        cases = _cases(nowhere)
        costs: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(_WARM_UP + _ROUNDS):
            for name, (case, buckets) in cases.items():
                costs[name].append(_timed(case, _exchanges(chance, buckets)))
    raw = {name: found[_WARM_UP:] for name, found in costs.items()}
    print(table(raw))
    if options.keep:
        page.keep("observers", raw, f"{table(raw)}\n\n{page.measured()}")


def table(raw: Mapping[str, list[float]]) -> str:
    lines = [
        f"| {name} | {statistics.median(found):.0f} | {min(found):.0f} |"
        for name, found in raw.items()
    ]
    return "\n".join(["| observer | ns per exchange, median | min |", "|---|---|---|", *lines])


def targets(raw: Mapping[str, list[float]]) -> list[Target]:
    """P7: all observers, less the call that would be made without them."""
    nothing, everything = raw[_NOBODY], raw[_EVERYTHING]
    added = statistics.median(b - a for a, b in zip(nothing, everything, strict=True)) / 1000
    what = "CPU per request: metrics, evidence and access log, over none of them"
    return [Target("P7", what, f"≤ +{_ADDED:g} µs", f"+{added:.1f} µs", met=added <= _ADDED)]


def _cases(nowhere: TextIO) -> dict[str, tuple[Case, range]]:
    everybody = range(SPACE)
    cases: dict[str, tuple[Case, range]] = {
        _NOBODY: (_seen_by(_Nothing()), everybody),
        _EVERYTHING: (_everything(nowhere), everybody),
        "metrics": (_seen_by(Metrics()), everybody),
        "access log": (_logged_to(nowhere), everybody),
        "traffic": (_seen_by(Traffic()), everybody),
        "breakers": (_seen_by(Breakers()), everybody),
        "evidence": (_told_of(Evidence(_never)), everybody),
    }
    for clients in _CLIENTS:
        of_clients = range(0, SPACE, max(1, SPACE // clients))
        cases[f"recent, {clients} clients"] = (_seen_by(Recent()), of_clients)
    return cases


def _never() -> float:
    return float("-inf")


def _everything(nowhere: TextIO) -> Case:
    """As the gateway has them: batches are shared."""
    batches = Batches()
    for counter in (Metrics, Traffic):
        counter(batches)
    Recent(batches=batches)
    evidence = Evidence(_never, batches=batches)
    counted, logged, breakers = _told_of(evidence), _logged_to(nowhere), _seen_by(Breakers())

    def case(exchanges: list[Exchange]) -> None:
        breakers(exchanges)
        counted(exchanges)
        logged(exchanges)

    return case


def _seen_by(observer: Observer) -> Case:
    def case(exchanges: list[Exchange]) -> None:
        for exchange in exchanges:
            observer.observe(exchange)

    return case


def _told_of(evidence: Evidence) -> Case:
    """With what is made of it for the store, each second."""
    evidence.renew(1, dict.fromkeys(map(_route, range(_ROUTES)), SPACE // 2))

    def case(exchanges: list[Exchange]) -> None:
        _seen_by(evidence)(exchanges)
        evidence.take()
        evidence.tick()

    return case


def _logged_to(stream: TextIO) -> Case:
    """A log of its own each time: closed, its thread has written everything."""

    def case(exchanges: list[Exchange]) -> None:
        log = AccessLog(stream)
        _seen_by(log)(exchanges)
        log.close()

    return case


def _exchanges(chance: random.Random, buckets: range) -> list[Exchange]:
    """New ones, as each of a request is: what a server has just made is in the processor's cache."""
    return [
        Exchange(
            1_700_000_000.0 + number / 1000,
            f"{number:016x}",
            _route(chance.randrange(_ROUTES)),
            "GET",
            "/api/things/7",
            Decision(chance.choice(tuple(Stack)), Reason.SPLIT, chance.choice(buckets)),
            1,
            chance.choices((200, 404, 500), (97, 2, 1))[0],
            chance.expovariate(50),
        )
        for number in range(_EXCHANGES)
    ]


def _route(number: int) -> str:
    return f"GET /api/things/{number}"


def _timed(case: Case, exchanges: list[Exchange]) -> float:
    """Nanoseconds of one exchange."""
    began = process_time_ns()
    case(exchanges)
    return (process_time_ns() - began) / len(exchanges)


if __name__ == "__main__":
    main()
