"""One timer for all that waits: twenty times a second everything that is running is looked at.

A timer for each deadline of each exchange would cost as much as the rest of the exchange, and nearly all
of them would be cancelled.
"""

from asyncio import AbstractEventLoop, TimerHandle
from typing import Final, Protocol

PERIOD: Final = 0.05  # seconds by which a deadline may be late


class Ticked(Protocol):
    def tick(self, now: float) -> bool:
        """`now` is the loop's time. Whether it is to be looked at again."""


class Ticks:
    """Runs only while something does."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._running: set[Ticked] = set()
        self._timer: TimerHandle | None = None

    def start(self, one: Ticked) -> None:
        self._running.add(one)
        if self._timer is None:
            self._timer = self._loop.call_later(PERIOD, self._tick)

    def stop(self, one: Ticked) -> None:
        self._running.discard(one)

    def _tick(self) -> None:
        now = self._loop.time()
        for one in tuple(self._running):
            if not one.tick(now):
                self._running.discard(one)
        self._timer = self._loop.call_later(PERIOD, self._tick) if self._running else None
