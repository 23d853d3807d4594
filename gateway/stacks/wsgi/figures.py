"""What the metrics learn of a pool of threads: counted here, told once a second while there are calls.

prometheus-client takes a lock for each figure, and with several workers writes each to a file.
"""

from asyncio import TimerHandle, get_running_loop
from collections.abc import Callable
from typing import Final

from gateway.observe.batches import bins_of
from gateway.observe.metrics import WSGI_BUSY, WSGI_QUEUE

_EVERY: Final = 1.0  # seconds


class Figures:
    """`busy` tells how many threads have a call; how long each waited for it, it adds to `waits`."""

    def __init__(self, busy: Callable[[], int]) -> None:
        self.waits: list[float] = []  # seconds
        self._busy = busy
        self._told = 0  # of that
        self._next: TimerHandle | None = None

    def called(self) -> None:
        """There is a call: tells of it within a second."""
        if self._next is None:
            self._next = get_running_loop().call_later(_EVERY, self._tell)

    def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._tell()
        WSGI_BUSY.dec(self._told)
        self._told = 0

    def _tell(self) -> None:
        self._next = None
        busy = self._busy()
        WSGI_BUSY.inc(busy - self._told)
        self._told = busy
        if busy:
            self.called()
        count = len(self.waits)  # threads may add more meanwhile
        waits = self.waits[:count]
        del self.waits[:count]
        WSGI_QUEUE.observe_all(bins_of(waits), sum(waits))
