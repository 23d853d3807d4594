"""What the workers have counted for the judge: each route, on each stack, by plan version and hour.

A version has one split for a route and an hour is soon over, so what stands here changes only in the
hour that is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.store.database import Database
from gateway.store.tables import COUNTED, EVIDENCE, SEEN, SIGHTINGS
from gateway.words import Stack

Insert = Callable[[sa.Table], Any]  # of a dialect
ONCE: Final = 60.0  # seconds in which the same event of the same client counts once
SHADOW: Final = "shadow"  # the kind of sightings that count shadows; what they say is the outcome
HOUR: Final = 3600  # seconds
KEPT: Final = 40 * 24  # hours
_FORGOTTEN: Final = 90 * 86_400.0  # seconds after which a sighting that nobody acknowledged is old
_KEY: Final = (EVIDENCE.c.route, EVIDENCE.c.version, EVIDENCE.c.hour, EVIDENCE.c.stack)
_SIGHT: Final = (SIGHTINGS.c.route, SIGHTINGS.c.stack, SIGHTINGS.c.kind, SIGHTINGS.c.what)


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
    """Something that was seen on one stack; an exception is news if the other one does not know it."""

    route: str
    stack: str
    kind: str  # `exception`, `lag`, `difference`, SHADOW
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
            _sent(connection, _add, _rows(counts, new, int(now // HOUR)))
            _add_sightings(connection, sightings, now)
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
            old = sa.select(SEEN.c.digest).where(SEEN.c.at < now - 2 * ONCE)
            # Not those that a worker is about to renew: the two would wait for each other
            old = old.with_for_update(skip_locked=True)
            connection.execute(sa.delete(SEEN).where(SEEN.c.digest.in_(old)))
            connection.execute(sa.delete(EVIDENCE).where(EVIDENCE.c.hour < now // HOUR - KEPT))
            long_ago = SIGHTINGS.c.last < now - _FORGOTTEN
            connection.execute(sa.delete(SIGHTINGS).where(long_ago, ~SIGHTINGS.c.known))


def has_evidence(connection: sa.Connection, route: str, since: int) -> bool:
    """Whether modern was asked since a version, or something was seen of it that nobody knows."""
    one, new = EVIDENCE.c, SIGHTINGS.c
    counted = sa.exists().where(one.route == route, one.version >= since, one.stack == Stack.MODERN)
    seen = sa.exists().where(new.route == route, new.stack == Stack.MODERN, ~new.known)
    return bool(connection.execute(sa.select(sa.or_(counted, seen))).scalar())


def begin_anew(connection: sa.Connection, route: str, since: int) -> None:
    """Forgets what was counted on the route from this version on; what was seen on it is known.

    What was counted before stays: it says which split was good, and how legacy fared.
    """
    here = EVIDENCE.c.route == route, EVIDENCE.c.version >= since
    # In the order in which workers add to the rows, or we would wait for each other
    connection.execute(sa.select(EVIDENCE.c.hour).where(*here).order_by(*_KEY).with_for_update())
    connection.execute(sa.delete(EVIDENCE).where(*here))
    seen = sa.select(SIGHTINGS.c.what).where(SIGHTINGS.c.route == route)
    connection.execute(seen.order_by(*_SIGHT).with_for_update())
    connection.execute(sa.update(SIGHTINGS).where(SIGHTINGS.c.route == route).values(known=True))


def _new(connection: sa.Connection, events: Iterable[Event], now: float) -> list[Event]:
    """Those that were not seen in the last minute, by any worker; and they are, from now on."""
    by_digest = {event.digest: event for event in events}
    rows = [{"digest": digest, "at": now} for digest in sorted(by_digest)]
    found = _sent(connection, _remember, rows)
    return [by_digest[digest] for digest in sorted(found)]


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


def _add_sightings(connection: sa.Connection, sightings: Iterable[Sighting], now: float) -> None:
    times = {"first": now, "last": now, "known": False}
    rows = sorted(
        ({**asdict(one), **times} for one in sightings),
        key=lambda row: [row[column.name] for column in _SIGHT],
    )
    _sent(connection, _sight, rows)


def _sent(
    connection: sa.Connection,
    made: Callable[[Insert], Any],
    rows: Sequence[Mapping[str, Any]],
) -> list[Any]:
    """What a statement returns for these rows: because it does, SQLAlchemy sends many of them at once.

    The rows stand in one order everywhere, or two workers would wait for each other.
    """
    return list(connection.execute(made(insert(connection)), rows).scalars()) if rows else []


@cache  # to make one takes as long as to execute it
def _remember(insert: Insert) -> Any:
    statement = insert(SEEN)
    at = statement.excluded.at
    statement = statement.on_conflict_do_update(
        index_elements=[SEEN.c.digest],
        set_={"at": at},
        # A clock that was set back must not silence an event for long. Who waited here for
        # another worker finds a time that is a little later than its own.
        where=sa.or_(SEEN.c.at <= at - ONCE, SEEN.c.at > at + ONCE),
    )
    return statement.returning(SEEN.c.digest)


@cache
def _add(insert: Insert) -> Any:
    statement = insert(EVIDENCE)
    sums = {name: EVIDENCE.c[name] + statement.excluded[name] for name in COUNTED}
    statement = statement.on_conflict_do_update(index_elements=_KEY, set_=sums)
    return statement.returning(EVIDENCE.c.hour)


@cache
def _sight(insert: Insert) -> Any:
    statement = insert(SIGHTINGS)
    new = statement.excluded
    more = {"last": new.last, "count": SIGHTINGS.c["count"] + new["count"]}
    statement = statement.on_conflict_do_update(index_elements=_SIGHT, set_=more)
    return statement.returning(SIGHTINGS.c.what)


def _seen(row: sa.Row[Any]) -> Seen:
    values = row._mapping  # noqa: SLF001 (the public name of a row's columns)
    return Seen(**{name: values[name] for name in (*Sighting.__slots__, *Seen.__slots__)})


def insert(connection: sa.Connection) -> Insert:
    """`INSERT … ON CONFLICT` is each dialect's own."""
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
