"""The ledger: what the exchange reports, set against what was booked."""

from decimal import Decimal

from shared_services.clock import Clock
from shared_services.exchange.model import Balance
from shared_services.exchange.port import ExchangePort
from shared_services.exchange.service import ExchangeAsync
from shared_services.ledger import booking
from shared_services.ledger.booking import News, Sighting
from shared_services.ledger.model import Account, Holding
from shared_services.storage import Reader, Store
from shared_services.symbols import CASH, usd_symbol


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
        balances = await port.balances()
        sightings = await _sightings(port, balances)
        margin = await port.margin_positions()
        now = self._clock.now_ms()
        # Asked after the balances: a fill in between is booked early, never missed.
        fills = await port.fills_since(await self._store.read(booking.since))
        news = News(fills, sightings, now)
        if not await self._store.read(booking.is_booked, news):
            await self._store.transaction(booking.book, news)
        cash = sum((one.total for one in balances if one.currency in CASH), Decimal(0))
        holdings, result = await self._store.read(_valued, sightings, now)
        return Account(cash, holdings, tuple(margin), result, now)


async def _sightings(port: ExchangePort, balances: list[Balance]) -> list[Sighting]:
    traded = await port.instruments()
    return [
        Sighting(one.currency, one.total, (await port.ticker(usd_symbol(one.currency))).last)
        for one in balances
        if one.total and one.currency not in CASH and usd_symbol(one.currency) in traded
    ]


def _valued(
    reader: Reader, sightings: list[Sighting], now: int
) -> tuple[tuple[Holding, ...], Decimal]:
    holdings = tuple(
        Holding(one.currency, one.amount, booking.basis_of(reader, one.currency).average, one.price)
        for one in sightings
    )
    return holdings, booking.daily_result(reader, now)
