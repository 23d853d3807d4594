"""The synthetic market: a pure function of (seed, symbol, time)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from shared_services.exchange.model import Instrument, Level, Side, Ticker
from shared_services.exchange.paper.path import HIGHEST, LOWEST, UNIT, PricePath
from shared_services.symbols import TEST_PREFIX, pricing_symbol

TICK: Final = 1000  # ms; between ticks the market stands still
DEPTH: Final = 100  # levels of each side of the book

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
)


class SyntheticMarket:
    """Every coin in USD, and as TESTUSD pair at the same prices. Deterministic, no state."""

    def __init__(self, seed: int) -> None:
        coins = {f"{coin.name}/USD": coin for coin in _COINS}
        self._coins = coins
        self._paths = {symbol: PricePath(_key(seed, symbol)) for symbol in coins}
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
        half = last // _SPREAD_PART
        bid, ask = coin.price(last - half), coin.price(last + half)
        return Ticker(symbol, bid, ask, coin.price(last), at, volume=Decimal(0))

    def levels(self, symbol: str, side: Side, at: int) -> Iterator[Level]:
        coin, last = self._last(symbol, at)
        path = self._paths[pricing_symbol(symbol)]
        step = last // _SPREAD_PART
        direction = 1 if side is Side.BUY else -1
        for number in range(1, DEPTH + 1):
            draw = path.draw(f"{side} {number} {at // TICK}", 500)  # thousandths of a lot
            amount = Decimal(coin.lot * (1_000 + draw)).scaleb(-3)
            yield Level(coin.price(last + direction * number * step), amount)

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

    def _last(self, symbol: str, at: int) -> tuple[_Coin, int]:
        """The coin and its last price in steps."""
        name = pricing_symbol(symbol)
        return self._coins[name], _steps(self._coins[name], self._paths[name].value(at // TICK))


def _key(seed: int, symbol: str) -> bytes:
    return blake2b(f"{seed} {symbol}".encode(), digest_size=32).digest()


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
