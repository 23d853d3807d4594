"""A market that a test moves, and the pauses of the feed, which a test ends."""

from collections.abc import Awaitable, Callable, Container
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import anyio
from anyio.lowlevel import checkpoint

from shared_services.exchange.model import Level, OrderBook, Ticker, Trade
from shared_services.exchange.port import ExchangeFailedError, ExchangePort
from shared_services.feed.model import Item
from shared_services.feed.source import Pace
from shared_services.feed.subscription import Subscription
from tests.fakes import EXAMPLE_NOW

DEADLINE = 5.0  # seconds


class MovingMarket:
    """`price` and `trade` move all symbols that it knows."""

    def __init__(self) -> None:
        self.known: Container[str] = {"BTC/USD", "ETH/USD"}
        self.calls: list[str] = []
        self.limits: list[int] = []
        self.failure: Exception | None = None
        self.gate: Callable[[], Awaitable[None]] | None = None
        self.now = EXAMPLE_NOW
        self._price = Decimal(40_000)
        self._trades: list[Trade] = []

    @property
    def port(self) -> ExchangePort:
        return cast("ExchangePort", self)

    def price(self, last: int) -> None:
        self._price = Decimal(last)

    def trade(self, count: int = 1) -> None:
        for _ in range(count):
            number = len(self._trades) + 1
            amount = Decimal(number % 2 * 2 - 1) / 100
            self._trades.append(Trade(str(number), self._price, amount, self.now))

    async def ticker(self, symbol: str) -> Ticker:
        await self._asked("ticker", symbol)
        price, spread = self._price, 10
        return Ticker(symbol, price - spread, price + spread, price, self.now, Decimal("1234.5"))

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        await self._asked("orderbook", symbol)
        level = Level(self._price, Decimal(1))
        return OrderBook(symbol, (level,) * limit, (level,) * limit, self.now)

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        await self._asked("trades", symbol)
        self.limits.append(limit)
        return [replace(trade) for trade in self._trades[-limit:]]

    async def _asked(self, channel: str, symbol: str) -> None:
        self.calls.append(f"{channel} {symbol}")
        if self.gate is not None:
            await self.gate()
        if self.failure is not None:
            raise self.failure
        if symbol not in self.known:
            raise ExchangeFailedError(f"unknown symbol {symbol}")


class Turns:
    """Sources pause until the test says `tick`."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self._waiting = 0
        self._event = anyio.Event()

    @property
    def pace(self) -> Pace:
        return Pace(interval=1.0, patience=DEADLINE, sleep=self._sleep)

    async def tick(self) -> None:
        """Every source polls once."""
        with anyio.fail_after(DEADLINE):
            await self._all_wait_after(0)
            expected = len(self.pauses) + self._waiting
            event, self._event = self._event, anyio.Event()
            event.set()
            await self._all_wait_after(expected)

    async def _all_wait_after(self, pauses: int) -> None:
        while len(self.pauses) < pauses or not self._waiting:
            await checkpoint()

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._waiting += 1
        try:
            await self._event.wait()
        finally:
            self._waiting -= 1


def taken(subscription: Subscription) -> list[Item]:
    """Everything that waits."""
    items = []
    while (item := subscription.take()) is not None:
        items.append(item)
    return items


def numbers(subscription: Subscription) -> list[list[str]]:
    """The ids of the trades that wait, by frame."""
    items: list[Any] = taken(subscription)
    return [[trade.id for trade in item.payload] for item in items]


def sequence(subscription: Subscription) -> list[int]:
    items: list[Any] = taken(subscription)
    return [item.seq for item in items]
