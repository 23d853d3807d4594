"""What one subscriber has yet to get: never more than a bounded amount."""

from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from shared_services.feed.model import Channel, Item, News, Outage, Payload

MOST_TRADES: Final = 1000
"""Undelivered frames of trades at which a subscriber is too slow."""


class Subscription:
    """Of a ticker or a book, only the newest waits; trades wait all, until there are too many."""

    def __init__(self, symbol: str, channel: Channel) -> None:
        """`symbol` is unified."""
        self.symbol = symbol
        self.channel = channel
        self.too_slow = False
        self._seq = 0
        self._waiting: deque[Item] = deque()
        self._listener: Listener = _nobody

    def attach(self, listener: "Listener") -> None:
        """`listener` is called, now and later, when there is something to take."""
        self._listener = listener
        if self._waiting or self.too_slow:
            listener(self)

    def publish(self, payload: Payload) -> None:
        """Called by the source; does not wait."""
        self._seq += 1
        if self.too_slow:
            return
        if self.channel is not Channel.TRADES:
            self._drop(News)
        self._waiting.append(News(self._seq, payload))
        if len(self._waiting) >= MOST_TRADES:
            self.too_slow = True
            self._waiting.clear()
        self._listener(self)

    def fail(self, reason: str) -> None:
        """Called by the source, once per outage."""
        self._drop(Outage)
        self._waiting.append(Outage(reason))
        self._listener(self)

    def take(self) -> Item | None:
        """The oldest that waits."""
        return self._waiting.popleft() if self._waiting else None

    def _drop(self, kind: type[Item]) -> None:
        self._waiting = deque(item for item in self._waiting if not isinstance(item, kind))


Listener: TypeAlias = Callable[[Subscription], None]


def _nobody(_subscription: Subscription) -> None:
    """Nobody listens before the subscription is acknowledged."""
