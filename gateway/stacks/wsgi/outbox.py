"""An answer on its way from the app's thread to the loop: bounded, joined, never lost.

The thread puts parts in, the loop takes what is there, joined. One message crosses over when the loop
sleeps, none while it is busy: an ordinary answer costs one wake-up, a fast stream one per send.

A thread whose client reads slowly waits, and holds a place in the pool. When others wait for that
place, it is released: what it goes on to say waits on disk, until the client has caught up. Where the
disk's share is used up, a client that has taken nothing for seconds is let go.
"""

from asyncio import Event as LoopEvent
from asyncio import current_task, get_running_loop
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock
from time import perf_counter
from typing import Final

from anyio import to_thread

from gateway.stacks.wsgi.overflow import Overflow, Share
from gateway.stacks.wsgi.threads import Threads

ROOM: Final = 256 * 1024  # bytes that wait in memory before their thread does
MOST: Final = 8 * ROOM  # likewise, for a client that takes them at once
_AT_ONCE: Final = 0.02  # seconds
TOO_SLOW: Final = 5.0  # seconds without taking a byte, while others wait for the thread


class Outbox:
    """One answer's body. Made on the loop, by the task that takes it."""

    def __init__(self, threads: Threads, disk: Share) -> None:
        self._loop, self._task = get_running_loop(), current_task()
        self._threads, self._disk = threads, disk
        self._lock = Lock()
        self._parts: deque[bytes] = deque()
        self._size = 0  # bytes of the parts
        self._limit = ROOM  # of them
        self._overflow: Overflow | None = None
        self.ended = False  # there is no more
        self._sleeps = False  # the loop waits for news
        self._news = LoopEvent()
        self._room = Event()
        self._stalled: float | None = None  # since when the app's thread waits for the client
        self.left = False  # nobody takes any more; what is put is dropped
        self._over = False  # the task takes no more
        self.too_slow = False  # for the client was let go; the task is cancelled

    # In the app's thread

    def put(self, part: bytes) -> None:
        """Adds a part, and waits while the client is too far behind and nobody needs the thread."""
        while not self.left and not self._added(part):
            self._wait_for_room()
        if self._overflow is None and self._size >= self._limit and not self.left:
            self._wait_for_room()

    def end(self, part: bytes = b"") -> None:
        """There is no more; `part` is the last."""
        if part:
            while not self.left and not self._added(part, wake=False):
                self._wait_for_room()
        with self._lock:
            self.ended = True
        self._wake()

    def _added(self, part: bytes, *, wake: bool = True) -> bool:
        """False: it went nowhere, for the disk is full or its share used up."""
        with self._lock:
            overflow = self._overflow
            if overflow is not None and not overflow.unread and not self._parts:
                overflow.close()  # the client has caught up
                overflow = self._overflow = None
            self._room.clear()
            if overflow is None:
                self._parts.append(part)
                self._size += len(part)
        if overflow is not None:
            if self._disk.used_up:
                return False
            try:
                overflow.write(part)
            except OSError:  # the disk is full: it waits for the client after all
                return False
        if wake:
            self._wake()
        return True

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

    def release(self) -> bool:
        """Lets the app's thread go on: what it has to say goes to disk. Without disk it waits, but not
        for a client that has taken nothing for long.
        """
        with self._lock:
            since = self._stalled
            if since is None or self.left:
                return True
            if self._spill():
                self._room.set()
                return True
            self.left = self.too_slow = perf_counter() - since > TOO_SLOW
            if self.left:
                self._room.set()
        if self.left:
            self._call(self._cut)
        return self.left

    def _spill(self) -> bool:
        if self._disk.used_up:
            return False
        with suppress(OSError):
            self._overflow = self._overflow or Overflow(self._disk)
        return self._overflow is not None

    # On the loop

    async def take(self) -> tuple[bytes, bool]:
        """What is there, joined, and whether more follows; waits if nothing is there."""
        while not self.left:
            with self._lock:
                part, overflow = self._joined(), self._overflow
                unread = overflow is not None and overflow.unread > 0
                last = self.ended and not unread
                if part or last:
                    return part, not last
                self._sleeps = not unread
                self._news.clear()
            if overflow is not None and unread:
                part = await to_thread.run_sync(overflow.read, MOST)
                self._room.set()
                return part, True
            await self._news.wait()
        return b"", False

    def _cut(self) -> None:
        if self._task is not None and not self._over:
            self._task.cancel()

    def leave(self) -> None:
        """Nobody takes any more; what the app still says is dropped."""
        self._over = True
        self._news.set()
        with self._lock:
            self.left = True
            self._room.set()
            self._parts.clear()
            if self._overflow is not None:
                self._overflow.close()

    def _joined(self) -> bytes:
        """The parts in memory as one."""
        if not self._parts:
            return b""
        part = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._room.set()
        return part
