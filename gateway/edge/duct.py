"""Bytes that the kernel moves to a client's socket by itself: out of a file, or out of another socket.

A large answer that goes through this process costs two copies and a wake-up for every 256 KiB. Here
nothing of it is seen: `sendfile(2)` and `splice(2)`, as nginx and HAProxy use them.
"""

import fcntl
import os
from asyncio import AbstractEventLoop, Future
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from anyio import to_thread

from gateway.messages import Message

_PIPE_SIZE: Final = 1 << 20  # bytes; what an unprivileged process may ask for
_FLAGS: Final = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK


class SourceEnded(Exception):
    """The file or the socket ended before its bytes had come."""


class Source(Protocol):
    """A socket that has the bytes; `moved` is how many of them have gone to the client."""

    moved: int

    def fileno(self) -> int: ...

    async def readable(self) -> None:
        """Waits until there is something to read. Raises SourceEnded."""


class Duct:
    """The way to one client, while nothing else is written to it.

    `moved` is the loop's time at which the client last took something; `close` ends all waiting.
    """

    def __init__(self, loop: AbstractEventLoop, descriptor: int) -> None:
        self._loop = loop
        # A descriptor of its own: the transport watches the other one.
        self._client = os.dup(descriptor)
        self._waiter: Future[None] | None = None
        self.moved = loop.time()
        self.closed = False  # the client has left

    async def send_file(self, file: int, offset: int, count: int) -> None:
        """Raises SourceEnded."""
        while count and not self.closed:
            try:
                # In a thread: what is not in memory is read from the disk.
                sent = await to_thread.run_sync(os.sendfile, self._client, file, offset, count)
            except BlockingIOError:
                await self._writable()
                continue
            except ConnectionError:
                return
            if not sent:
                raise SourceEnded("the file became shorter while it was sent")
            offset, count = offset + sent, count - sent
            self.moved = self._loop.time()

    async def splice(self, source: Source, count: int) -> None:
        """Raises SourceEnded."""
        with _pipe() as (out, into):
            while source.moved < count and not self.closed:
                size = min(count - source.moved, _PIPE_SIZE)
                try:
                    piped = os.splice(source.fileno(), into, size, flags=_FLAGS)
                except BlockingIOError:
                    await source.readable()
                    continue
                except ConnectionError as error:
                    raise SourceEnded(str(error)) from error
                if not piped:
                    raise SourceEnded("the connection was closed")
                await self._pass_on(out, piped, source)

    def close(self) -> None:
        """The client has left, or nothing more is sent here."""
        self.closed = True
        self._wake()

    def release(self) -> None:
        """The duct is not used any more."""
        os.close(self._client)

    async def _pass_on(self, out: int, piped: int, source: Source) -> None:
        end = source.moved + piped
        while source.moved < end and not self.closed:
            try:
                source.moved += os.splice(out, self._client, end - source.moved, flags=_FLAGS)
                self.moved = self._loop.time()
            except BlockingIOError:
                await self._writable()
            except ConnectionError:
                self.closed = True

    async def _writable(self) -> None:
        self._waiter = self._loop.create_future()
        self._loop.add_writer(self._client, self._wake)
        try:
            if not self.closed:
                await self._waiter
        finally:
            self._loop.remove_writer(self._client)
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    out, into = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        yield out, into
    finally:
        os.close(out)
        os.close(into)


def whole(message: Message) -> Message:
    """A `http.response.zerocopysend` with nothing left out: from where the file stands to its end."""
    file, offset, count = message["file"], message.get("offset"), message.get("count")
    if not isinstance(file, int):  # what it has buffered, the kernel does not know
        offset = file.tell() if offset is None else offset
        file = file.fileno()
    if offset is None:
        offset = os.lseek(file, 0, os.SEEK_CUR)
    if count is None:
        count = os.fstat(file).st_size - offset
    return {**message, "file": file, "offset": offset, "count": count}
