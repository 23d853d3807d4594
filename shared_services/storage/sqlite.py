"""The store of one machine: a SQLite file that several processes may share."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Concatenate

import sqlalchemy as sa
from anyio import CapacityLimiter, to_thread

from shared_services.storage.errors import StoreUnavailable, UnusableStore
from shared_services.storage.filesystem import network_filesystem
from shared_services.storage.port import P, Reader, T, Transaction
from shared_services.storage.sql import SqlReader, SqlTransaction
from shared_services.storage.sqlite_engine import sqlite_engine, sqlite_path

READERS = 4  # transactions of `read` at a time

# Result codes that say something about the file or its disk, and nothing about the statement:
# https://www.sqlite.org/rescode.html
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}


class SqliteStore:
    """Each transaction is one hop to a thread, where it runs from BEGIN to COMMIT.

    Writers of one process queue for one place, in turn: SQLite has one writer per file anyway, and
    its own way of waiting is to sleep and try again. Readers see a snapshot and wait for nobody.
    A cancelled caller never interrupts the thread: the transaction ends as a whole, and its
    connection goes back to the pool.
    """

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._file = _identity(path)
        self._writers = CapacityLimiter(1)
        self._readers = CapacityLimiter(READERS)

    async def transaction(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def work() -> T:
            # A deferred transaction that reads, then writes, fails at once if another wrote
            with self._begun("BEGIN IMMEDIATE") as connection:
                return function(SqlTransaction(connection), *args, **kwargs)

        return await to_thread.run_sync(work, limiter=self._writers)

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def work() -> T:
            with self._begun("BEGIN") as connection:
                return function(SqlReader(connection), *args, **kwargs)

        return await to_thread.run_sync(work, limiter=self._readers)

    @contextmanager
    def _begun(self, begin: str) -> Iterator[sa.Connection]:
        # An open file that was deleted can be written to without an error, and without a trace
        if _identity(self._path) != self._file:
            raise StoreUnavailable(f"{self._path} was deleted or replaced while it was open")
        with _transaction(self._engine, begin) as connection:
            yield connection


@asynccontextmanager
async def open_sqlite(
    url: str, prepare: Callable[[sa.Connection], None]
) -> AsyncIterator[SqliteStore]:
    """Open the file, made with its folder if it is not there; `prepare` brings its schema up.

    Raises UnusableStore for a path that cannot hold a database.
    """
    path = sqlite_path(url)
    engine = sqlite_engine(path, connections=READERS + 1)
    try:
        await to_thread.run_sync(_prepare, engine, path, prepare)
        yield SqliteStore(engine, path)
    finally:
        await to_thread.run_sync(engine.dispose)


def _prepare(engine: sa.Engine, path: Path, prepare: Callable[[sa.Connection], None]) -> None:
    if kind := network_filesystem(path):
        raise UnusableStore(f"{path}: on {kind}, where SQLite's locks fail; use a local disk")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _transaction(engine, "BEGIN IMMEDIATE") as connection:
            prepare(connection)
    except OSError as error:
        raise UnusableStore(f"{path}: {error.strerror}") from error
    except StoreUnavailable as error:
        raise UnusableStore(f"{path}: {error.reason}") from error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


@contextmanager
def _transaction(engine: sa.Engine, begin: str) -> Iterator[sa.Connection]:
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(begin)
            yield connection
    except sa.exc.DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error) and _is_unavailable(error.orig):
            raise StoreUnavailable(str(error.orig)) from error
        raise
    except sa.exc.TimeoutError as error:
        raise StoreUnavailable("every connection is in use") from error


def _is_unavailable(error: sqlite3.Error) -> bool:
    primary = error.sqlite_errorcode & 0xFF  # the higher bits say more of the same
    return primary in _UNAVAILABLE
