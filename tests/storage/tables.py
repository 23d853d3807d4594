"""Tables of every column type, for the tests of the stores alone."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared_services.storage import Table


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    cash: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    account: str
    number: int
    note: str | None = None
    size: int | None = None
    amount: Decimal | None = None
    booked: bool | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    owner: str
    name: str


ACCOUNTS = Table("accounts", Account, key=("id",))
ENTRIES = Table("entries", Entry, key=("account", "number"), indexes=(("account", "size"),))
MARKS = Table("marks", Mark, key=("owner", "name"))
TABLES: tuple[Table[Any], ...] = (ACCOUNTS, ENTRIES, MARKS)
