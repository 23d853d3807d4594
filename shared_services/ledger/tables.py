"""What the ledger keeps in the store. Money in USD, times in ms since 1970 UTC."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class BookedFillRow:
    """A fill that was booked; `realised` is its result without the fee."""

    id: str
    order_id: str
    symbol: str
    side: str
    amount: Decimal
    price: Decimal
    fee: Decimal
    realised: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class BasisRow:
    """Cost basis by currency, from the fills or from the price at which it was first seen."""

    currency: str
    amount: Decimal
    average: Decimal


@dataclass(frozen=True, slots=True)
class DailyResultRow:
    """`day` as 2023-11-14, UTC."""

    day: str
    result: Decimal


@dataclass(frozen=True, slots=True)
class CursorRow:
    """Up to `position`, as the exchange gave it, the fills are booked."""

    name: str
    position: str


BOOKED_FILLS: Final = Table("booked_fills", BookedFillRow, key=("id",))
COST_BASES: Final = Table("cost_bases", BasisRow, key=("currency",))
DAILY_RESULTS: Final = Table("daily_results", DailyResultRow, key=("day",))
CURSORS: Final = Table("ledger_cursors", CursorRow, key=("name",))
