"""The market port: what the paper exchange trades on."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Protocol

from shared_services.exchange.model import Candle, Instrument, Level, Side, Ticker, Trade


class Market(Protocol):
    """Prices depend on symbol and time alone: whoever asks, and whenever, gets the same.

    Every symbol passed in is one of `instruments`.
    """

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """By unified symbol."""
        ...

    def ticker(self, symbol: str, at: int) -> Ticker:
        """The prices at `at` (ms)."""
        ...

    def levels(self, symbol: str, side: Side, at: int) -> Iterator[Level]:
        """What an order of `side` meets at `at` (ms), best price first."""
        ...

    def candles(self, symbol: str, length: int, count: int, at: int) -> list[Candle]:
        """The newest `count` bars of `length` ms at `at` (ms), oldest first. May take a while."""
        ...

    def trades(self, symbol: str, count: int, at: int) -> list[Trade]:
        """The newest `count` public trades at `at` (ms), oldest first."""
        ...

    def first_touch(
        self, symbol: str, side: Side, limit: Decimal, span: tuple[int, int]
    ) -> int | None:
        """When, in the half-open (after, until] of `span` (ms), a resting order first trades."""
        ...
