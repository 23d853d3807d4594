"""How tables are declared, and the one form in which their values are kept."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NewType

import pytest

from shared_services.storage import Store, Table
from tests.storage.tables import ENTRIES, Entry

Name = NewType("Name", str)


@dataclass(frozen=True, slots=True)
class Named:
    name: Name
    nick: Name | None


@dataclass(frozen=True, slots=True)
class Priced:
    price: Decimal
    id: str | None


@dataclass(frozen=True, slots=True)
class Floating:
    id: str
    price: float


@dataclass(frozen=True, slots=True)
class Either:
    id: str | int


class Kind(StrEnum):
    BUY = "buy"


@pytest.mark.parametrize(
    ("row", "key", "reason"),
    [
        (Priced, ("price",), r"t\.price: a key is str, int or bool and never None"),
        (Priced, ("id",), r"t\.id: a key is str, int or bool and never None"),
        (Priced, ("ids",), r"t: no field 'ids', one of price, id"),
        (Floating, ("id",), r"Floating\.price: <class 'float'> is no column type; one of str, int"),
        (Either, ("id",), r"Either\.id: str \| int is no column type"),
        (Kind, ("id",), r"Kind is no dataclass"),
    ],
)
def test_a_table_that_no_store_can_have_is_refused_where_it_is_declared(
    row: type[Any], key: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(TypeError, match=reason):
        Table("t", row, key)


def test_an_index_of_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError, match="t: no field 'size', one of name, nick"):
        Table("t", Named, ("name",), indexes=(("nick", "size"),))


def test_an_id_with_a_name_of_its_own_is_kept_as_what_it_names() -> None:
    columns = Table("t", Named, ("name",)).columns

    assert [(column.type, column.nullable) for column in columns.values()] == [
        *((str, False), (str, True)),
    ]


async def test_a_member_of_an_enum_is_kept_as_its_text(store: Store) -> None:
    await store.transaction(lambda tx: tx.put(ENTRIES, Entry("ann", 1, note=Kind.BUY)))

    (entry,) = await store.read(lambda reader: reader.find(ENTRIES, note=Kind.BUY))
    assert type(entry.note) is str
    assert entry.note == "buy"
