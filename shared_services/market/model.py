"""One market as the exchange shows it, or why it does not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shared_services.exchange.model import Candle, OrderBook, Ticker


@dataclass(frozen=True, slots=True)
class Look:
    """Bars, ticker and book of one symbol, asked for at the same time; bars oldest first."""

    symbol: str
    bars: Sequence[Candle]
    ticker: Ticker
    book: OrderBook


@dataclass(frozen=True, slots=True)
class Unseen:
    """The market that could not be read, and why."""

    symbol: str
    error: str


class Prices(Protocol):
    """What other families use of the market's prices."""

    async def prices(self, symbols: Iterable[str]) -> Mapping[str, Decimal]:
        """The last price of each unified symbol; raises ExchangeError."""
        ...
