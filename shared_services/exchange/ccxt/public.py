"""What any exchange tells anybody: its markets and their prices, through ccxt."""

import logging
from collections.abc import Mapping
from typing import Final

import anyio

from shared_services.clock import Clock
from shared_services.exchange.ccxt import translate
from shared_services.exchange.ccxt.client import Client
from shared_services.exchange.ccxt.errors import Door
from shared_services.exchange.model import (
    Candle,
    Instrument,
    Limitations,
    Listing,
    OrderBook,
    Ticker,
    Trade,
)
from shared_services.exchange.port import ExchangeFailedError

MARKETS_MS: Final = 3_600_000  # a list of markets is renewed after so long
MARKETS_AGAIN_MS: Final = 60_000  # and if that fails, tried again after so long

# How many levels may be asked for, and what else to say, where not every number will do
_BOOKS: Final[Mapping[str, tuple[tuple[int, ...], Mapping[str, str]]]] = {
    "bitfinex": ((1, 25, 100, 250), {"precision": "P0"}),  # R0 lists orders, not levels
    "kucoin": ((20, 100), {}),
}

_log = logging.getLogger(__name__)


class PublicMarkets:
    """The half of the port that needs no account. The markets are loaded with the first question."""

    def __init__(self, client: Client, door: Door, clock: Clock) -> None:
        self._client = client
        self._door = door
        self._clock = clock
        self._loading = anyio.Lock()
        self._stale_ms = 0  # when the markets have to be loaded

    async def limitations(self) -> Limitations:
        with self._door.guarded():
            await self._load()
            has_margin = any(market["margin"] for market in self._client.markets.values())
        return Limitations(
            is_paper_trading=False,
            limitations=("The leverage of a margin order is that of the account",),
            margin_trading_available=has_margin,
            supported_order_types=("spot", "margin") if has_margin else ("spot",),
        )

    async def instruments(self) -> Mapping[str, Instrument]:
        with self._door.guarded():
            await self._load()
            return translate.instruments(self._client.markets, self._client.precisionMode)

    async def listings(self) -> list[Listing]:
        with self._door.guarded():
            await self._load()
            return [translate.listing(market) for market in self._client.markets.values()]

    async def ticker(self, symbol: str) -> Ticker:
        with self._door.guarded():
            await self._load(symbol)
            raw = await self._client.fetch_ticker(symbol)
            return translate.ticker(raw, self._clock.now_ms())

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        with self._door.guarded():
            await self._load(symbol)
            raws = await self._client.fetch_ohlcv(symbol, timeframe, None, limit)
            return [translate.candle(raw) for raw in raws][-limit:]

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        sizes, params = _BOOKS.get(self._client.id, ((), {}))
        size = next((size for size in sizes if size >= limit), None)
        with self._door.guarded():
            await self._load(symbol)
            raw = await self._client.fetch_order_book(symbol, size, params)
            return translate.order_book(raw, limit, self._clock.now_ms())

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        with self._door.guarded():
            await self._load(symbol)
            raws = await self._client.fetch_trades(symbol, None, limit)
            return [translate.trade(raw) for raw in raws][-limit:]

    async def _load(self, symbol: str | None = None) -> None:
        """The markets, if they are old, and `symbol` among them."""
        if self._clock.now_ms() >= self._stale_ms:
            async with self._loading:
                await self._reload()
        if symbol is not None and symbol not in self._client.markets:
            raise ExchangeFailedError(f"unknown symbol {symbol}")

    async def _reload(self) -> None:
        now = self._clock.now_ms()
        if now < self._stale_ms:
            return
        try:
            with self._door.guarded():
                markets = await self._client.load_markets(True)
                if not markets:
                    raise LookupError("no market at all")
        except ExchangeFailedError as error:
            if not self._client.markets:
                raise
            _log.warning("the markets could not be renewed: %s", error)
            self._stale_ms = now + MARKETS_AGAIN_MS
        else:
            self._stale_ms = now + MARKETS_MS
