"""The synthetic market: a pure function of (seed, symbol, time)."""

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from shared_services.exchange.model import Candle, Instrument, Level, Side, Ticker, Trade
from shared_services.exchange.paper import volume
from shared_services.exchange.paper.path import HIGHEST, LOWEST, UNIT, PricePath
from shared_services.symbols import TEST_PREFIX, pricing_symbol

TICK: Final = 1000  # ms; between ticks the market stands still
DEPTH: Final = 100  # levels of each side of the book

_DAY: Final = 86_400  # ticks
_MONDAY: Final = 4 * _DAY  # the epoch was a Thursday, and a week begins on a Monday
_KEPT_BARS: Final = 20_000

_SPREAD_PART: Final = 4000  # bid and ask are 1/4000 away from the last price, and so is each level


@dataclass(frozen=True, slots=True)
class _Coin:
    name: str
    base_price: Decimal  # USD
    price_decimals: int
    lot: int  # about as much as one level of the book holds

    @property
    def base_steps(self) -> int:
        """The base price in the smallest steps of a price."""
        return int(self.base_price.scaleb(self.price_decimals))

    def price(self, steps: int) -> Decimal:
        return Decimal(steps).scaleb(-self.price_decimals)

    def amount(self, units: int) -> Decimal:
        """Of volume.UNITs of a lot."""
        return Decimal(units * self.lot) / volume.UNIT

    def instrument(self, prefix: str) -> Instrument:
        base, quote = f"{prefix}{self.name}", f"{prefix}USD"
        return Instrument(
            symbol=f"{base}/{quote}",
            base=base,
            quote=quote,
            price_decimals=self.price_decimals,
            amount_decimals=8,
            minimum_amount=Decimal(self.lot) / 100_000,
            maximum_amount=Decimal(self.lot) * 1_000_000,
            maximum_price=self.base_price * 1_000,
        )


_COINS: Final = (
    _Coin("BTC", Decimal(40_000), price_decimals=2, lot=1),
    _Coin("ETH", Decimal(2_000), price_decimals=2, lot=20),
    _Coin("LTC", Decimal(80), price_decimals=3, lot=500),
    _Coin("SOL", Decimal(100), price_decimals=3, lot=400),
    _Coin("XRP", Decimal("0.5"), price_decimals=5, lot=80_000),
    _Coin("ADA", Decimal("0.4"), price_decimals=5, lot=100_000),
    _Coin("DOT", Decimal(5), price_decimals=4, lot=8_000),
    _Coin("AVAX", Decimal(20), price_decimals=3, lot=2_000),
)


class SyntheticMarket:
    """Every coin in USD, and as TESTUSD pair at the same prices. Deterministic, no state."""

    def __init__(self, seed: int) -> None:
        coins = {f"{coin.name}/USD": coin for coin in _COINS}
        self._coins = coins
        self._paths = {symbol: PricePath(_key(seed, symbol)) for symbol in coins}
        self._bar = functools.lru_cache(_KEPT_BARS)(self._new_bar)
        self._instruments = {
            instrument.symbol: instrument
            for prefix in ("", TEST_PREFIX)
            for instrument in (coin.instrument(prefix) for coin in _COINS)
        }

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        return self._instruments

    def ticker(self, symbol: str, at: int) -> Ticker:
        coin, last = self._last(symbol, at)
        path, tick = self._paths[pricing_symbol(symbol)], at // TICK
        half = last // _SPREAD_PART
        before = _steps(coin, path.value(tick - _DAY))
        return Ticker(
            symbol,
            bid=coin.price(last - half),
            ask=coin.price(last + half),
            last=coin.price(last),
            timestamp=at,
            volume=coin.amount(volume.volume(path, tick - _DAY + 1, tick + 1)),
            change=coin.price(last - before),
            change_percent=Decimal(last - before) / before * 100,
        )

    def levels(self, symbol: str, side: Side, at: int) -> Iterator[Level]:
        coin, last = self._last(symbol, at)
        path = self._paths[pricing_symbol(symbol)]
        step = last // _SPREAD_PART
        direction = 1 if side is Side.BUY else -1
        for number in range(1, DEPTH + 1):
            draw = path.draw(f"{side} {number} {at // TICK}", 500)  # thousandths of a lot
            amount = Decimal(coin.lot * (1_000 + draw)).scaleb(-3)
            yield Level(coin.price(last + direction * number * step), amount)

    def candles(self, symbol: str, length: int, count: int, at: int) -> list[Candle]:
        """The bars are exact: no ticker and no trade is ever outside of them."""
        name, ticks, end = pricing_symbol(symbol), length // TICK, at // TICK + 1
        offset = _MONDAY % ticks
        newest = (at // TICK - offset) // ticks * ticks + offset
        starts = [newest - number * ticks for number in reversed(range(count))]
        complete = [self._bar(name, start, start + ticks) for start in starts[:-1]]
        return [*complete, _bar(self._coins[name], self._paths[name], newest, end)]

    def trades(self, symbol: str, count: int, at: int) -> list[Trade]:
        """One at each tick; its id is the tick."""
        coin, path = self._coins[pricing_symbol(symbol)], self._paths[pricing_symbol(symbol)]
        newest = at // TICK
        return [_trade(coin, path, tick) for tick in range(newest - count + 1, newest + 1)]

    def first_touch(
        self, symbol: str, side: Side, limit: Decimal, span: tuple[int, int]
    ) -> int | None:
        name = pricing_symbol(symbol)
        coin, path = self._coins[name], self._paths[name]
        after, until = span[0] // TICK, span[1] // TICK
        steps = int(limit.scaleb(coin.price_decimals))
        if side is Side.BUY:
            tick = path.first_within(_highest_for_buyer(coin, steps), after, until)
        else:
            tick = path.first_within(-_lowest_for_seller(coin, steps), after, until, sign=-1)
        return None if tick is None else tick * TICK

    def _new_bar(self, name: str, start: int, end: int) -> Candle:
        return _bar(self._coins[name], self._paths[name], start, end)

    def _last(self, symbol: str, at: int) -> tuple[_Coin, int]:
        """The coin and its last price in steps."""
        name = pricing_symbol(symbol)
        return self._coins[name], _steps(self._coins[name], self._paths[name].value(at // TICK))


def _key(seed: int, symbol: str) -> bytes:
    return blake2b(f"{seed} {symbol}".encode(), digest_size=32).digest()


def _bar(coin: _Coin, path: PricePath, start: int, end: int) -> Candle:
    """Of the ticks from `start` up to `end`."""
    ends = path.value(start), path.value(end - 1)
    lowest, highest = path.extremes(start, end)
    first, low, high, last = (
        coin.price(_steps(coin, value)) for value in (ends[0], lowest, highest, ends[1])
    )
    traded = coin.amount(volume.volume(path, start, end))
    return Candle(start * TICK, open=first, high=high, low=low, close=last, volume=traded)


def _trade(coin: _Coin, path: PricePath, tick: int) -> Trade:
    """Sold where the price falls."""
    before, value = path.value(tick - 1), path.value(tick)
    amount = coin.amount(volume.volume(path, tick, tick + 1))
    signed = -amount if value < before else amount
    return Trade(str(tick), coin.price(_steps(coin, value)), signed, tick * TICK)


def _steps(coin: _Coin, value: int) -> int:
    return coin.base_steps * (UNIT + value) // UNIT


def _highest_for_buyer(coin: _Coin, limit: int) -> int:
    """The highest value of the path at which the ask is at most `limit` steps."""

    def ask(value: int) -> int:
        last = _steps(coin, value)
        return last + last // _SPREAD_PART

    return LOWEST - 1 + bisect_right(range(LOWEST, HIGHEST + 1), limit, key=ask)


def _lowest_for_seller(coin: _Coin, limit: int) -> int:
    """The lowest value of the path at which the bid is at least `limit` steps."""

    def bid(value: int) -> int:
        last = _steps(coin, value)
        return last - last // _SPREAD_PART

    return LOWEST + bisect_left(range(LOWEST, HIGHEST + 1), limit, key=bid)
