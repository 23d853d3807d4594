"""The ramps in one store, each a document; who writes one names the revision that it has read."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.store.audit import Act, add_line
from gateway.store.database import Database
from gateway.store.errors import RampConflict
from gateway.store.tables import RAMPS


@dataclass(frozen=True, slots=True)
class Kept:
    """A ramp as it is stored."""

    route: str
    revision: int  # 0: not stored yet
    document: str  # JSON, see gateway.judge.ramp


class Ramps:
    """One for each route at most; that of yesterday makes room for the next."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Kept]:
        """By route."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(RAMPS).order_by(RAMPS.c.route)).all()
        return [Kept(*row) for row in rows]

    def get(self, route: str) -> Kept | None:
        with self._database.reading() as connection:
            row = connection.execute(sa.select(RAMPS).where(RAMPS.c.route == route)).first()
        return None if row is None else Kept(*row)

    def keep(
        self,
        kept: Kept,
        act: Act | None = None,
        also: Callable[[sa.Connection], None] = lambda _: None,
    ) -> Kept:
        """Writes the next revision; its audit line with it, and what else belongs to it.

        Raises RampConflict if somebody was faster.
        """
        with self._database.writing() as connection:
            put(connection, kept)
            if act is not None:
                add_line(connection, act, self._database.now(connection))
            also(connection)
        return Kept(kept.route, kept.revision + 1, kept.document)


def put(connection: sa.Connection, kept: Kept) -> None:
    """Within the caller's transaction. Raises RampConflict."""
    values = {"revision": kept.revision + 1, "document": kept.document}
    if kept.revision == 0:
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(RAMPS).values(route=kept.route, **values))
        except sa.exc.IntegrityError as error:
            raise RampConflict(kept.route) from error
        return
    here = sa.and_(RAMPS.c.route == kept.route, RAMPS.c.revision == kept.revision)
    if not connection.execute(sa.update(RAMPS).where(here).values(values)).rowcount:
        raise RampConflict(kept.route)
