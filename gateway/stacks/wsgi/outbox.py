"""An answer on its way from the app's thread to the loop: bounded, joined, never lost.

The thread puts parts in, the loop takes what is there, joined. One message crosses over when the loop
sleeps, none while it is busy: an ordinary answer costs one wake-up, a fast stream one per send.

There is no lock: each side writes fields of its own, and says first what it did, then looks at what the
other one said. A list is appended to and emptied in single steps.

A thread whose client is behind waits for it. Meanwhile it does not count as busy: the pool has another
one in its place.
"""

from asyncio import Future, current_task, get_running_loop
from threading import Event
from time import perf_counter
from typing import Any, Final

from gateway.stacks.wsgi.threads import Threads

ROOM: Final = 256 * 1024  # bytes that wait in memory before their thread does
MOST: Final = 8 * ROOM  # likewise, for a client that takes them at once
TOO_SLOW: float = 5.0  # seconds without taking a byte, while others wait for a thread; tests set it
_AT_ONCE: Final = 0.02  # seconds


class Outbox:
    """One answer's body. Made on the loop, by the task that takes it."""

    __slots__ = (
        "_limit", "_loop", "_over", "_parts", "_put", "_room", "_sleeps", "_stalled", "_taken", "_task",
        "_threads", "ended", "left", "news", "too_slow",
    )  # fmt: skip

    def __init__(self, threads: Threads) -> None:
        self._loop = get_running_loop()
        self._threads = threads
        self._parts: list[bytes] = []
        self._put = 0  # bytes of all parts so far; the thread's
        self._taken = 0  # likewise; the loop's
        self._limit = ROOM  # of the difference
        self.ended = False  # there is no more
        self.news: Future[None] = self._loop.create_future()  # a part, or the end
        self._sleeps = True  # the loop waits for news
        self._room: Event | None = None  # made when there is none for the first time
        self._stalled: float | None = None  # since when the app's thread waits for the client
        self.left = False  # nobody takes any more; what is put is dropped
        self.too_slow = False  # for the client was let go; the task is cancelled
        self._task: Any = None  # that takes, once the answer is more than one part
        self._over = False  # it takes no more

    # In the app's thread

    def put(self, part: bytes) -> None:
        """Adds a part, and waits while the client is too far behind."""
        if self.left:
            return
        self._parts.append(part)
        self._put += len(part)
        if self._sleeps:
            self._wake()
        if self._put - self._taken >= self._limit:
            self._wait_for_room()

    def end(self, part: bytes = b"") -> None:
        """There is no more; `part` is the last."""
        if part:
            self._parts.append(part)
        self.ended = True
        if self._sleeps:
            self._wake()

    def _wait_for_room(self) -> None:
        room = self._room
        if room is None:
            room = self._room = Event()
        room.clear()
        if self.left or self._put - self._taken < self._limit:  # since we looked
            return
        self._stalled = since = perf_counter()
        self._threads.stall(self)
        room.wait()
        self._stalled = None
        self._threads.resume(self)
        quick = perf_counter() - since < _AT_ONCE  # fewer and larger parts: a thread's turn is dear
        self._limit = min(2 * self._limit, MOST) if quick else ROOM

    def _wake(self) -> None:
        self._sleeps = False
        try:  # noqa: SIM105 (`suppress` costs as much as the call)
            self._loop.call_soon_threadsafe(self._awake)
        except RuntimeError:  # the loop is closed: the worker ended without us
            pass

    # On the loop

    async def take(self) -> tuple[bytes, bool]:
        """What is there, joined, and whether more follows; waits if nothing is there."""
        part, more = self.taken()
        while more and not part:
            self.news, self._sleeps = self._loop.create_future(), True
            if not (self._parts or self.ended):  # since we looked
                await self.news
            self._sleeps = False
            part, more = self.taken()
        return part, more

    def taken(self) -> tuple[bytes, bool]:
        """The same, but nothing may be there yet."""
        if self.left:
            return b"", False
        more = not self.ended  # looked at first: what is there then is all
        parts = self._parts
        count = len(parts)
        part = parts[0] if count == 1 else b"".join(parts[:count])
        del parts[:count]
        self._taken += len(part)
        if self._room is not None:
            self._room.set()
        return part, more

    def let_go(self) -> bool:
        """Gives up a client that has taken nothing for long; whether the app's thread goes on."""
        since = self._stalled
        if since is None or self.left:
            return True
        self.left = self.too_slow = perf_counter() - since > TOO_SLOW
        if not self.left:
            return False
        if self._room is not None:
            self._room.set()
        self._loop.call_soon(self._cut)
        return True

    def follow(self) -> None:
        """The answer is a stream, taken by this task: what cannot be sent is known by its end."""
        self._task = current_task()

    def leave(self) -> None:
        """Nobody takes any more; what the app still says is dropped."""
        self._over = self.left = True
        self._awake()
        if self._room is not None:
            self._room.set()
        self._parts.clear()

    def _awake(self) -> None:
        if not self.news.done():
            self.news.set_result(None)

    def _cut(self) -> None:
        if self._task is not None and not self._over:
            self._task.cancel()
