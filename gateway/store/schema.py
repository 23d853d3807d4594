"""Makes the tables in a store that has none, and refuses a store that newer code has made."""

from collections.abc import Set as AbstractSet
from typing import Final
from uuid import uuid4

import sqlalchemy as sa

from gateway.store.errors import UnusableStore
from gateway.store.tables import (
    EVIDENCE,
    META,
    NOTICES,
    RAMPS,
    SCHEMA,
    SEEN,
    SIGHTINGS,
    STANDINGS,
    metadata,
    triggers,
)
from gateway.store.transaction import Turn, begin_reading, begin_writing, take_turn

_NEW: Final = (EVIDENCE, SEEN, SIGHTINGS, STANDINGS, RAMPS, NOTICES)  # since schema 1


def prepare(engine: sa.Engine) -> None:
    """Raises UnusableStore."""
    with engine.connect() as connection:
        begin_reading(connection)
        known = _schema(connection)
        connection.rollback()
    if known is None or known < SCHEMA:
        with engine.connect() as connection:
            begin_writing(connection)
            take_turn(connection, Turn.SCHEMA)
            known = _schema(connection)  # another process may have been faster
            if known is None:
                known = _create(connection)
            elif known < SCHEMA:
                known = _upgrade(connection)
            connection.commit()
    if known > SCHEMA:
        raise UnusableStore(
            f"the store has schema {known}, this version of banyan knows {SCHEMA}: install the newer one"
        )


def _schema(connection: sa.Connection) -> int | None:
    if not sa.inspect(connection).has_table(META.name):
        return None
    value = connection.execute(sa.select(META.c.value).where(META.c.name == "schema")).scalar()
    return None if value is None else int(value)


def _create(connection: sa.Connection) -> int:
    _check_foreign(connection, metadata.tables.keys())
    metadata.create_all(connection)
    for statement in triggers(connection.dialect.name):
        connection.execute(sa.text(statement))
    rows = [{"name": "schema", "value": str(SCHEMA)}, {"name": "id", "value": uuid4().hex}]
    connection.execute(sa.insert(META), rows)
    return SCHEMA


def _upgrade(connection: sa.Connection) -> int:
    """From schema 1, which had no evidence. Code that knows schema 1 only runs on with its last good plan."""
    _check_foreign(connection, {table.name for table in _NEW})
    metadata.create_all(connection)
    connection.execute(
        sa.text("ALTER TABLE workers ADD COLUMN breakers TEXT NOT NULL DEFAULT '{}'")
    )
    connection.execute(sa.update(META).where(META.c.name == "schema").values(value=str(SCHEMA)))
    return SCHEMA


def _check_foreign(connection: sa.Connection, names: AbstractSet[str]) -> None:
    """Raises UnusableStore for a table that is not ours and has a name of ours."""
    foreign = sorted(names & set(sa.inspect(connection).get_table_names()))
    if foreign:
        raise UnusableStore(
            f"the database has a table `{foreign[0]}` of somebody else: give banyan a database of its own"
        )
