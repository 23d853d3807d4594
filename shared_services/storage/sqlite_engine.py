"""SQLite connections as the store needs them: which file, and what is set on each of them."""

import sqlite3
from pathlib import Path
from time import monotonic, sleep

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from shared_services.storage.errors import UnusableStore
from shared_services.storage.urls import parse_url

BUSY_TIMEOUT = 5  # seconds a connection waits for another process's transaction


def sqlite_path(url: str) -> Path:
    """The file that `url` names; UnusableStore if it names none."""
    parts = parse_url(url)
    # In memory, SQLite has one database per connection: threads would not share their rows.
    # With two slashes the first folder is taken for a host, and the file made elsewhere
    if parts.drivername != "sqlite" or parts.host or parts.database in {None, "", ":memory:"}:
        raise UnusableStore(f"{parts} names no file: give sqlite:///var/trading.db, or memory://")
    return Path(str(parts.database))


def sqlite_engine(path: Path, connections: int) -> sa.Engine:
    """An engine for `path` that has at most so many connections, and leaves BEGIN to its user."""
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        # None: BEGIN is ours to send, the driver would send a deferred one before a write
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT},
        pool_size=connections,
        max_overflow=0,
    )
    sa.event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    _use_wal(connection)
    # With WAL: a crash of the process loses nothing, a power cut may lose the last transactions
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Readers do not block the writer, nor the writer readers; the file remembers it.

    When two processes make the file at once, one is told "locked" at once, whatever its timeout.
    """
    deadline = monotonic() + BUSY_TIMEOUT
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.01)
        else:
            break
    if mode != "wal":
        raise UnusableStore(f"journal mode {mode}: the file system does not carry SQLite's WAL")
