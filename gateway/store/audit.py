"""Who did what, when, from where and why: one line for every change, and for every refused attempt."""

from dataclasses import dataclass

import sqlalchemy as sa

from gateway.store.database import Database
from gateway.store.tables import AUDIT


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `version` is the plan version that the action made, if it made one."""

    id: int
    at: float  # seconds since 1970
    actor: str
    origin: str  # an address or a host
    action: str  # `plan.apply`, `token.create`, …
    subject: str
    reason: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does, before the store gives it its time and number."""

    actor: str
    origin: str
    action: str
    subject: str = ""
    reason: str = ""


class Audit:
    """The audit lines of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, act: Act) -> None:
        """Adds a line. Raises StoreUnavailable."""
        with self._database.writing() as connection:
            add_line(connection, act, self._database.now(connection))

    def lines(self, limit: int, before: int | None = None) -> list[Line]:
        """The newest first; `before` is the id of the last line of the page before."""
        query = sa.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(AUDIT.c.id < before)
        with self._database.reading() as connection:
            return [Line(*row) for row in connection.execute(query)]


def add_line(connection: sa.Connection, act: Act, at: float, version: int | None = None) -> None:
    """In the caller's transaction: a change and its line are written together or not at all."""
    connection.execute(
        sa.insert(AUDIT).values(
            at=at,
            actor=act.actor,
            origin=act.origin,
            action=act.action,
            subject=act.subject,
            reason=act.reason,
            version=version,
        )
    )
