"""The connections of one worker to one remote stack: bounded, reused last in first out."""

from asyncio import Future, TimerHandle, get_running_loop, timeout_at
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.stacks.remote.connection import Connection
from gateway.stacks.remote.failure import StackFailed

IDLE: Final = 1.5  # seconds; gunicorn closes an idle connection after 2, uvicorn after 5
Connect = Callable[[], Awaitable[Connection]]


class Pool:
    """At most `size` connections, each closed when it was idle for `idle` seconds."""

    def __init__(self, connect: Connect, size: int, idle: float = IDLE) -> None:
        self.open = 0  # connections, also those that are being made
        self._connect = connect
        self._size = size
        self._idle_limit = idle
        self._idle: list[Connection] = []
        self._waiting: deque[Future[None]] = deque()
        self._reaper: TimerHandle | None = None
        self._closed = False
        self._loop = get_running_loop()

    def take(self) -> Connection | None:
        """A connection that is idle, if there is one; to be given back with `release`."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            self._end(connection)
        return None

    async def acquire(self, until: float, *, fresh: bool = False) -> Connection:
        """A connection, to be given back with `release`; a `fresh` one was made for this call.

        Raises StackFailed: what `connect` raises, and 503 if all are busy until the loop's time `until`.
        """
        while True:
            connection = None if fresh else self.take()
            if connection is not None:
                return connection
            if self._idle and self.open >= self._size:
                self._end(self._idle.pop(0))
            if self.open < self._size:
                return await self._make()
            await self._turn(until)

    def release(self, connection: Connection, *, reusable: bool) -> None:
        """Gives a connection back, to be closed unless it is `reusable`."""
        connection.answer = None
        if not reusable or connection.closed or self._closed:
            self._end(connection)
            return
        connection.since = self._loop.time()
        self._idle.append(connection)
        if self._reaper is None:
            self._reaper = self._loop.call_later(self._idle_limit, self._reap)
        if self._waiting:
            self._call_next()

    def close(self) -> None:
        """Closes what is idle; what is in use closes when it is given back."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        while self._idle:
            self._end(self._idle.pop())

    async def _make(self) -> Connection:
        self.open += 1
        try:
            return await self._connect()
        except BaseException:
            self._forget()
            raise

    async def _turn(self, until: float) -> None:
        """Waits until a connection or room for one is there; somebody else may be quicker."""
        waiter: Future[None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            async with timeout_at(until):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                self._call_next()  # it was this one's turn, and it cannot take it
            if isinstance(error, TimeoutError):
                raise StackFailed(503, f"all {self._size} connections are busy") from None
            raise

    def _end(self, connection: Connection) -> None:
        connection.close()
        self._forget()

    def _forget(self) -> None:
        self.open -= 1
        self._call_next()

    def _call_next(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _reap(self) -> None:
        """Closes what was idle too long; the longest idle stand first."""
        oldest = self._loop.time() - self._idle_limit
        while self._idle and self._idle[0].since <= oldest:
            self._end(self._idle.pop(0))
        self._reaper = None
        if self._idle:
            self._reaper = self._loop.call_later(self._idle[0].since - oldest, self._reap)
