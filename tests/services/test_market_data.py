"""Many questions to exchanges at once; one that is slow or dead degrades only its own part."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import anyio
import pytest

from shared_services.errors import ExchangeFailed
from shared_services.exchange.model import Candle, Level, OrderBook, Ticker
from shared_services.exchange.port import ExchangeFailedError, ExchangePort
from shared_services.exchange.service import ExchangeAsync
from shared_services.market.model import Look, Unseen
from shared_services.market.service import MarketDataServiceAsync
from shared_services.orderbook.service import OrderbookServiceAsync

SYMBOLS = [f"C{number}/USD" for number in range(8)]


@dataclass
class Crowd:
    """Lets nobody through before `expected` are there: one after the other, they wait for ever."""

    expected: int
    here: int = 0
    opened: anyio.Event = field(default_factory=anyio.Event)

    async def enter(self) -> None:
        self.here += 1
        if self.here == self.expected:
            self.opened.set()
        await self.opened.wait()


@dataclass
class Wire:
    """An exchange of which each call passes `gate`; dead for the symbols in `dead`."""

    gate: Crowd
    dead: Callable[[str], bool] = lambda symbol: False
    silent: Callable[[str], bool] = lambda symbol: False
    price: Decimal = Decimal(100)

    async def _pass(self, symbol: str) -> None:
        await self.gate.enter()
        if self.silent(symbol):
            await anyio.sleep_forever()
        if self.dead(symbol):
            raise ExchangeFailedError("no route")

    async def ticker(self, symbol: str) -> Ticker:
        await self._pass(symbol)
        return Ticker(symbol, self.price, self.price, self.price, 0, volume=Decimal(1))

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        await self._pass(symbol)
        return [Candle(0, *(5 * [self.price]))]

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        await self._pass(symbol)
        level = (Level(self.price, Decimal(1)),)
        return OrderBook(symbol, level, level, 0)


def venues(gate: Crowd, **kinds: Any) -> dict[str, ExchangePort | None]:
    """Eight exchanges that meet at one gate."""
    ports = {f"venue{number}": Wire(gate) for number in range(8)} | kinds
    return cast("dict[str, ExchangePort | None]", ports)


def market(wire: Wire, patience: float = 10) -> MarketDataServiceAsync:
    return MarketDataServiceAsync(ExchangeAsync(cast("ExchangePort", wire)), patience=patience)


async def test_eight_order_books_are_under_way_at_the_same_time() -> None:
    with anyio.fail_after(5):
        book = await OrderbookServiceAsync(venues(Crowd(8))).aggregate("BTCUSD", 20)
    assert len(book.exchanges) == 8
    assert book.bids[0].amount == 8


async def test_a_dead_and_a_silent_exchange_are_named_and_the_others_answer() -> None:
    gate = Crowd(8)
    dead, silent = Wire(gate, dead=lambda _: True), Wire(gate, silent=lambda _: True)
    service = OrderbookServiceAsync(venues(gate, venue1=dead, venue6=silent), patience=0.05)
    with anyio.fail_after(5):
        book = await service.aggregate("BTCUSD", 20)
    assert book.errors == {"venue1": "no route", "venue6": "no answer within 0.05 seconds"}
    assert book.exchanges == ("venue0", "venue2", "venue3", "venue4", "venue5", "venue7")
    assert set(book.asks[0].exchanges) == set(book.exchanges)


async def test_one_exchange_that_is_silent_alone_is_a_failure() -> None:
    silent = cast("ExchangePort", Wire(Crowd(1), silent=lambda _: True))
    service = OrderbookServiceAsync({"venue": silent}, patience=0.05)
    with pytest.raises(ExchangeFailed, match=r"no answer within 0\.05 seconds"):
        await service.book("BTCUSD", None, 20)
    with pytest.raises(ExchangeFailed, match=r"no answer within 0\.05 seconds"):
        await service.aggregate("BTCUSD", 20)


async def test_bars_ticker_and_book_of_eight_symbols_are_under_way_at_the_same_time() -> None:
    with anyio.fail_after(5):
        looks = await market(Wire(Crowd(24))).looks(SYMBOLS)
    assert [look.symbol for look in looks] == SYMBOLS
    assert all(isinstance(look, Look) for look in looks)


async def test_a_dead_and_a_silent_market_are_named_and_the_others_are_seen() -> None:
    wire = Wire(Crowd(24), dead=lambda one: one == SYMBOLS[2], silent=lambda one: one == SYMBOLS[5])
    with anyio.fail_after(5):
        looks = await market(wire, patience=0.05).looks(SYMBOLS)
    assert looks[2] == Unseen(SYMBOLS[2], "no route")
    assert looks[5] == Unseen(SYMBOLS[5], "no answer within 0.05 seconds")
    assert sum(isinstance(look, Look) for look in looks) == 6


async def test_prices_are_asked_at_once_and_each_symbol_once() -> None:
    gate = Crowd(8)
    with anyio.fail_after(5):
        prices = await market(Wire(gate)).prices([*SYMBOLS, *SYMBOLS])
    assert list(prices) == SYMBOLS
    assert gate.here == 8


async def test_one_price_that_fails_is_the_failure_of_all_and_ends_the_others() -> None:
    wire = Wire(Crowd(8), dead=lambda one: one == SYMBOLS[3], silent=lambda one: one == SYMBOLS[4])
    with anyio.fail_after(5), pytest.raises(ExchangeFailedError, match="no route"):
        await market(wire).prices(SYMBOLS)


async def test_a_test_symbol_has_the_price_of_the_real_one() -> None:
    wire = Wire(Crowd(1), dead=lambda one: one != "BTC/USD")
    assert await market(wire).prices(["TESTBTC/TESTUSD"]) == {"TESTBTC/TESTUSD": wire.price}
