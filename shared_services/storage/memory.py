"""The store of one process: dicts on the event loop, gone when it ends."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Concatenate, TypeAlias, cast

from shared_services.storage.port import Key, P, R, Reader, T, Table, Transaction
from shared_services.storage.rows import storable_key, storable_query, storable_row

_Rows: TypeAlias = dict[tuple[Key, ...], Any]
_Tables: TypeAlias = defaultdict[str, _Rows]


class MemoryStore:
    """Runs each transaction function to its end on the loop: nothing can come in between."""

    def __init__(self) -> None:
        self._tables: _Tables = defaultdict(dict)

    async def transaction(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        tx = _MemoryTransaction(self._tables)
        try:
            return function(tx, *args, **kwargs)
        except BaseException:
            tx.roll_back()
            raise

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return function(_MemoryReader(self._tables), *args, **kwargs)


class _MemoryReader:
    """Hands out the stored rows themselves: they are frozen."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    def get(self, table: Table[R], *key: Key) -> R | None:
        stored = storable_key(table, key)
        return None if stored is None else self._tables[table.name].get(stored)

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
        rows = cast("list[R]", list(self._tables[table.name].values()))
        found = [r for r in rows if all(getattr(r, name) == wanted[name] for name in wanted)]
        found.sort(key=table.key_of)
        if order_by is not None:
            found.sort(key=lambda row: _missing_first(getattr(row, order_by)), reverse=descending)
        return found[:limit]


class _MemoryTransaction(_MemoryReader):
    """Writes at once, and remembers what was there before."""

    def __init__(self, tables: _Tables) -> None:
        super().__init__(tables)
        self._before: list[tuple[_Rows, tuple[Key, ...], object | None]] = []

    def add(self, table: Table[R], row: R) -> bool:
        stored = storable_row(table, row)
        if table.key_of(stored) in self._tables[table.name]:
            return False
        self._set(table, table.key_of(stored), stored)
        return True

    def put(self, table: Table[R], row: R) -> None:
        stored = storable_row(table, row)
        self._set(table, table.key_of(stored), stored)

    def delete(self, table: Table[R], *key: Key) -> bool:
        existed = self.get(table, *key) is not None
        if existed:
            self._set(table, key, None)
        return existed

    def roll_back(self) -> None:
        """Put back what was there before, the last change first."""
        for rows, key, row in reversed(self._before):
            _replace(rows, key, row)

    def _set(self, table: Table[R], key: tuple[Key, ...], row: R | None) -> None:
        rows = self._tables[table.name]
        self._before.append((rows, key, rows.get(key)))
        _replace(rows, key, row)


def _replace(rows: _Rows, key: tuple[Key, ...], row: object | None) -> None:
    if row is None:
        rows.pop(key, None)
    else:
        rows[key] = row


def _missing_first(value: Key | None) -> tuple[bool, Key | None]:
    return value is not None, value
