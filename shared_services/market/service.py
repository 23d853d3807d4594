"""Market data of the trading exchange; what does not depend on each other is asked at once."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

import anyio

from shared_services.exchange.model import Candle, Listing, OrderBook, Ticker
from shared_services.exchange.outages import LIVE_BOOK
from shared_services.exchange.port import ExchangeError, ExchangePort
from shared_services.exchange.service import ExchangeAsync, Outage
from shared_services.market.model import Look, Unseen
from shared_services.symbols import from_compact, pricing_symbol
from shared_services.together import three_together, together

PATIENCE: Final = 10.0  # seconds for one symbol: a silent one must not silence the others
BARS: Final = 50
TIMEFRAME: Final = "5m"
LEVELS: Final = 20  # of each side of an order book

_SYMBOLS_AT_ONCE: Final = 8
_ERROR: Final = "Exchange service not available"
_CANDLES: Final = Outage(
    error=_ERROR,
    message="Live data required for trading - no fallback data",
    failed="Live market data unavailable",
)
_TICKER: Final = Outage(
    error=_ERROR,
    message="Live ticker required for trading - no fallback data",
    failed="Live ticker unavailable",
)
_MARKETS: Final = Outage(
    error=_ERROR, message="Cannot fetch available markets", failed="Cannot fetch markets"
)


class MarketDataServiceAsync:
    """The first four take symbols as clients write them and tell them of an outage.

    The others take unified symbols, priced without the test prefix, and raise ExchangeError.
    """

    def __init__(self, exchange: ExchangeAsync, *, patience: float = PATIENCE) -> None:
        self._exchange = exchange
        self._patience = patience  # seconds

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        """The newest `limit` bars, oldest first."""
        with _CANDLES.told():
            return await self._exchange.port.candles(from_compact(symbol), timeframe, limit)

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        """`limit` levels of each side."""
        with LIVE_BOOK.told():
            return await self._exchange.port.order_book(from_compact(symbol), limit)

    async def ticker(self, symbol: str) -> Ticker:
        with _TICKER.told():
            return await self._exchange.port.ticker(from_compact(symbol))

    async def markets(self) -> list[Listing]:
        """Those that are active."""
        with _MARKETS.told():
            return [one for one in await self._exchange.port.listings() if one.active]

    async def prices(self, symbols: Iterable[str]) -> Mapping[str, Decimal]:
        """The last price of each, all or none: one that fails is the failure of the whole."""
        port, names = self._exchange.port, list(dict.fromkeys(symbols))
        tickers = await together([partial(port.ticker, pricing_symbol(name)) for name in names])
        return {name: one.last for name, one in zip(names, tickers, strict=True)}

    async def looks(self, symbols: Sequence[str]) -> list[Look | Unseen]:
        """Each in its place, also one that fails or is silent; NoExchangeError if there is none."""
        port = self._exchange.port
        return await together(
            [partial(self._try_to_look, port, one) for one in symbols], _SYMBOLS_AT_ONCE
        )

    async def _try_to_look(self, port: ExchangePort, symbol: str) -> Look | Unseen:
        try:
            with anyio.fail_after(self._patience):
                return await _look(port, symbol)
        except ExchangeError as error:
            return Unseen(symbol, str(error))
        except TimeoutError:
            return Unseen(symbol, f"no answer within {self._patience:g} seconds")


async def _look(port: ExchangePort, symbol: str) -> Look:
    priced = pricing_symbol(symbol)
    bars, ticker, book = await three_together(
        partial(port.candles, priced, TIMEFRAME, BARS),
        partial(port.ticker, priced),
        partial(port.order_book, priced, LEVELS),
    )
    return Look(symbol, bars, ticker, book)
