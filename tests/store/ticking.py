"""A store whose clock is the test's."""

from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from gateway.store.database import Database

HOUR, DAY = 3_600.0, 86_400.0


@dataclass
class Clock:
    """What the store's clock says; the beginning of an hour."""

    at: float = 490_000 * HOUR  # seconds since 1970

    @property
    def hour(self) -> int:
        return int(self.at // HOUR)

    def passes(self, seconds: float) -> None:
        self.at += seconds


def given_to(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that every store goes by from now on."""
    clock = Clock()

    def now(_database: Database, _connection: sa.Connection) -> float:
        return clock.at

    monkeypatch.setattr(Database, "now", now)
    return clock
