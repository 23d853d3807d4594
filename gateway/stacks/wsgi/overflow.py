"""Bytes of one answer that wait on disk: written by the app's thread, read for the loop."""

import os
from tempfile import TemporaryFile
from threading import Lock


class Share:
    """The bytes of disk that all answers of one stack may have together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._lock = Lock()

    @property
    def used_up(self) -> bool:
        return self._used >= self._limit

    def add(self, size: int) -> None:
        """Takes `size` bytes; gives them back, if it is negative."""
        with self._lock:
            self._used += size


class Overflow:
    """A queue of bytes in a file without a name. One thread writes, one reads.

    Raises OSError if there is no disk to write to.
    """

    def __init__(self, share: Share) -> None:
        self._share = share
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 (closed by `close`)
        self._lock = Lock()  # a file must not be closed while it is written: its number is reused
        self._written = 0
        self._read = 0

    @property
    def unread(self) -> int:
        return self._written - self._read

    def write(self, part: bytes) -> None:
        """Adds `part`, or nothing of it: after `close`, and where the disk is full (OSError)."""
        rest, end = memoryview(part), self._written
        with self._lock:
            while rest and not self._file.closed:
                done = os.pwrite(self._file.fileno(), rest, end)
                end += done
                rest = rest[done:]
            self._share.add(end - self._written)
            self._written = end

    def read(self, size: int) -> bytes:
        """Up to `size` of the oldest bytes."""
        with self._lock:
            if self._file.closed:
                return b""
            part = os.pread(self._file.fileno(), min(size, self.unread), self._read)
            self._read += len(part)
            return part

    def close(self) -> None:
        with self._lock:
            if not self._file.closed:
                self._file.close()
                self._share.add(-self._written)
