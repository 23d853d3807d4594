"""The market feed: who subscribes shares the sources with everybody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

import anyio
from anyio.abc import TaskGroup

from shared_services.exchange.port import ExchangePort
from shared_services.feed.model import Channel, SubscriptionFailed
from shared_services.feed.source import Pace, Source
from shared_services.feed.subscription import Subscription
from shared_services.feed.upstream import upstream

_PACE: Final = Pace()


class MarketFeed:
    """One source per symbol and channel, as long as anybody wants it and the feed is open."""

    def __init__(self, port: ExchangePort | None, pace: Pace = _PACE) -> None:
        self._port = port
        self._pace = pace
        self._tasks: TaskGroup | None = None
        self._sources: dict[tuple[str, Channel], Source] = {}

    @property
    def sources(self) -> int:
        """How many run."""
        return len(self._sources)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """What the block raises comes out as it is; the sources end with it."""
        raised: Exception | None = None
        async with anyio.create_task_group() as self._tasks:
            try:
                yield self
            except Exception as error:
                raised = error
            self._tasks.cancel_scope.cancel()
        self._tasks = None
        if raised is not None:
            raise raised

    async def subscribe(self, symbol: str, channel: Channel) -> Subscription:
        """To a unified symbol; the first answer of the exchange is there, or SubscriptionFailed."""
        source = self._sources.get((symbol, channel)) or self._start(symbol, channel)
        subscription = Subscription(symbol, channel)
        source.join(subscription)
        try:
            await source.began()
        except BaseException:
            self.unsubscribe(subscription)
            raise
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """The source ends with its last subscription."""
        key = subscription.symbol, subscription.channel
        source = self._sources[key]
        source.subscriptions.discard(subscription)
        if not source.subscriptions:
            source.end()
            del self._sources[key]

    def _start(self, symbol: str, channel: Channel) -> Source:
        if self._port is None:
            raise SubscriptionFailed("Exchange service not configured")
        if self._tasks is None:
            raise SubscriptionFailed("Market data has ended")
        source = Source(upstream(self._port, symbol, channel), self._pace)
        self._sources[symbol, channel] = source
        self._tasks.start_soon(source.run)
        return source
