"""One worker's observer, and exchanges for it to see."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import REGISTRY

from gateway.assignment import Decision
from gateway.exchange import Exchange
from gateway.observe.evidence import (
    Batch,
    Evidence,
)
from gateway.observe.slowness import ENOUGH
from gateway.words import Reason, Stack
from tests.stacks import TestClock

ROUTE = "GET /x"
SPLITS = {ROUTE: 5000, "GET /y": 50}
LEGACY = Decision(Stack.LEGACY, Reason.SPLIT, 70_000)
MODERN = Decision(Stack.MODERN, Reason.SPLIT, 7)
NEVER = float("-inf")


def exchange(status: int = 200, decision: Decision = MODERN, **changes: Any) -> Exchange:
    made = Exchange(0.0, "id", ROUTE, "GET", "/x", decision, 1, status, 0.01)
    return made._replace(**changes)


def client(bucket: int, stack: Stack = Stack.MODERN) -> Decision:
    return Decision(stack, Reason.SPLIT, bucket)


def dropped() -> float:
    return REGISTRY.get_sample_value("gateway_evidence_dropped_total") or 0


class Worker:
    """One observer, its clock, and when its loop was late last."""

    def __init__(self, splits: Mapping[str, int] = SPLITS) -> None:
        self.clock = TestClock()
        self.late = NEVER
        self.evidence = Evidence(lambda: self.late, self.clock)
        self.evidence.renew(1, splits)

    def sees(self, *exchanges: Exchange) -> Batch:
        for one in exchanges:
            self.evidence.observe(one)
        return self.evidence.take()

    def events(self, *exchanges: Exchange) -> list[tuple[str, str]]:
        return [(one.stack, one.signal) for one in self.sees(*exchanges).events]

    def learns(self, seconds: float = 0.01) -> None:
        """What is slow, from enough answers of legacy."""
        self.sees(*[exchange(decision=LEGACY, seconds=seconds)] * ENOUGH)
        for _ in range(10):
            self.clock.now += 1
            self.evidence.tick()


def counted(batch: Batch) -> dict[str, tuple[int, int]]:
    return {one.stack: (one.requests, one.failures) for one in batch.counts}
