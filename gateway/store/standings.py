"""Where each route's evidence begins, and whether its split may rise: a rollback latches it."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.store.audit import Act, add_line
from gateway.store.database import Database
from gateway.store.errors import NotLatched
from gateway.store.evidence import acknowledge, insert
from gateway.store.tables import EVIDENCE, SIGHTINGS, STANDINGS

Along = Callable[[sa.Connection, int], None]  # written with a plan version, which it is given


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
            now = self._database.now(connection)
            here = STANDINGS.c.route == route
            row = connection.execute(sa.select(STANDINGS).where(here)).first()
            if not (row is not None and row.latched) and not _has_news(connection, route):
                raise NotLatched(f"{route} is not latched, and nothing new was seen on it")
            since = row.since if row is not None else 0
            made = Standing(route, since, False, now, act.actor, act.reason)
            _put(connection, made)
            connection.execute(sa.delete(EVIDENCE).where(EVIDENCE.c.route == route))
            acknowledge(connection, route)
            add_line(connection, act, now)
        return made


def _has_news(connection: sa.Connection, route: str) -> bool:
    query = sa.select(SIGHTINGS.c.route).where(SIGHTINGS.c.route == route, ~SIGHTINGS.c.known)
    return connection.execute(query.limit(1)).first() is not None


def _put(connection: sa.Connection, standing: Standing) -> None:
    values = {name: getattr(standing, name) for name in Standing.__slots__}
    statement = insert(connection)(STANDINGS).values(values)
    rest = {name: value for name, value in values.items() if name != "route"}
    key = [STANDINGS.c.route]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=rest))
