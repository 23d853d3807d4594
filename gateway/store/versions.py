"""The plan's versions: one append-only table, and `apply` as its only door."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from gateway.store.audit import Act, add_line
from gateway.store.database import Database
from gateway.store.errors import NoSuchVersion, VersionConflict
from gateway.store.tables import FILES, META, VERSIONS
from gateway.store.transaction import Turn, take_turn

CHANNEL: Final = "banyan_plan"  # PostgreSQL tells it the new version
_BEFORE: Final = "before"  # names the id of a store that was lost, in the one made anew
_NEWEST = sa.select(sa.func.coalesce(sa.func.max(VERSIONS.c.version), 0))


@dataclass(frozen=True, slots=True)
class Entry:
    """Who made a version, when and why."""

    version: int  # 1, 2, 3, …; where some are missing, the store was lost and made anew
    at: float  # seconds since 1970
    actor: str
    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Version(Entry):
    """A plan as it was accepted; `document` is its text, comments included."""

    document: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text for the next version, and who wants it."""

    document: str
    act: Act
    file: str | None = None  # the text of the operator's file, if that is where it comes from
    along: Callable[[sa.Connection, int], None] | None = (
        None  # written with the version, or neither
    )


class Versions:
    """The versions in one store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> int:
        """The number of the plan in force, 0 if there is none."""
        with self._database.reading() as connection:
            return _newest(connection)

    def mark(self) -> tuple[int, float]:
        """Number and time of the plan in force, (0, 0) if there is none.

        A store that was restored gives a number again, but not at the same time.
        """
        query = sa.select(VERSIONS.c.version, VERSIONS.c.at)
        with self._database.reading() as connection:
            row = connection.execute(query.order_by(VERSIONS.c.version.desc()).limit(1)).first()
        return (0, 0.0) if row is None else (row.version, row.at)

    def lineage(self) -> str:
        """The id of this store: a restored backup has it too, another store has another."""
        query = sa.select(META.c.value).where(META.c.name == "id")
        with self._database.reading() as connection:
            return str(connection.execute(query).scalar_one())

    def continues(self, store: str) -> bool:
        """Whether a plan of the store with this id may be put back here.

        It may where it is the same store, or where that one's plan was put back when this one was
        empty and nobody has decided anything since: another host may have a newer one of it.
        """
        ids = sa.select(META.c.name).where(META.c.name.in_(["id", _BEFORE]), META.c.value == store)
        actor = sa.select(VERSIONS.c.actor).order_by(VERSIONS.c.version.desc()).limit(1)
        with self._database.reading() as connection:
            found = set(connection.execute(ids).scalars())
            return "id" in found or (
                _BEFORE in found and connection.execute(actor).scalar() == "recovery"
            )

    def current(self) -> Version | None:
        """The plan in force."""
        query = sa.select(VERSIONS).order_by(VERSIONS.c.version.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Version(*row)

    def get(self, version: int) -> Version:
        """Raises NoSuchVersion."""
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(VERSIONS).where(VERSIONS.c.version == version)
            ).one_or_none()
            if row is None:
                raise NoSuchVersion(version, _newest(connection))
        return Version(*row)

    def history(self, limit: int, before: int | None = None) -> list[Entry]:
        """The newest first, without their texts; `before` is the last version of the page before."""
        columns = [VERSIONS.c[name] for name in Entry.__slots__]
        query = sa.select(*columns).order_by(VERSIONS.c.version.desc()).limit(limit)
        if before is not None:
            query = query.where(VERSIONS.c.version < before)
        with self._database.reading() as connection:
            return [Entry(*row) for row in connection.execute(query)]

    def apply(self, expected: int, proposal: Proposal) -> Version:
        """Makes the next version, if `expected` is still the newest; its audit line with it.

        Of two that come at once, one finds the other's. Raises VersionConflict.
        """
        return self._add(expected, expected + 1, proposal)

    def recover(self, version: int, proposal: Proposal, store: str = "") -> Version:
        """Puts a plan back that the store has lost, under the number it had.

        `store` is the id of the one that it is from. Raises VersionConflict if the store has that
        version, or a newer one, after all.
        """
        with self._database.reading() as connection:
            newest = _newest(connection)
        if newest >= version:
            raise VersionConflict(version - 1, newest)
        return self._add(newest, version, proposal, "" if newest else store)

    def _add(self, expected: int, version: int, proposal: Proposal, before: str = "") -> Version:
        try:
            with self._database.writing() as connection:
                take_turn(connection, Turn.VERSIONS)  # a recovery skips numbers: no key would clash
                newest = _newest(connection)
                if newest != expected:
                    raise VersionConflict(expected, newest)
                if before:
                    _remember_store(connection, before)
                return self._insert(connection, version, proposal)
        except sa.exc.IntegrityError as error:
            raise VersionConflict(expected, self.newest()) from error

    def _insert(self, connection: sa.Connection, version: int, proposal: Proposal) -> Version:
        act, at = proposal.act, self._database.now(connection)
        made = Version(version, at, act.actor, act.origin, act.reason, proposal.document)
        connection.execute(
            sa.insert(VERSIONS).values(
                version=version,
                at=at,
                actor=act.actor,
                origin=act.origin,
                reason=act.reason,
                document=proposal.document,
            )
        )
        add_line(connection, act, at, version)
        if proposal.file is not None:
            _remember_file(connection, version, proposal.file)
        if proposal.along is not None:
            proposal.along(connection, version)
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_notify(CHANNEL, str(version))))
        return made

    def file_known(self, text: str) -> bool:
        """Whether this very text was applied from a file before."""
        query = sa.select(FILES.c.digest).where(FILES.c.digest == _digest(text))
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def last_file(self) -> str | None:
        """The text that was last applied from a file."""
        query = sa.select(FILES.c.document).order_by(FILES.c.version.desc()).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).scalar()


def _newest(connection: sa.Connection) -> int:
    return int(connection.execute(_NEWEST).scalar_one())


def _remember_store(connection: sa.Connection, store: str) -> None:
    known = sa.select(META.c.name).where(META.c.name == _BEFORE)
    if connection.execute(known).first() is None:
        connection.execute(sa.insert(META).values(name=_BEFORE, value=store))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _remember_file(connection: sa.Connection, version: int, text: str) -> None:
    connection.execute(sa.delete(FILES).where(FILES.c.digest == _digest(text)))
    connection.execute(
        sa.insert(FILES).values(digest=_digest(text), version=version, document=text)
    )
