"""Transaction functions of the ledger: each fill is booked once, each holding priced once."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared_services.exchange.model import Fill, FillReport
from shared_services.ledger.model import Basis
from shared_services.ledger.tables import (
    BOOKED_FILLS,
    COST_BASES,
    CURSORS,
    DAILY_RESULTS,
    BasisRow,
    BookedFillRow,
    CursorRow,
    DailyResultRow,
)
from shared_services.storage import Reader, Transaction
from shared_services.wire import utc_day

_FILLS: Final = "fills"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A holding and its last price, as just read."""

    currency: str
    amount: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class News:
    """What the exchange told us at `asked_at` (ms), before it is in the books.

    The fills are all those after a cursor that was read before the sightings.
    """

    report: FillReport
    sightings: Sequence[Sighting]
    asked_at: int

    def unseen(self, reader: Reader) -> list[Sighting]:
        """Holdings without a cost basis; one that was just traded has it from its fills."""
        traded = {_base(fill) for fill in self.report.fills}
        return [
            sighting
            for sighting in self.sightings
            if sighting.currency not in traded and not basis_of(reader, sighting.currency).amount
        ]


def cursor(reader: Reader) -> str | None:
    """Up to where the fills are booked, for the exchange to go on from."""
    row = reader.get(CURSORS, _FILLS)
    return None if row is None else row.position


def is_booked(reader: Reader, news: News) -> bool:
    """Whether `book` would write nothing."""
    known = all(reader.get(BOOKED_FILLS, fill.id) is not None for fill in news.report.fills)
    return known and not news.unseen(reader)


def book(tx: Transaction, news: News) -> None:
    for fill in news.report.fills:
        if tx.get(BOOKED_FILLS, fill.id) is None:
            _book_fill(tx, fill)
    for sighting in news.unseen(tx):
        tx.put(COST_BASES, BasisRow(sighting.currency, sighting.amount, sighting.price))
    tx.put(CURSORS, CursorRow(_FILLS, news.report.cursor))


def basis_of(reader: Reader, currency: str) -> Basis:
    row = reader.get(COST_BASES, currency)
    return Basis(Decimal(0), Decimal(0)) if row is None else Basis(row.amount, row.average)


def daily_result(reader: Reader, at: int) -> Decimal:
    """The result of the UTC day that `at` (ms) belongs to."""
    row = reader.get(DAILY_RESULTS, utc_day(at))
    return Decimal(0) if row is None else row.result


def _book_fill(tx: Transaction, fill: Fill) -> None:
    currency = _base(fill)
    basis, realised = basis_of(tx, currency).after(fill.side, fill.amount, fill.price)
    tx.put(COST_BASES, BasisRow(currency, basis.amount, basis.average))
    result = daily_result(tx, fill.timestamp) + realised - fill.fee
    tx.put(DAILY_RESULTS, DailyResultRow(utc_day(fill.timestamp), result))
    tx.put(
        BOOKED_FILLS,
        BookedFillRow(
            id=fill.id,
            order_id=fill.order_id,
            symbol=fill.symbol,
            side=fill.side,
            amount=fill.amount,
            price=fill.price,
            fee=fill.fee,
            realised=realised,
            at_ms=fill.timestamp,
        ),
    )


def _base(fill: Fill) -> str:
    return fill.symbol.split("/")[0]
