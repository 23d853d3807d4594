"""Where each route's evidence begins, and whether its split may rise: a rollback latches it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from gateway.store.audit import Act, add_line
from gateway.store.database import Database
from gateway.store.errors import NotLatched
from gateway.store.evidence import begin_anew, has_evidence, insert
from gateway.store.tables import STANDINGS, VERSIONS
from gateway.store.transaction import Turn, take_turn

Along = Callable[[sa.Connection, int], None]  # written with a plan version, which it is given
_NEWEST: Final = sa.select(sa.func.coalesce(sa.func.max(VERSIONS.c.version), 0))


@dataclass(frozen=True, slots=True)
class Standing:
    """One route's."""

    route: str
    since: int  # the plan version with which its evidence begins
    latched: bool  # its split may not rise until somebody acknowledges why
    at: float  # seconds since 1970
    actor: str
    why: str


class Standings:
    """The standings in one store; a route without one was never rolled back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Standing]:
        """By route."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(STANDINGS)).all()
        return {row.route: Standing(*row) for row in rows}

    def latch(self, route: str, actor: str, why: str) -> Along:
        """To be written with the version that rolls the route back: its evidence begins anew there."""

        def write(connection: sa.Connection, version: int) -> None:
            now = self._database.now(connection)
            _put(connection, Standing(route, version, True, now, actor, why))

        return write

    def acknowledge(self, route: str, act: Act) -> Standing:
        """The route may rise again. Its evidence begins anew, and what was seen on it is known.

        Raises NotLatched where there is nothing to acknowledge.
        """
        with self._database.writing() as connection:
            take_turn(connection, Turn.VERSIONS)  # a rollback latches in its turn
            if not _may_acknowledge(connection, route):
                raise NotLatched(
                    f"{route} is not latched, and there is no evidence of modern on it to begin anew"
                )
            now, since = self._database.now(connection), connection.execute(_NEWEST).scalar_one()
            made = Standing(route, since, False, now, act.actor, act.reason)
            _put(connection, made)
            begin_anew(connection, route, since)
            add_line(connection, act, now)
        return made


def _may_acknowledge(connection: sa.Connection, route: str) -> bool:
    query = sa.select(STANDINGS).where(STANDINGS.c.route == route)
    row = connection.execute(query).first()
    latched, since = (False, 0) if row is None else (row.latched, row.since)
    return latched or has_evidence(connection, route, since)


def _put(connection: sa.Connection, standing: Standing) -> None:
    values = {name: getattr(standing, name) for name in Standing.__slots__}
    statement = insert(connection)(STANDINGS).values(values)
    rest = {name: value for name, value in values.items() if name != "route"}
    key = [STANDINGS.c.route]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=rest))
