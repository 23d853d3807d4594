"""Rows as a store keeps them, and ledgers that read them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.judge.ledger import Ledger
from gateway.store.evidence import Row
from gateway.store.standings import Standing
from gateway.words import Signal, Stack

A, B = "GET /a", "GET /b"
ALPHA = 0.01
NOW = 490_000  # the hour
ERROR = Signal.ERROR
LATCH = Standing(A, 2, True, 0.0, "guard", "modern is worse")


@dataclass
class Shelf:
    """Rows as a store keeps them: what is told of an hour is added up."""

    rows: dict[tuple[str, int, int, str], Row] = field(default_factory=dict)

    def add(
        self,
        hour: int,
        modern: int = 0,
        legacy: int = 0,
        *,
        asked: tuple[int, int] = (50, 950),
        version: int = 1,
        split: int = 5_000,
        route: str = A,
        signal: str = "error",
    ) -> None:
        """Events of both stacks, and how often each was asked."""
        for stack, events, requests in zip(Stack, (legacy, modern), asked[::-1], strict=True):
            key = route, version, hour, stack.value
            row = self.rows.get(key) or Row(*key, split, 0, 0, 0, 0, 0)
            more = {signal: getattr(row, signal) + events, "requests": row.requests + requests}
            self.rows[key] = replace(row, failures=row.failures + events, **more)

    def since(self, hour: int) -> list[Row]:
        found = (row for row in self.rows.values() if row.hour >= hour)
        return sorted(found, key=lambda row: (row.version, row.hour, row.stack))


def looked(
    ledger: Ledger, shelf: Shelf, hour: int = NOW, standings: Mapping[str, Standing] | None = None
) -> Ledger:
    """One look, as the judge has it."""
    ledger.standing(standings or {})
    ledger.update(shelf.since(ledger.wanted), hour)
    return ledger


def afresh(shelf: Shelf, hour: int = NOW, *standings: Standing) -> Ledger:
    """One that has kept nothing in mind."""
    return looked(Ledger(), shelf, hour, {one.route: one for one in standings})


def log_e(ledger: Ledger, route: str = A, signal: Signal = ERROR) -> float:
    return ledger.worse(route, signal, ALPHA).log_e


def shelf_of(*events: tuple[int, int], first: int = NOW) -> Shelf:
    """Modern's and legacy's events, hour by hour."""
    shelf = Shelf()
    for hour, (modern, legacy) in enumerate(events, first):
        shelf.add(hour, modern, legacy)
    return shelf
