"""Transaction functions of the ledger: each fill is booked once, each holding priced once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from shared_services.caching import entries
from shared_services.exchange.model import Fill, FillReport, Side
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
from shared_services.monitoring.performance import book_trade, has_traded
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
class Start:
    """From where to go on: the cursor of the fills, and whether a trade was ever booked."""

    cursor: str | None
    has_traded: bool


@dataclass(frozen=True, slots=True)
class News:
    """What the exchange told us at `asked_at` (ms), before it is in the books.

    The fills are all those after a cursor that was read before the sightings. `gone` are prices of
    what was traded and is no longer held; they matter until the first trade is booked.
    """

    report: FillReport
    sightings: Sequence[Sighting]
    asked_at: int
    cash: Decimal = Decimal(0)
    gone: Mapping[str, Decimal] = field(default_factory=dict)

    def unseen(self, reader: Reader) -> list[Sighting]:
        """Holdings without a cost basis; one that was just traded has it from its fills."""
        traded = {base_of(fill) for fill in self.report.fills}
        return [
            sighting
            for sighting in self.sightings
            if sighting.currency not in traded and not basis_of(reader, sighting.currency).amount
        ]

    def value_before(self, fill: Fill) -> Decimal:
        """The portfolio value without this fill and those after it, at the prices of now."""
        prices = {one.currency: one.price for one in self.sightings} | dict(self.gone)
        value = self.cash + sum((one.amount * one.price for one in self.sightings), Decimal(0))
        for undone in self.report.fills[self.report.fills.index(fill) :]:
            price = prices.get(base_of(undone))
            if price is not None:  # what has no price in USD was never part of the value
                value += undone.fee - _signed(undone) * (price - undone.price)
        return value


def start(reader: Reader) -> Start:
    row = reader.get(CURSORS, _FILLS)
    return Start(None if row is None else row.position, has_traded(reader))


def is_booked(reader: Reader, news: News) -> bool:
    """Whether `book` would write nothing."""
    known = all(reader.get(BOOKED_FILLS, fill.id) is not None for fill in news.report.fills)
    return known and not news.unseen(reader)


def book(tx: Transaction, news: News) -> bool:
    """Whether there were fills to book; then what is cached of the account is dropped."""
    new = [fill for fill in news.report.fills if tx.get(BOOKED_FILLS, fill.id) is None]
    for fill in new:
        _book_fill(tx, fill, news)
    for sighting in news.unseen(tx):
        tx.put(COST_BASES, BasisRow(sighting.currency, sighting.amount, sighting.price))
    tx.put(CURSORS, CursorRow(_FILLS, news.report.cursor))
    if new:
        entries.drop(tx)
    return bool(new)


def basis_of(reader: Reader, currency: str) -> Basis:
    row = reader.get(COST_BASES, currency)
    return Basis(Decimal(0), Decimal(0)) if row is None else Basis(row.amount, row.average)


def daily_result(reader: Reader, at: int) -> Decimal:
    """The result of the UTC day that `at` (ms) belongs to."""
    row = reader.get(DAILY_RESULTS, utc_day(at))
    return Decimal(0) if row is None else row.result


def base_of(fill: Fill) -> str:
    return fill.symbol.split("/", maxsplit=1)[0]


def _book_fill(tx: Transaction, fill: Fill, news: News) -> None:
    currency = base_of(fill)
    before = basis_of(tx, currency)
    basis, realised = before.after(fill.side, fill.amount, fill.price)
    tx.put(COST_BASES, BasisRow(currency, basis.amount, basis.average))
    if before.amount * _signed(fill) < 0:  # closes or reduces a position
        value = Decimal(0) if has_traded(tx) else news.value_before(fill)
        book_trade(tx, realised - fill.fee, value)
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


def _signed(fill: Fill) -> Decimal:
    return fill.amount if fill.side is Side.BUY else -fill.amount
