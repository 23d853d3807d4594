"""The ledger: what the exchange reports, set against what was booked."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from shared_services.clock import Clock
from shared_services.exchange.model import Balance
from shared_services.exchange.port import ExchangePort
from shared_services.exchange.service import ExchangeAsync
from shared_services.ledger import booking
from shared_services.ledger.booking import News, Sighting
from shared_services.ledger.model import Account, Holding
from shared_services.storage import Reader, Store, Transaction
from shared_services.symbols import CASH, usd_symbol
from shared_services.together import together


@dataclass(frozen=True, slots=True)
class Books:
    """What the store knows of the account."""

    holdings: tuple[Holding, ...]
    daily_result: Decimal


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
        cursor = await self._store.read(booking.cursor)
        balances = await port.balances()
        sightings = await _sightings(port, balances)
        margin = await port.margin_positions()
        now = self._clock.now_ms()
        news = News(await port.fills(cursor), sightings, now)
        books = await self._store.read(_books_with, news)
        if books is None:
            books = await self._store.transaction(_book, news)
        cash = sum((one.total for one in balances if one.currency in CASH), Decimal(0))
        return Account(
            cash, books.holdings, tuple(margin), books.daily_result, now, tuple(balances)
        )


async def _sightings(port: ExchangePort, balances: list[Balance]) -> list[Sighting]:
    """Of every holding that has a market in USD, all prices at once."""
    traded = await port.instruments()
    held = [
        one
        for one in balances
        if one.total and one.currency not in CASH and usd_symbol(one.currency) in traded
    ]
    tickers = await together([partial(port.ticker, usd_symbol(one.currency)) for one in held])
    return [
        Sighting(one.currency, one.total, ticker.last)
        for one, ticker in zip(held, tickers, strict=True)
    ]


def _books_with(reader: Reader, news: News) -> Books | None:
    """The books; None if the news must be booked first."""
    return _books(reader, news) if booking.is_booked(reader, news) else None


def _book(tx: Transaction, news: News) -> Books:
    booking.book(tx, news)
    return _books(tx, news)


def _books(reader: Reader, news: News) -> Books:
    holdings = tuple(
        Holding(one.currency, one.amount, booking.basis_of(reader, one.currency).average, one.price)
        for one in news.sightings
    )
    return Books(holdings, booking.daily_result(reader, news.asked_at))
