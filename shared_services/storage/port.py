"""The storage port: what a service may ask of a store, whatever keeps the rows.

A *transaction function* is synchronous, touches only its `tx` and its arguments, is run as a whole
and may be run again (PostgreSQL aborts one of two that conflict). An exception in it rolls
everything back and comes out unchanged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar

from shared_services.storage.columns import Column, columns_of

Key: TypeAlias = str | int | bool
"""What rows are found by. Money is not: on SQLite it is text, and equal amounts have many texts."""

R = TypeVar("R")
T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """Rows of one frozen dataclass, keyed by the fields in `key`.

    Fields are `str`, `int` (64 bits), `bool` or `Decimal` (20 + 18 digits, exact), each also
    `| None`. `indexes` names groups of fields that `find` looks up often: a matter of speed only.
    """

    name: str
    row: type[R]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    columns: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = columns_of(self.row)
        object.__setattr__(self, "columns", known)
        for name in (*self.key, *(name for index in self.indexes for name in index)):
            if name not in known:
                raise TypeError(f"{self.name}: no field {name!r}, one of {', '.join(known)}")
        for name in self.key:
            if known[name].nullable or known[name].is_money:
                raise TypeError(f"{self.name}.{name}: a key is str, int or bool and never None")

    def key_of(self, row: R) -> tuple[Key, ...]:
        """The key of `row`, in the order of `key`."""
        return tuple(getattr(row, name) for name in self.key)


class Reader(Protocol):
    """What a function that only looks gets."""

    def get(self, table: Table[R], *key: Key) -> R | None:
        """The row with this key, or None."""
        ...

    def find(
        self,
        table: Table[R],
        *,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        **equal: Key | None,
    ) -> list[R]:
        """Every row whose fields equal `equal` (None: is missing), ordered by `order_by`, then key.

        None sorts before every value and text by code point, in every store. A `Decimal` field can
        be neither compared nor ordered by (TypeError): sort the answer in Python.
        """
        ...


class Transaction(Reader, Protocol):
    """What a transaction function gets."""

    def add(self, table: Table[R], row: R) -> bool:
        """Insert `row`; False, and nothing written, if its key exists."""
        ...

    def put(self, table: Table[R], row: R) -> None:
        """Insert `row`, or replace the row with its key."""
        ...

    def delete(self, table: Table[R], *key: Key) -> bool:
        """Delete the row with this key; False if there is none."""
        ...


class Store(Protocol):
    """Rows that outlive a request. A store belongs to the event loop that opened it."""

    async def transaction(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `function(tx, …)` alone, all or nothing, and return what it returns.

        Raises StoreUnavailable if the store cannot be reached or stays too busy. A caller that is
        cancelled does not learn the outcome: everything was written, or nothing.
        """
        ...

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `function(reader, …)` on one consistent snapshot, without waiting for writers."""
        ...
