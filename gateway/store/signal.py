"""Waiting for a new version: PostgreSQL notifies, SQLite is asked whether somebody else has committed.

Both may miss one, so whoever waits looks at the newest version after each wait.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import Any, Final, Protocol

import sqlalchemy as sa
import structlog

from gateway.store import file
from gateway.store.database import Database, need_driver, session_arguments
from gateway.store.errors import StoreUnavailable
from gateway.store.failures import translated, why
from gateway.store.tables import VERSIONS
from gateway.store.versions import CHANNEL

_LOOK: Final = 0.2  # seconds between two looks at a file
_PROBE: Final = 2.0  # seconds in which one's own notification must arrive
_NEWEST: Final = f"SELECT version, at FROM {VERSIONS.name} ORDER BY version DESC LIMIT 1"  # noqa: S608 (a name of ours)
_log = structlog.get_logger()


class Signal(Protocol):
    """Waits, in a thread."""

    listening: bool  # a change is heard of at once

    def wait(self, timeout: float) -> None:
        """Returns after `timeout` seconds, or when something may have changed. Raises StoreUnavailable."""

    def close(self) -> None: ...


def signal_of(database: Database) -> Signal:
    """Connects to nothing yet."""
    path = database.path
    return Notifications(database) if path is None else Commits(path, database.shown)


class Commits:
    """`PRAGMA data_version` changes when another connection has committed: this one never writes.

    Workers commit their counts each second, so who waits is woken by another newest version alone.
    """

    def __init__(self, path: Path, shown: str) -> None:
        self._path, self._shown = path, shown
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: file.Identity | None = None  # that the connection has open
        self._committed: object = None  # what `data_version` was last
        self._newest: object = None  # version then
        self._seen: tuple[object, ...] = ()
        self._closed = Event()
        self.listening = False

    def wait(self, timeout: float) -> None:
        end = monotonic() + timeout
        while not self._closed.is_set() and not self._changed() and monotonic() < end:
            self._closed.wait(_LOOK)

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            self._disconnect()

    def _changed(self) -> bool:
        with self._lock:
            try:
                with translated(self._shown):
                    seen = self._look()
            except StoreUnavailable:
                self._disconnect()
                raise
            changed, self._seen = seen != self._seen, seen
            return changed

    def _look(self) -> tuple[object, ...]:
        found = file.identity(self._path)
        if found is None or found != self._file or self._connection is None:
            self._disconnect()  # deleted, and perhaps made anew
        if found is None or self._closed.is_set():
            return (found,)  # a missing file is an empty store: whoever looks finds that
        if self._connection is None:
            self._connection = file.opened(self._path, "ro", _LOOK)
            self._file = found
        self.listening = True
        committed = self._connection.execute("PRAGMA data_version").fetchone()
        if committed != self._committed:
            self._newest, self._committed = _newest(self._connection), committed
        return found, self._newest

    def _disconnect(self) -> None:
        connection, self._connection, self.listening = self._connection, None, False
        self._committed = None
        if connection is not None:
            connection.close()


def _newest(connection: sqlite3.Connection) -> object:
    """None too where the tables are yet to be made."""
    try:
        return connection.execute(_NEWEST).fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        return None


class Notifications:
    """`LISTEN` on a connection of its own.

    A pooler in transaction mode accepts it and delivers nothing, so each new connection is tried with
    a notification to itself; without it `listening` is false, and versions are found by looking.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None  # psycopg's; the driver is an extra
        self._closed = False
        self.listening = False

    def wait(self, timeout: float) -> None:
        need_driver()
        import psycopg  # noqa: PLC0415 (an extra)

        try:
            if self._connection is None:
                self._connect()
                return  # nobody heard what came before
            for _ in self._connection.notifies(timeout=timeout, stop_after=1):
                return
        except psycopg.Error as error:
            self._disconnect()
            if self._closed:
                return
            raise StoreUnavailable(f"store {self._database.shown}: {why(error)}") from error
        finally:
            if self._closed:
                self._disconnect()

    def close(self) -> None:
        self._closed = True
        self._disconnect()

    def _connect(self) -> None:
        self._connection = connect(self._database)
        self._connection.execute(f"LISTEN {CHANNEL}")
        probe = f"probe {os.getpid()} {monotonic()}"
        self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, probe))
        heard = self._connection.notifies(timeout=_PROBE)
        self.listening = any(notification.payload == probe for notification in _until(heard, probe))
        if not self.listening:
            _log.warning(
                "store.deaf", store=self._database.shown, hint="a pooler? versions are polled"
            )

    def _disconnect(self) -> None:
        connection, self._connection, self.listening = self._connection, None, False
        if connection is not None:
            connection.close()


def connect(database: Database) -> Any:
    """A connection of one's own, outside the pool: for what belongs to a session."""
    import psycopg  # noqa: PLC0415 (an extra)

    arguments, options = _dialect(database.url).create_connect_args(database.url)
    options = {**session_arguments(database.url), **options}
    return psycopg.connect(*arguments, **options, autocommit=True)


def _dialect(url: sa.URL) -> sa.Dialect:
    dialect: Callable[[], sa.Dialect] = url.get_dialect()
    return dialect()


def _until(heard: Any, payload: str) -> Any:
    for notification in heard:
        yield notification
        if notification.payload == payload:
            return
