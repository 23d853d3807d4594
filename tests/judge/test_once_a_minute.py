"""Clients that come again and again, through the workers' observers and the store to the judge.

Why it matters: `tests/judge/test_simulation.py`. Each route is a run of its own; both stacks fail alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from gateway.assignment import Decision
from gateway.exchange import Exchange
from gateway.judge.evidence import ALPHA, Verdict
from gateway.judge.ledger import Ledger
from gateway.observe.evidence import Evidence
from gateway.routes import SPACE
from gateway.store import evidence as storing
from gateway.store.evidence import ONCE, Count
from gateway.store.opening import open_store
from gateway.words import Reason, Signal, Stack
from tests.store.ticking import Clock, given_to

RUNS = 50
SPLIT = SPACE // 20  # 5 %
FLUSH = 10.0  # seconds between two times that workers tell the store
FLUSHES = 60  # in ten minutes
REQUESTS = 1200  # on each route from one flush to the next: in all what an hour has at 20 a second
RATE = 0.005  # of the clients fail, on either stack
ROUTES = [f"GET /{run}" for run in range(RUNS)]


@dataclass
class Fleet:
    """Two workers of one store. A failing client's retries reach either of them."""

    folder: Path
    clock: Clock
    random: Random
    once: float = ONCE  # seconds in which an event counts once
    worse: set[str] = field(default_factory=set)  # routes that would have been rolled back

    def __post_init__(self) -> None:
        self.store = open_store(f"sqlite:///{self.folder}/banyan.db")
        self.ledger = Ledger()
        self.workers = [
            Evidence(lambda: float("-inf"), lambda: self.clock.at, once=self.once) for _ in range(2)
        ]
        for worker in self.workers:
            worker.renew(1, dict.fromkeys(ROUTES, SPLIT))

    def runs(self, clump: int) -> None:
        """So many errors of each failing client at once."""
        self.store.evidence.add(list(_good()), [], [])
        for _ in range(FLUSHES):
            for exchange in self._failing(clump):
                self.random.choice(self.workers).observe(exchange)
            self.clock.passes(FLUSH)
            for worker in self.workers:
                worker.tick()
                self.store.evidence.add(*worker.take())
            self._look()

    def _failing(self, clump: int) -> Iterator[Exchange]:
        for route in ROUTES:
            for _ in range(self._how_many()):
                bucket = self.random.randrange(SPACE)
                stack = Stack.MODERN if bucket < SPLIT else Stack.LEGACY
                decision = Decision(stack, Reason.SPLIT, bucket)
                yield from [Exchange(0.0, "", route, "GET", "", decision, 1, 500, 0.01)] * clump

    def _how_many(self) -> int:
        """Poisson's."""
        gone, found = self.random.expovariate(1.0), 0
        while gone < REQUESTS * RATE:
            gone, found = gone + self.random.expovariate(1.0), found + 1
        return found

    def _look(self) -> None:
        self.ledger.update(self.store.evidence.rows(self.ledger.wanted), self.clock.hour)
        for route in ROUTES:
            if self.ledger.worse(route, Signal.ERROR, ALPHA).verdict is Verdict.WORSE:
                self.worse.add(route)


def _good() -> Iterator[Count]:
    """All requests that do not fail, as a worker would tell them."""
    modern = REQUESTS * FLUSHES * SPLIT // SPACE
    for route in ROUTES:
        yield Count(route, 1, Stack.MODERN, SPLIT, modern, 0)
        yield Count(route, 1, Stack.LEGACY, SPLIT, REQUESTS * FLUSHES - modern, 0)


def rolled_back(folder: Path, clock: Clock, clump: int, seed: int, once: float = ONCE) -> float:
    """The share of the routes."""
    fleet = Fleet(folder, clock, Random(seed), once)
    fleet.runs(clump)
    fleet.store.close()
    return len(fleet.worse) / RUNS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return given_to(monkeypatch)


@pytest.mark.parametrize("clump", [1, 3, 10])
def test_t58_clients_that_come_again_and_again_roll_no_healthy_route_back(
    tmp_path: Path, clock: Clock, clump: int
) -> None:
    assert rolled_back(tmp_path, clock, clump, seed=clump) <= 0.01


def test_t58_if_each_of_their_errors_counted_they_would(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trap: so often it would be, without what the two modules do about it."""
    monkeypatch.setattr(storing, "ONCE", 0.0)
    monkeypatch.setattr(storing, "_new", lambda _connection, events, _now: events)
    assert rolled_back(tmp_path, clock, clump=10, seed=10, once=0.0) >= 0.4
