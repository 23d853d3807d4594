"""The exchange port: what every exchange can do for us, and how it can fail.

ExchangeError
├── NoExchangeError        not configured: there is nobody to ask
├── ExchangeFailedError    no usable answer; after sending, the outcome is unknown
└── RefusedError           understood, and said no
    └── UnknownOrderError  no such order, or no longer open
"""

from collections.abc import Mapping
from typing import Protocol

from shared_services.exchange.model import (
    Balance,
    Candle,
    ExchangeOrder,
    FillReport,
    Instrument,
    Limitations,
    Listing,
    MarginPosition,
    OrderBook,
    OrderRequest,
    Ticker,
    Trade,
)


class ExchangeError(Exception):
    """Base of all; the text is for clients and never contains a key or a token."""


class NoExchangeError(ExchangeError):
    """No usable exchange: unknown to us, or its keys are missing."""


class ExchangeFailedError(ExchangeError):
    """Network, timeout, rate limit, nonce, maintenance or an unreadable answer."""


class RefusedError(ExchangeError):
    """The exchange understood and said no."""


class UnknownOrderError(RefusedError):
    """There is no such order, or it is no longer open."""


class ExchangePort(Protocol):
    """Every method may raise NoExchangeError or ExchangeFailedError; some say no, see each."""

    async def limitations(self) -> Limitations: ...

    async def instruments(self) -> Mapping[str, Instrument]:
        """What is traded, by unified symbol."""
        ...

    async def ticker(self, symbol: str) -> Ticker:
        """An unknown symbol is ExchangeFailedError."""
        ...

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        """The newest `limit` bars, oldest first; an unknown symbol is ExchangeFailedError."""
        ...

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        """`limit` levels of each side; an unknown symbol is ExchangeFailedError."""
        ...

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        """The newest public trades, oldest first; an unknown symbol is ExchangeFailedError."""
        ...

    async def listings(self) -> list[Listing]:
        """Every market, active or not."""
        ...

    async def balances(self) -> list[Balance]:
        """In the exchange's order, also those of 0."""
        ...

    async def margin_positions(self) -> list[MarginPosition]: ...

    async def create(self, request: OrderRequest) -> ExchangeOrder:
        """Raises RefusedError. ExchangeFailedError means that the order may exist."""
        ...

    async def cancel(self, order_id: str) -> None:
        """Raises UnknownOrderError or RefusedError."""
        ...

    async def order(self, order_id: str) -> ExchangeOrder:
        """Raises UnknownOrderError or RefusedError."""
        ...

    async def order_by_client_id(self, client_id: str) -> ExchangeOrder | None:
        """None means that it certainly does not exist."""
        ...

    async def open_orders(self) -> list[ExchangeOrder]:
        """Oldest first."""
        ...

    async def closed_orders(self, symbol: str | None, limit: int) -> list[ExchangeOrder]:
        """Orders that are no longer open, newest first."""
        ...

    async def fills(self, cursor: str | None) -> FillReport:
        """What was executed after the report that gave `cursor`, in order; all without one.

        A fill may be reported twice, but is never left out.
        """
        ...
