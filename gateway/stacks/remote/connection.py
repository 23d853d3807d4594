"""One connection to a remote stack: one exchange at a time, with back-pressure both ways."""

import os
import select
from asyncio import AbstractEventLoop, Future, Protocol, Transport, get_running_loop, timeout
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from gateway.edge.duct import SourceEnded
from gateway.stacks.remote.answer import Answer, Malformed

PATIENCE: Final = 0.025  # seconds in which most answers have come
_HIGH: Final = 256 * 1024  # bytes of a body that wait for the client before the stack must wait


class Closed(Exception):
    """The stack has closed the connection before its answer was complete."""


class Connection(Protocol):
    """Made by the pool; `answer` is what the stack says to what was last sent with `ask`."""

    __slots__ = (
        "_descriptor", "_full", "_loop", "_paused", "_poll", "_reader", "_transport", "_until",
        "_writer", "answer", "closed", "encrypted", "failure", "since",
    )  # fmt: skip

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.closed = False
        self.failure: Exception | None = None  # Malformed or Closed: no more of the answer comes
        self.since = 0.0  # the loop's time at which it was asked, or became idle
        self._loop = get_running_loop()
        self._until = 0.0
        self._transport: Transport
        self._reader: Future[None] | None = None
        self._writer: Future[None] | None = None
        self._poll = select.poll()
        self._descriptor = -1
        self.encrypted = False
        self._paused = self._full = False

    def ask(self, head: bytes, *, head_only: bool) -> Answer:
        """Begins an exchange. What the stack answers is in the answer as it comes."""
        self.answer = answer = Answer(head_only=head_only)
        self.since = self._loop.time()
        self._transport.write(head)
        return answer

    def soon(self) -> Future[None]:
        """Is done when the answer can be presented, or never will; fails with TimeoutError if that takes
        its time.
        """
        if self._paused:
            self._resume()
        self._until = self.since + PATIENCE
        self._reader = reader = self._loop.create_future()
        return reader

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drain(self) -> None:
        """Waits until the stack has read what was written, but for a few KiB."""
        if self._full and not self.closed:
            self._writer = self._loop.create_future()
            await self._writer

    async def news(self, until: float) -> None:
        """Waits for the next bytes of the answer.

        Raises Malformed, Closed, and TimeoutError if there are none until the loop's time `until`; that
        needs somebody who calls `tick`.
        """
        if self._paused:
            self._resume()
        if self.failure is None:
            self._until = until
            self._reader = self._loop.create_future()
            await self._reader
        if self.failure is not None:
            raise self.failure

    def tick(self, now: float) -> bool:
        if now >= self._until and self._reader is not None and not self._reader.done():
            self._reader.set_exception(TimeoutError())
        return self.answer is not None

    @contextmanager
    def splicing(self, idle_timeout: float) -> Iterator["Splicing"]:
        """The socket for somebody who reads it instead of the transport."""
        self._paused = True
        self._transport.pause_reading()
        source = Splicing(self._loop, self._descriptor, idle_timeout)
        try:
            yield source
        finally:
            source.close()

    @property
    def usable(self) -> bool:
        """Nothing waits to be read: the stack has not closed it, not even unseen by the loop."""
        return not self.closed and not self._transport.is_closing() and not self._poll.poll(0)

    def close(self) -> None:
        """Ends it without a word: what was not yet sent of a request never is."""
        self.closed = True
        self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._descriptor = transport.get_extra_info("socket").fileno()
        self.encrypted = transport.get_extra_info("ssl_object") is not None
        self._poll.register(self._descriptor, select.POLLIN)

    def data_received(self, data: bytes) -> None:
        answer = self.answer
        if answer is None:
            self.close()  # it was not asked; what it says must not answer the next request
            return
        try:
            answer.feed(data)
        except Malformed as error:
            self._fail(error)
            self.close()
        if answer.buffered > _HIGH and not self._paused and not self.closed:
            self._paused = True
            self._transport.pause_reading()
        if answer.complete or answer.presentable or answer.continued or self.closed:
            _wake(self._reader)

    def eof_received(self) -> None:
        self._ended("the connection was closed")

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._ended(str(error) if error else "the connection was closed", reset=error is not None)
        _wake(self._writer)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        _wake(self._writer)

    def _resume(self) -> None:
        self._paused = False
        self._transport.resume_reading()

    def _ended(self, why: str, *, reset: bool = False) -> None:
        answer = self.answer
        if answer is not None and not answer.complete and (reset or not answer.end()):
            self._fail(Closed(why))
        _wake(self._reader)

    def _fail(self, error: Exception) -> None:
        self.failure = self.failure or error


def _wake(waiter: Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


class Splicing:
    """What a stack sends, as a source for the kernel (`gateway.edge.duct`)."""

    def __init__(self, loop: AbstractEventLoop, descriptor: int, idle_timeout: float) -> None:
        self.moved = 0
        self._loop = loop
        # One of its own: the transport watches the other one.
        self._descriptor = os.dup(descriptor)
        self._idle_timeout = idle_timeout

    def fileno(self) -> int:
        return self._descriptor

    async def readable(self) -> None:
        """Raises SourceEnded if there is nothing in time."""
        ready = self._loop.create_future()
        self._loop.add_reader(self._descriptor, _wake, ready)
        try:
            async with timeout(self._idle_timeout):
                await ready
        except TimeoutError as error:
            raise SourceEnded(f"nothing for {self._idle_timeout:g} s") from error
        finally:
            self._loop.remove_reader(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
