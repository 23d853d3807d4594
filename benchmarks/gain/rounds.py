"""What was measured, and medians of it."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FASTAPI: Final = "FastAPI, async"
FASTAPI_THREADS: Final = "FastAPI, `def`"
FLASK_THREADS: Final = "Flask, blocking"
FLASK_ASYNC: Final = "Flask over async"
SERVERS: Final = (FASTAPI, FASTAPI_THREADS, FLASK_THREADS, FLASK_ASYNC)


@dataclass(frozen=True, slots=True)
class Row:
    """One server, one endpoint, so many clients: one round of it."""

    server: str
    endpoint: str
    clients: int
    rate: float  # answers a second
    p50: float  # milliseconds
    p99: float
    cpu: float  # microseconds per request
    threads: int
    memory: int  # bytes


Figure = Callable[[Row], float]


@dataclass(frozen=True, slots=True)
class Rounds:
    """`latency` is milliseconds a call; `idle` threads and bytes of each server, before all rounds."""

    latency: float
    venues: int
    idle: dict[str, tuple[int, int]]
    rows: list[Row]

    def of(self, server: str, endpoint: str, clients: int) -> list[Row]:
        """Its rounds, in turn."""
        return [
            row
            for row in self.rows
            if (row.server, row.endpoint, row.clients) == (server, endpoint, clients)
        ]

    def clients(self, endpoint: str) -> list[int]:
        """How many there were, rising."""
        return sorted({row.clients for row in self.rows if row.endpoint == endpoint})

    def median(self, figure: Figure, server: str, endpoint: str, clients: int) -> float:
        return statistics.median(map(figure, self.of(server, endpoint, clients)))

    def ratios(
        self, figure: Figure, servers: tuple[str, str], endpoint: str, clients: int
    ) -> list[float]:
        """Of each round, the first server's figure over the second's."""
        first, second = (map(figure, self.of(one, endpoint, clients)) for one in servers)
        return [a / b for a, b in zip(first, second, strict=True)]


def rate(row: Row) -> float:
    return row.rate


def p50(row: Row) -> float:
    return row.p50


def p99(row: Row) -> float:
    return row.p99


def cpu(row: Row) -> float:
    return row.cpu
