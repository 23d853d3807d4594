"""SQLAlchemy tables generated from the row classes, for SQLite and PostgreSQL alike."""

import functools
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from shared_services.storage.columns import DECIMALS, WHOLE_DIGITS, Column, money
from shared_services.storage.port import Table


class Money(sa.TypeDecorator[Decimal]):
    """Exact in both: `NUMERIC(38, 18)` on PostgreSQL, text on SQLite, whose NUMERIC is a float."""

    impl = sa.Text().with_variant(sa.Numeric(WHOLE_DIGITS + DECIMALS, DECIMALS), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return format(value, "f")

    def process_result_value(
        self,
        value: Any,
        dialect: sa.Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> Decimal | None:
        # PostgreSQL pads to 18 decimals
        return None if value is None else money(Decimal(value))


# The C collation orders by code point, as SQLite and Python do; a server's default order may not
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_TYPES: dict[type, sa.types.TypeEngine[Any]] = {
    str: TEXT,
    int: sa.BigInteger(),
    bool: sa.Boolean(),
    Decimal: Money(),
}


def metadata(tables: Iterable[Table[Any]]) -> sa.MetaData:
    """Metadata of exactly these tables."""
    collected = sa.MetaData()
    for table in tables:
        _build(table, collected)
    return collected


@functools.cache
def sql_table(table: Table[Any]) -> sa.Table:
    """The SQLAlchemy table to build statements with."""
    return _build(table, sa.MetaData())


def _build(table: Table[Any], collection: sa.MetaData) -> sa.Table:
    columns = [_column(column, is_key=name in table.key) for name, column in table.columns.items()]
    indexes = [sa.Index(f"ix_{table.name}_{'_'.join(names)}", *names) for names in table.indexes]
    return sa.Table(table.name, collection, *columns, *indexes)


def _column(column: Column, *, is_key: bool) -> sa.Column[Any]:
    return sa.Column(
        column.name,
        _TYPES[column.type],
        primary_key=is_key,
        autoincrement=False if is_key and column.type is int else "auto",  # we give the keys
        nullable=column.nullable,
    )
