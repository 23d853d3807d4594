"""The SQLite file: made by one process at a time, and looked at before each use.

A write-ahead log and its index that an earlier file of the same name has left make SQLite misread the
new one, and an emptied file makes it delete the log with all that is in there.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from gateway.store.errors import StoreUnavailable
from gateway.store.failures import DAMAGED

Identity = tuple[int, int]  # inode and device


def identity(path: Path) -> Identity | None:
    """None if there is no file. Raises StoreUnavailable for one that was emptied, and OSError."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    if stat.st_size == 0 and _size(_beside(path, "-wal")):
        raise StoreUnavailable(f"store sqlite:///{path}: damaged (the file was emptied); {DAMAGED}")
    return stat.st_ino, stat.st_dev


def make(path: Path) -> None:
    """Makes an empty file if there is none. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent):
        if not path.exists():
            for end in ("-wal", "-shm", "-journal"):
                _beside(path, end).unlink(missing_ok=True)
            path.touch()


def opened(path: Path, mode: str, timeout: float) -> sqlite3.Connection:
    """Never makes a file; `mode` is `rw` or `ro`. Raises sqlite3.Error."""
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=timeout,
        isolation_level=None,  # BEGIN is ours to send: the driver's is deferred, and fails at once
        check_same_thread=False,
        cached_statements=32,  # an INSERT of many rows is another one for each number of them, of 20 KiB
    )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time, and one of its threads. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
