"""The services that are asked, written the classic way: one call after the other, in a thread.

The same work as the asynchronous ones: the same calls to the exchange, the same transactions in the
same kind of store, the same pure functions. Left out is what happens in an outage, deadlines too.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from benchmarks.slow_exchange import SlowInThread, finished
from shared_services.backtest.reading import read_zones
from shared_services.caching import entries
from shared_services.caching.model import BALANCES
from shared_services.caching.tables import CacheRow
from shared_services.caching.values import dumps, loads
from shared_services.clock import Clock
from shared_services.exchange.model import Balance, Ticker
from shared_services.jsonbody import JsonObject
from shared_services.ledger import booking
from shared_services.ledger.booking import News, Sighting
from shared_services.ledger.model import Account, Holding
from shared_services.live import portfolio
from shared_services.live.model import Snapshot
from shared_services.orderbook.merging import merged
from shared_services.orderbook.model import MergedBook, VenueBook
from shared_services.storage import Reader, Store, Transaction
from shared_services.strategies.zones import Zone
from shared_services.symbols import CASH, from_compact, pricing_symbol, usd_symbol

Books = tuple[tuple[Holding, ...], Decimal]
"""What is held, and the result of the day."""


class ClassicServices:
    """All families in one, each under its name: what asks writes `services.<family>.<method>(…)`.

    `store` is one whose transactions wait for nothing; the first of `venues` is traded on.
    """

    def __init__(self, store: Store, clock: Clock, venues: Mapping[str, SlowInThread]) -> None:
        self._store = store
        self._clock = clock
        self._venues = venues
        self._port = next(iter(venues.values()))
        self.orderbook = self.market = self.live = self.balances = self.backtest = self

    def aggregate(self, symbol: str, limit: int) -> MergedBook:
        unified = from_compact(symbol)
        books = [
            VenueBook(name, port.order_book(unified, limit)) for name, port in self._venues.items()
        ]
        return merged(unified, books, {}, limit)

    def ticker(self, symbol: str) -> Ticker:
        found: Ticker = self._port.ticker(from_compact(symbol))
        return found

    def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        account = self._account()
        quality = {symbol: self._quality(symbol, account) for symbol in symbols}
        return portfolio.snapshot(account, quality)

    def totals(self) -> dict[str, Decimal]:
        return {one.currency: one.total for one in self._balances() if one.total}

    def zones(self, body: JsonObject) -> list[Zone[Decimal]]:
        return read_zones(body)

    def _account(self) -> Account:
        start = finished(self._store.read(booking.start))
        balances, margin = self._port.balances(), self._port.margin_positions()
        markets, now = self._port.instruments(), self._clock.now_ms()
        held = [one for one in balances if one.total and one.currency not in CASH]
        sightings = [
            Sighting(one.currency, one.total, self._price(usd_symbol(one.currency)))
            for one in held
            if usd_symbol(one.currency) in markets
        ]
        cash = sum((one.total for one in balances if one.currency in CASH), Decimal(0))
        news = News(self._port.fills(start.cursor), sightings, now, cash)
        known = finished(self._store.read(_known, news))
        holdings, result = known or finished(self._store.transaction(_booked, news))
        return Account(cash, holdings, tuple(margin), result, now, tuple(balances))

    def _price(self, symbol: str) -> Decimal:
        found: Ticker = self._port.ticker(symbol)
        return found.last

    def _quality(self, symbol: str, account: Account) -> bool:
        """Whether its price can be read; the account was valued at those of what is held."""
        held = pricing_symbol(symbol) in {usd_symbol(one.currency) for one in account.holdings}
        return held or self._price(pricing_symbol(symbol)) > 0

    def _balances(self) -> list[Balance]:
        """Those in the cache, if they are fresh."""
        row, now = finished(self._store.read(entries.entry, BALANCES.key)), self._clock.now_ms()
        if row.value is not None and BALANCES.is_fresh(row.stored_ms, now):
            return loads(BALANCES.row, row.value)
        balances: list[Balance] = self._port.balances()
        kept = CacheRow(BALANCES.key, dumps(balances), now, row.generation)
        finished(self._store.transaction(entries.keep, kept))
        return balances


def _known(reader: Reader, news: News) -> Books | None:
    """None: the news must be booked first."""
    return _books(reader, news) if booking.is_booked(reader, news) else None


def _booked(tx: Transaction, news: News) -> Books:
    booking.book(tx, news)
    return _books(tx, news)


def _books(reader: Reader, news: News) -> Books:
    holdings = tuple(
        Holding(one.currency, one.amount, booking.basis_of(reader, one.currency).average, one.price)
        for one in news.sightings
    )
    return holdings, booking.daily_result(reader, news.asked_at)
