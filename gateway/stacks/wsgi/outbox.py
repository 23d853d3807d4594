"""An answer on its way from the app's thread to the loop: bounded, joined, never lost.

The thread puts parts in, the loop takes what is there, joined. One message crosses over when the loop
sleeps, none while it is busy: an ordinary answer costs one wake-up, a fast stream one per send.

A thread whose client is behind waits for it. Meanwhile it does not count as busy: the pool has another
one in its place.
"""

from asyncio import Event as LoopEvent
from asyncio import current_task, get_running_loop
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock
from time import perf_counter
from typing import Final

from gateway.stacks.wsgi.threads import Threads

ROOM: Final = 256 * 1024  # bytes that wait in memory before their thread does
MOST: Final = 8 * ROOM  # likewise, for a client that takes them at once
TOO_SLOW: Final = 5.0  # seconds without taking a byte, while others wait for a thread
_AT_ONCE: Final = 0.02  # seconds


class Outbox:
    """One answer's body. Made on the loop, by the task that takes it."""

    def __init__(self, threads: Threads) -> None:
        self._loop, self._task = get_running_loop(), current_task()
        self._threads = threads
        self._lock = Lock()
        self._parts: deque[bytes] = deque()
        self._size = 0  # bytes of the parts
        self._limit = ROOM  # of them
        self.ended = False  # there is no more
        self._sleeps = False  # the loop waits for news
        self._news = LoopEvent()
        self._room = Event()
        self._stalled: float | None = None  # since when the app's thread waits for the client
        self.left = False  # nobody takes any more; what is put is dropped
        self.too_slow = False  # for the client was let go; the task is cancelled
        self._over = False  # the task takes no more

    # In the app's thread

    def put(self, part: bytes) -> None:
        """Adds a part, and waits while the client is too far behind."""
        with self._lock:
            self._room.clear()
            self._parts.append(part)
            self._size += len(part)
            full = self._size >= self._limit and not self.left
        self._wake()
        if full:
            self._wait_for_room()

    def end(self, part: bytes = b"") -> None:
        """There is no more; `part` is the last."""
        with self._lock:
            if part:
                self._parts.append(part)
            self.ended = True
        self._wake()

    def _wait_for_room(self) -> None:
        self._stalled = since = perf_counter()
        self._threads.stall(self)
        self._room.wait()
        self._stalled = None
        self._threads.resume(self)
        quick = perf_counter() - since < _AT_ONCE  # fewer and larger parts: a thread's turn is dear
        self._limit = min(2 * self._limit, MOST) if quick else ROOM

    def _wake(self) -> None:
        with self._lock:
            wakes, self._sleeps = self._sleeps, False
        if wakes:
            self._call(self._news.set)

    def _call(self, call: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the worker ended without us
            self._loop.call_soon_threadsafe(call)

    # In any thread

    def let_go(self) -> bool:
        """Gives up a client that has taken nothing for long; whether the app's thread goes on."""
        with self._lock:
            since = self._stalled
            if since is None or self.left:
                return True
            self.left = self.too_slow = perf_counter() - since > TOO_SLOW
            if not self.left:
                return False
            self._room.set()
        self._call(self._cut)
        return True

    # On the loop

    async def take(self) -> tuple[bytes, bool]:
        """What is there, joined, and whether more follows; waits if nothing is there."""
        while not self.left:
            with self._lock:
                part = self._joined()
                if part or self.ended:
                    return part, not self.ended
                self._sleeps = True
                self._news.clear()
            await self._news.wait()
        return b"", False

    def leave(self) -> None:
        """Nobody takes any more; what the app still says is dropped."""
        self._over = True
        self._news.set()
        with self._lock:
            self.left = True
            self._room.set()
            self._parts.clear()

    def _cut(self) -> None:
        if self._task is not None and not self._over:
            self._task.cancel()

    def _joined(self) -> bytes:
        """The parts in memory as one."""
        if not self._parts:
            return b""
        part = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._room.set()
        return part
