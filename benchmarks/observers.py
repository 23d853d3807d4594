"""What each observer costs per exchange, with its flushes and the access log's thread.

    python -m benchmarks.observers

Every observer is timed in turn, round after round, so that a busy machine slows all of them alike; it is
CPU time of the process, and the median and the minimum of the rounds are printed.
"""

import os
import random
import statistics
from collections.abc import Callable
from pathlib import Path
from time import process_time_ns
from typing import Final, TextIO

from gateway.assignment import Decision
from gateway.breakers import Breakers
from gateway.exchange import Exchange, Observer
from gateway.observe.access_log import AccessLog
from gateway.observe.evidence import Evidence
from gateway.observe.metrics import Metrics
from gateway.observe.recent import Recent
from gateway.observe.traffic import Traffic
from gateway.routes import SPACE
from gateway.words import Reason, Stack

_ROUTES, _EXCHANGES, _ROUNDS = 20, 1000, 41
_WARM_UP: Final = 20  # rounds that are not reported
_CLIENTS: Final = (10, 400, 10_000, 1_000_000)  # of all routes together; a sample has 512

Case = Callable[[list[Exchange]], None]


class _Nothing:
    """What the call itself costs."""

    def observe(self, exchange: Exchange) -> None:
        pass


def main() -> None:
    chance = random.Random(1)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        cases: dict[str, tuple[Case, range]] = {
            "a call": (_seen_by(_Nothing()), range(SPACE)),
            "metrics": (_seen_by(Metrics()), range(SPACE)),
            "access log": (_logged_to(nowhere), range(SPACE)),
            "traffic": (_seen_by(Traffic()), range(SPACE)),
            "breakers": (_seen_by(Breakers()), range(SPACE)),
            "evidence": (_told_of(Evidence(lambda: float("-inf"))), range(SPACE)),
        }
        for clients in _CLIENTS:
            of_clients = range(0, SPACE, max(1, SPACE // clients))
            cases[f"recent, {clients} clients"] = (_seen_by(Recent()), of_clients)
        costs: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(_WARM_UP + _ROUNDS):
            for name, (case, buckets) in cases.items():
                costs[name].append(_timed(case, _exchanges(chance, buckets)))
    print("| observer | ns per exchange, median | min |\n|---|---|---|")
    for name, found in costs.items():
        median, least = statistics.median(found[_WARM_UP:]), min(found[_WARM_UP:])
        print(f"| {name} | {median:.0f} | {least:.0f} |")


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
