"""The ledger: what the exchange reports, set against what was booked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from shared_services.clock import Clock
from shared_services.exchange.model import Balance, FillReport, Instrument
from shared_services.exchange.port import ExchangePort
from shared_services.exchange.service import ExchangeAsync
from shared_services.ledger import booking
from shared_services.ledger.booking import News, Sighting, base_of
from shared_services.ledger.model import Account, Holding
from shared_services.storage import Reader, Store, Transaction
from shared_services.symbols import CASH, usd_symbol
from shared_services.together import three_together, together, two_together

Markets: TypeAlias = Mapping[str, Instrument]


@dataclass(frozen=True, slots=True)
class Books:
    """What the store knows of the account."""

    holdings: tuple[Holding, ...]
    daily_result: Decimal
    booked: bool = False


class LedgerAsync:
    def __init__(self, store: Store, exchange: ExchangeAsync, clock: Clock) -> None:
        self._store = store
        self._exchange = exchange
        self._clock = clock

    async def account(self) -> Account:
        """The account now, with every fill booked that its balances contain.

        Raises ExchangeError: the caller knows the consequence. A price that cannot be read fails
        the whole; a currency without a market in USD is left out.
        """
        port = self._exchange.port
        # Read before the balances: whatever they contain and was not booked by then is reported.
        start = await self._store.read(booking.start)
        balances, margin, markets = await three_together(
            port.balances, port.margin_positions, port.instruments
        )
        now = self._clock.now_ms()
        sightings, report = await two_together(
            partial(_sightings, port, markets, balances), partial(port.fills, start.cursor)
        )
        cash = sum((one.total for one in balances if one.currency in CASH), Decimal(0))
        lost = [] if start.has_traded else _gone(report, sightings)
        gone = await _prices(port, markets, lost)
        news = News(report, sightings, now, cash, gone)
        books = await self._store.read(_books_with, news)
        if books is None:
            books = await self._store.transaction(_book, news)
        return Account(
            cash=cash,
            holdings=books.holdings,
            margin_positions=tuple(margin),
            daily_result=books.daily_result,
            timestamp=now,
            balances=tuple(balances),
            booked=books.booked,
        )

    async def today(self) -> tuple[Decimal, int]:
        """What is booked of this UTC day, and when that is (ms); asks nobody."""
        now = self._clock.now_ms()
        return await self._store.read(booking.daily_result, now), now


async def _sightings(
    port: ExchangePort, markets: Markets, balances: list[Balance]
) -> list[Sighting]:
    """Of every holding that has a market in USD."""
    held = {one.currency: one.total for one in balances if one.total and one.currency not in CASH}
    prices = await _prices(port, markets, held)
    return [Sighting(name, held[name], price) for name, price in prices.items()]


def _gone(report: FillReport, sightings: list[Sighting]) -> list[str]:
    """What was traded and is no longer held."""
    held = CASH | {one.currency for one in sightings}
    traded = dict.fromkeys(base_of(fill) for fill in report.fills)
    return [name for name in traded if name not in held]


async def _prices(
    port: ExchangePort, markets: Markets, currencies: Iterable[str]
) -> dict[str, Decimal]:
    """In USD, all at once; what has no market there is left out."""
    traded = [name for name in currencies if usd_symbol(name) in markets]
    tickers = await together([partial(port.ticker, usd_symbol(name)) for name in traded])
    return {name: one.last for name, one in zip(traded, tickers, strict=True)}


def _books_with(reader: Reader, news: News) -> Books | None:
    """The books; None if the news must be booked first."""
    return _books(reader, news) if booking.is_booked(reader, news) else None


def _book(tx: Transaction, news: News) -> Books:
    booked = booking.book(tx, news)
    return replace(_books(tx, news), booked=booked)


def _books(reader: Reader, news: News) -> Books:
    holdings = tuple(
        Holding(one.currency, one.amount, booking.basis_of(reader, one.currency).average, one.price)
        for one in news.sightings
    )
    return Books(holdings, booking.daily_result(reader, news.asked_at))
