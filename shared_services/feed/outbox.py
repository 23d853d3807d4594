"""What one connection has to send, in the order in which it must be sent."""

from collections import deque
from collections.abc import Callable
from typing import Final

import anyio

from shared_services.feed.frames import item_frame
from shared_services.feed.subscription import Subscription

_ANSWERS: Final = 16  # that may wait; whoever has another waits with it


class Outbox:
    """Answers in order, and before the news; the subscriptions take turns."""

    def __init__(self, too_slow: Callable[[], None]) -> None:
        """`too_slow` is called when a subscription is, from whichever task notices it."""
        self._too_slow = too_slow
        self._answers: deque[str] = deque()
        self._room = anyio.Semaphore(_ANSWERS)
        self._names: dict[Subscription, str] = {}
        self._ready: dict[Subscription, None] = {}
        self._wake = anyio.Event()
        self._ended = False

    async def answer(self, text: str) -> None:
        """Waits while the client does not read."""
        await self._room.acquire()
        self._answers.append(text)
        self._wake.set()

    def open(self, subscription: Subscription, symbol: str) -> None:
        """From now on also its news, under the `symbol` that the client wrote."""
        self._names[subscription] = symbol
        subscription.attach(self._has_news)

    def close(self, subscription: Subscription) -> None:
        """Nothing of it any more."""
        self._names.pop(subscription, None)
        self._ready.pop(subscription, None)

    def end(self) -> None:
        """No news any more; `next` gives the answers that wait, and then None."""
        self._ended = True
        self._wake.set()

    async def next(self) -> str | None:
        """What to send now, waited for."""
        while True:
            if self._answers:
                self._room.release()
                return self._answers.popleft()
            if self._ended:
                return None
            if (text := self._news()) is not None:
                return text
            self._wake = anyio.Event()
            await self._wake.wait()

    def _has_news(self, subscription: Subscription) -> None:
        if subscription.too_slow:
            self._too_slow()
        elif subscription in self._names:
            self._ready[subscription] = None
            self._wake.set()

    def _news(self) -> str | None:
        """Of the subscription that has waited longest."""
        while self._ready:
            subscription = next(iter(self._ready))
            del self._ready[subscription]
            if (item := subscription.take()) is not None:
                self._ready[subscription] = None
                return item_frame(self._names[subscription], subscription.channel, item)
        return None
