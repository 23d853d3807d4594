"""The transaction port over one SQLAlchemy connection, for both SQL stores."""

import functools
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from shared_services.storage.metadata import sql_table
from shared_services.storage.port import Key, R, Table
from shared_services.storage.rows import storable_key, storable_query, storable_row


class SqlReader:
    """Reads inside the transaction that `connection` has begun."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, table: Table[R], *key: Key) -> R | None:
        stored = storable_key(table, key)
        if stored is None:
            return None
        found = self._connection.execute(_select_one(table), _key_parameters(table, stored))
        row = found.one_or_none()
        return None if row is None else _row(table, row)

    def find(
        self,
        table: Table[R],
        *,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        **equal: Key | None,
    ) -> list[R]:
        wanted = storable_query(table, equal, order_by, limit)
        if wanted is None:
            return []
        columns = sql_table(table).c
        query = sa.select(*columns).where(*(columns[name] == wanted[name] for name in wanted))
        if order_by is not None:
            column = columns[order_by]
            query = query.order_by(
                column.desc().nulls_last() if descending else column.asc().nulls_first()
            )
        query = query.order_by(*(columns[name] for name in table.key)).limit(limit)
        return [_row(table, row) for row in self._connection.execute(query)]


class SqlTransaction(SqlReader):
    """Reads and writes inside the transaction that `connection` has begun."""

    def add(self, table: Table[R], row: R) -> bool:
        statement = _insert(self._connection.dialect.name, table)
        return self._write(statement, _parameters(table, storable_row(table, row)))

    def put(self, table: Table[R], row: R) -> None:
        statement = _upsert(self._connection.dialect.name, table)
        self._write(statement, _parameters(table, storable_row(table, row)))

    def delete(self, table: Table[R], *key: Key) -> bool:
        stored = storable_key(table, key)
        return stored is not None and self._write(_delete(table), _key_parameters(table, stored))

    def _write(self, statement: sa.Executable, parameters: dict[str, Any]) -> bool:
        """Whether a row was written."""
        result = cast("sa.CursorResult[Any]", self._connection.execute(statement, parameters))
        return result.rowcount > 0


def _row(table: Table[R], row: sa.Row[Any]) -> R:
    return table.row(**dict(zip(table.columns, row, strict=True)))


def _parameters(table: Table[R], row: R) -> dict[str, Any]:
    return {name: getattr(row, name) for name in table.columns}


def _key_parameters(table: Table[Any], key: tuple[Key, ...]) -> dict[str, Any]:
    return {f"key_{name}": value for name, value in zip(table.key, key, strict=True)}


def _has_key(table: Table[Any]) -> sa.ColumnElement[bool]:
    columns = sql_table(table).c
    return sa.and_(*(columns[name] == sa.bindparam(f"key_{name}") for name in table.key))


@functools.cache
def _select_one(table: Table[Any]) -> sa.Select[Any]:
    return sa.select(*sql_table(table).c).where(_has_key(table))


@functools.cache
def _delete(table: Table[Any]) -> sa.Delete:
    return sa.delete(sql_table(table)).where(_has_key(table))


@functools.cache
def _insert(dialect: str, table: Table[Any]) -> sa.Executable:
    insert = _new(dialect, table).on_conflict_do_nothing(index_elements=table.key)
    return insert.execution_options(preserve_rowcount=True)  # else it is closed with the cursor


@functools.cache
def _upsert(dialect: str, table: Table[Any]) -> sa.Executable:
    insert = _new(dialect, table)
    rest = {name: insert.excluded[name] for name in table.columns if name not in table.key}
    if not rest:
        return _insert(dialect, table)
    return insert.on_conflict_do_update(index_elements=table.key, set_=rest)


def _new(dialect: str, table: Table[Any]) -> sqlite.Insert | postgresql.Insert:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(sql_table(table)).values({name: sa.bindparam(name) for name in table.columns})
