"""What a source asks the exchange for, and what of the answer is new."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Protocol

from shared_services.exchange.model import OrderBook, Trade
from shared_services.exchange.port import ExchangePort
from shared_services.feed.model import Channel, Payload, Snapshot, is_change
from shared_services.feed.tape import LATEST, MOST, Tape
from shared_services.symbols import pricing_symbol

LEVELS: Final = 20  # of each side of a book

_GROWTH: Final = 4  # how much further back to look for what was missed


class Upstream(Protocol):
    async def poll(self) -> list[Payload]:
        """What is new since the last call. Raises ExchangeError."""
        ...

    def latest(self) -> list[Payload]:
        """What somebody who comes now has to know; nothing before the first poll."""
        ...


def upstream(port: ExchangePort, symbol: str, channel: Channel) -> Upstream:
    """Test currencies have the prices of the real ones."""
    priced = pricing_symbol(symbol)

    async def order_book() -> OrderBook:
        return replace(await port.order_book(priced, LEVELS), symbol=symbol)

    match channel:
        case Channel.TICKER:
            return _Snapshots(lambda: port.ticker(priced))
        case Channel.ORDERBOOK:
            return _Snapshots(order_book)
        case Channel.TRADES:
            return _Trades(lambda limit: port.trades(priced, limit))


class _Snapshots:
    """The newest one replaces all before."""

    def __init__(self, fetch: Callable[[], Awaitable[Snapshot]]) -> None:
        self._fetch = fetch
        self._latest: Snapshot | None = None

    async def poll(self) -> list[Payload]:
        before, self._latest = self._latest, await self._fetch()
        return [self._latest] if is_change(before, self._latest) else []

    def latest(self) -> list[Payload]:
        return [] if self._latest is None else [self._latest]


class _Trades:
    """Each of them counts."""

    def __init__(self, fetch: Callable[[int], Awaitable[list[Trade]]]) -> None:
        self._fetch = fetch
        self._tape = Tape()

    async def poll(self) -> list[Payload]:
        limit = LATEST
        fetched = await self._fetch(limit)
        while limit < MOST and not self._tape.continues(fetched, limit):
            limit = min(limit * _GROWTH, MOST)
            fetched = await self._fetch(limit)
        news = self._tape.take(fetched)
        return [tuple(news[start : start + LATEST]) for start in range(0, len(news), LATEST)]

    def latest(self) -> list[Payload]:
        return [tuple(self._tape.latest)] if self._tape.latest else []
