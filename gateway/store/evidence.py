"""What the workers have counted for the judge: each route, on each stack, by plan version and hour.

A version has one split for a route and an hour is soon over, so what stands here changes only in the
hour that is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.database import Database
from gateway.store.tables import COUNTED, EVIDENCE, SEEN, SIGHTINGS

ONCE: Final = 60.0  # seconds in which the same event of the same client counts once
HOUR: Final = 3600  # seconds
KEPT: Final = 40 * 24  # hours
_FORGOTTEN: Final = 90 * 86_400.0  # seconds after which a sighting that nobody acknowledged is old
_KEY: Final = (EVIDENCE.c.route, EVIDENCE.c.version, EVIDENCE.c.hour, EVIDENCE.c.stack)


@dataclass(frozen=True, slots=True)
class Count:
    """Requests and failing answers of one stack on one route, under one plan version."""

    route: str
    version: int
    stack: str
    split: int  # buckets
    requests: int
    failures: int  # answers that were errors, each counted


@dataclass(frozen=True, slots=True)
class Event:
    """Something that speaks against the stack that was decided for."""

    digest: str  # of route, signal, client and what it was: see ONCE
    route: str
    version: int
    stack: str
    split: int
    signal: str  # `error`, `client_error`, `slow`


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that was seen on one stack, and is news if the other one does not know it."""

    route: str
    stack: str
    kind: str  # `exception`, `lag`
    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Seen(Sighting):
    """A sighting as the store knows it."""

    first: float  # seconds since 1970
    last: float
    known: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One stack on one route, under one version, in one hour; events count once a minute and client."""

    route: str
    version: int
    hour: int  # since 1970
    stack: str
    split: int
    requests: int
    failures: int
    error: int
    client_error: int
    slow: int


class Evidence:
    """The evidence in one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, counts: Sequence[Count], events: Sequence[Event], sightings: Sequence[Sighting]
    ) -> list[Event]:
        """Adds what a worker has seen, and says which events were new. Raises StoreUnavailable."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            new = _new(connection, events, now)
            rows = _rows(counts, new, int(now // HOUR))
            for row in rows:
                _add_row(connection, row)
            for one in sorted(sightings, key=lambda s: (s.route, s.stack, s.kind, s.what)):
                _add_sighting(connection, one, now)
        return new

    def rows(self, hour: int = 0) -> list[Row]:
        """Of this hour since 1970 and later ones, in their order."""
        query = sa.select(EVIDENCE).where(EVIDENCE.c.hour >= hour)
        query = query.order_by(EVIDENCE.c.version, EVIDENCE.c.hour, EVIDENCE.c.stack)
        with self._database.reading() as connection:
            return [Row(*row) for row in connection.execute(query)]

    def now(self) -> float:
        """Seconds since 1970, by the store's clock."""
        with self._database.reading() as connection:
            return self._database.now(connection)

    def sightings(self) -> list[Seen]:
        with self._database.reading() as connection:
            return [_seen(row) for row in connection.execute(sa.select(SIGHTINGS))]

    def tidy(self) -> None:
        """Forgets what nobody will ask for again."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            connection.execute(sa.delete(SEEN).where(SEEN.c.at < now - 2 * ONCE))
            connection.execute(sa.delete(EVIDENCE).where(EVIDENCE.c.hour < now // HOUR - KEPT))
            old = SIGHTINGS.c.last < now - _FORGOTTEN
            connection.execute(sa.delete(SIGHTINGS).where(old, ~SIGHTINGS.c.known))


def acknowledge(connection: sa.Connection, route: str) -> None:
    """What was seen on the route is known from now on."""
    connection.execute(sa.update(SIGHTINGS).where(SIGHTINGS.c.route == route).values(known=True))


def _new(connection: sa.Connection, events: Iterable[Event], now: float) -> list[Event]:
    """Those that were not seen in the last minute, by any worker; and they are, from now on.

    In one order everywhere, or two workers would wait for each other.
    """
    by_digest = {event.digest: event for event in events}
    found = []
    for digest in sorted(by_digest):
        statement = insert(connection)(SEEN).values(digest=digest, at=now)
        statement = statement.on_conflict_do_update(
            index_elements=[SEEN.c.digest],
            set_={"at": now},
            # A clock that was set back must not silence an event for long
            where=sa.or_(SEEN.c.at <= now - ONCE, SEEN.c.at > now),
        )
        if connection.execute(statement.returning(SEEN.c.digest)).first() is not None:
            found.append(by_digest[digest])
    return found


def _rows(counts: Iterable[Count], events: Iterable[Event], hour: int) -> list[dict[str, Any]]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}

    def row(one: Count | Event) -> dict[str, Any]:
        key = one.route, one.version, hour, one.stack
        named = {column.name: value for column, value in zip(_KEY, key, strict=True)}
        return found.setdefault(key, {**named, "split": one.split, **dict.fromkeys(COUNTED, 0)})

    for count in counts:
        row(count)["requests"] += count.requests
        row(count)["failures"] += count.failures
    for event in events:
        row(event)[event.signal] += 1
    return [found[key] for key in sorted(found)]


def _add_row(connection: sa.Connection, row: dict[str, Any]) -> None:
    statement = insert(connection)(EVIDENCE).values(row)
    sums = {name: EVIDENCE.c[name] + statement.excluded[name] for name in COUNTED}
    connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=sums))


def _add_sighting(connection: sa.Connection, one: Sighting, now: float) -> None:
    key = {"route": one.route, "stack": one.stack, "kind": one.kind, "what": one.what}
    new = {"first": now, "last": now, "count": one.count, "known": False}
    statement = insert(connection)(SIGHTINGS).values({**key, **new})
    more = {"last": now, "count": SIGHTINGS.c.count + one.count}
    columns = [SIGHTINGS.c[name] for name in key]
    connection.execute(statement.on_conflict_do_update(index_elements=columns, set_=more))


def _seen(row: sa.Row[Any]) -> Seen:
    values = row._mapping  # noqa: SLF001 (the public name of a row's columns)
    return Seen(**{name: values[name] for name in (*Sighting.__slots__, *Seen.__slots__)})


def insert(connection: sa.Connection) -> Any:
    """`INSERT … ON CONFLICT` is each dialect's own."""
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
