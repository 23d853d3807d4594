"""Rows and keys on their way into a store: checked, and in the form it will give back."""

from collections.abc import Mapping
from typing import Any

from shared_services.storage.columns import Unstorable
from shared_services.storage.port import Key, R, Table


def storable_row(table: Table[R], row: R) -> R:
    """`row` as every store gives it back; TypeError or Unstorable names the table and field."""
    try:
        values = {
            name: column.storable(getattr(row, name)) for name, column in table.columns.items()
        }
    except (TypeError, Unstorable) as refusal:
        raise type(refusal)(f"{table.name}.{refusal}") from None
    return table.row(**values)


def storable_key(table: Table[Any], key: tuple[Key, ...]) -> tuple[Key, ...] | None:
    """`key` in stored form; None if it holds what no store holds, so that no row can have it."""
    if len(key) != len(table.key):
        raise TypeError(f"{table.name}: key is ({', '.join(table.key)}), not {key!r}")
    values = storable_query(table, dict(zip(table.key, key, strict=True)), None, None)
    return None if values is None else tuple(values.values())


def storable_query(
    table: Table[Any], equal: Mapping[str, Key | None], order_by: str | None, limit: int | None
) -> dict[str, Any] | None:
    """The values to compare with, by field; None if no row can hold them."""
    if limit is not None and limit < 0:
        raise ValueError(f"{table.name}: limit is 0 or more, not {limit}")
    for name in (*equal, *([order_by] if order_by is not None else [])):
        _require_comparable(table, name)
    try:
        return {
            name: None if value is None else table.columns[name].storable(value)
            for name, value in equal.items()
        }
    except Unstorable:
        return None
    except TypeError as refusal:
        raise TypeError(f"{table.name}.{refusal}") from None


def _require_comparable(table: Table[Any], name: str) -> None:
    known = table.columns
    if name not in known:
        raise TypeError(f"{table.name}: no field {name!r}, one of {', '.join(known)}")
    if known[name].is_money:
        raise TypeError(
            f"{table.name}.{name}: money is neither compared nor ordered in a store, "
            "which may keep it as text: do it in Python"
        )
