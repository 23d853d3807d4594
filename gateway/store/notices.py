"""What others are to be told: written with what it tells of, delivered afterwards, at least once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from gateway.store.database import Database
from gateway.store.tables import NOTICES

KEPT: Final = 30 * 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell."""

    id: int
    at: float  # seconds since 1970
    kind: str  # `rollback`, `verdict`, `breaker`, `ramp`
    route: str
    document: Mapping[str, Any]
    attempts: int
    outcome: Mapping[str, str]  # by channel: what came of the last try


class Notices:
    """The notices in one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, route: str, document: Mapping[str, Any]) -> None:
        """In a transaction of its own."""
        with self._database.writing() as connection:
            self.write(connection, kind, route, document)

    def write(
        self, connection: sa.Connection, kind: str, route: str, document: Mapping[str, Any]
    ) -> None:
        """In the caller's transaction."""
        now = self._database.now(connection)
        connection.execute(
            sa.insert(NOTICES).values(
                at=now,
                kind=kind,
                route=route,
                document=json.dumps(document),
                attempts=0,
                due=now,
                outcome="{}",
            )
        )

    def due(self, limit: int = 20) -> list[Notice]:
        """What waits to be told, the oldest first."""
        with self._database.reading() as connection:
            now = self._database.now(connection)
            query = sa.select(NOTICES).where(NOTICES.c.due <= now).order_by(NOTICES.c.id)
            rows = connection.execute(query.limit(limit)).all()
        return [
            Notice(
                row.id,
                row.at,
                row.kind,
                row.route,
                json.loads(row.document),
                row.attempts,
                json.loads(row.outcome),
            )
            for row in rows
        ]

    def newest(self, kind: str, route: str, limit: int = 20) -> list[Mapping[str, Any]]:
        """Documents of what was to be told last, the newest first."""
        query = sa.select(NOTICES.c.document).where(
            NOTICES.c.kind == kind, NOTICES.c.route == route
        )
        query = query.order_by(NOTICES.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [json.loads(document) for document in connection.execute(query).scalars()]

    def tried(self, notice: Notice, outcome: Mapping[str, str], again: float | None) -> None:
        """What came of it; `again` is in how many seconds to try once more, None: never."""
        with self._database.writing() as connection:
            due = None if again is None else self._database.now(connection) + again
            values = {"attempts": notice.attempts + 1, "outcome": json.dumps(outcome), "due": due}
            connection.execute(sa.update(NOTICES).where(NOTICES.c.id == notice.id).values(values))

    def tidy(self) -> None:
        with self._database.writing() as connection:
            old = NOTICES.c.at < self._database.now(connection) - KEPT
            connection.execute(sa.delete(NOTICES).where(old))
