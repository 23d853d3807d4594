"""One upstream: it polls for all its subscribers, and goes on when the exchange fails."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from shared_services.exchange.port import ExchangeError
from shared_services.feed.model import SubscriptionFailed
from shared_services.feed.subscription import Subscription
from shared_services.feed.upstream import Upstream

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds. While the exchange fails, the pause doubles up to the longest."""

    interval: float = 1.0
    longest: float = 5.0
    patience: float = 20.0
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


class Source:
    """Runs from its first subscriber to its last; whoever starts it ends it."""

    def __init__(self, upstream: Upstream, pace: Pace) -> None:
        self.subscriptions: set[Subscription] = set()
        self._upstream = upstream
        self._pace = pace
        self._scope = anyio.CancelScope()
        self._decided = anyio.Event()
        self._began = False
        self._outage: str | None = None

    def join(self, subscription: Subscription) -> None:
        """With what those who are already there know."""
        self.subscriptions.add(subscription)
        for payload in self._upstream.latest():
            subscription.publish(payload)
        if self._outage is not None:
            subscription.fail(self._outage)

    async def began(self) -> None:
        """Wait for the first answer. Raises SubscriptionFailed if there is none."""
        await self._decided.wait()
        if not self._began:
            raise SubscriptionFailed(self._outage or "Market data has ended")

    def end(self) -> None:
        self._scope.cancel()

    async def run(self) -> None:
        """Until it is ended, or until the first poll has failed."""
        with self._scope:
            try:
                self._began = await self._poll()
            finally:
                self._decided.set()
            if self._began:
                await self._keep_polling()

    async def _keep_polling(self) -> None:
        pause = self._pace.interval
        while True:
            await self._pace.sleep(pause)
            longer = min(2 * pause, self._pace.longest)
            pause = self._pace.interval if await self._poll() else longer

    async def _poll(self) -> bool:
        """Whether the exchange answered."""
        try:
            with anyio.fail_after(self._pace.patience):
                news = await self._upstream.poll()
        except TimeoutError:
            return self._failed(f"no answer within {self._pace.patience:.0f} seconds")
        except ExchangeError as error:
            return self._failed(str(error))
        except Exception:  # a defect in one source must not end those of all other clients
            _log.exception("feed.broken")
            return self._failed("internal error")
        self._outage = None
        for subscription in self.subscriptions:
            for payload in news:
                subscription.publish(payload)
        return True

    def _failed(self, reason: str) -> bool:
        if self._outage is None:
            if self._began:
                _log.warning("feed.failed reason=%s", reason)
            for subscription in self.subscriptions:
                subscription.fail(reason)
        self._outage = reason
        return False
