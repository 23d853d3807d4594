"""The market the paper exchange trades on."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from shared_services.exchange.model import Instrument, Level, Side, Ticker
from decimal import Decimal


class Market(Protocol):
    """Prices that depend on the symbol and the time alone: whoever asks sees the same."""

    @property
    def instruments(self) -> Mapping[str, Instrument]: ...

    def ticker(self, symbol: str, at: int) -> Ticker:
        """The prices at `at` (ms)."""
        ...

    def levels(self, symbol: str, side: Side, at: int) -> Iterator[Level]:
        """What an order of `side` meets at `at` (ms), best price first."""
        ...

    def first_touch(
        self, symbol: str, side: Side, limit: Decimal, span: tuple[int, int]
    ) -> int | None:
        """When, in the half-open (after, until] of `span` (ms), a resting order first trades."""
        ...
