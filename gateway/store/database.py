"""The store's transactions: SQLite on one machine, PostgreSQL for a fleet, one code through SQLAlchemy.

All of it is synchronous and is called in threads: a command has no loop, and a data plane's loop must
never wait for a database.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from time import time
from typing import Final

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.store import file
from gateway.store.errors import UnusableStore
from gateway.store.failures import translated
from gateway.store.schema import prepare
from gateway.store.transaction import BUSY, begin_reading, begin_writing

FORMS: Final = "sqlite:///var/banyan.db or postgresql+psycopg://user@host/database"
CONNECT: Final = 2  # seconds; libpq takes less for 2
POOL: Final = 4  # connections that are kept; as many again are made when they are needed


class Database:
    """Opens, prepares and opens again; connections are made when they are needed."""

    def __init__(self, url: str) -> None:
        """Raises UnusableStore for a URL that names no store; connects to nothing."""
        self.url = _parsed(url)
        self.shown = _shown(self.url)
        self.path = Path(self.url.database or "") if self.dialect == "sqlite" else None
        self._lock = Lock()
        self._engine: sa.Engine | None = None
        self._prepared: sa.Engine | None = (
            None  # the engine whose store is known to have the tables
        )
        self._file: file.Identity | None = None  # the file that the engine has open

    @property
    def dialect(self) -> str:
        return self.url.get_backend_name()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment. Raises StoreUnavailable and UnusableStore."""
        with translated(self.shown):
            missing = self.path is not None and not self.path.exists()
        with _nothing() if missing else self._transaction(begin_reading) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is committed at its end, as a whole or not at all. Raises likewise.

        Breaking a rule of a table raises sqlalchemy's IntegrityError.
        """
        with self._transaction(begin_writing) as connection:
            yield connection

    def now(self, connection: sa.Connection) -> float:
        """Seconds since 1970 by the store's clock: all hosts of a fleet agree on it."""
        if self.dialect == "sqlite":
            return time()
        return float(
            connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
        )

    def close(self) -> None:
        """The next transaction opens it again."""
        with self._lock:
            self._dispose()

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = self._prepared = self._file = None

    @contextmanager
    def _transaction(self, begin: Callable[[sa.Connection], None]) -> Iterator[sa.Connection]:
        with translated(self.shown):
            engine = self._opened()
            try:
                if engine is not self._prepared:
                    prepare(engine)
                    self._prepared = engine
                with engine.connect() as connection:
                    try:
                        begin(connection)
                        yield connection
                        connection.commit()
                    finally:
                        closed = engine is not self._engine  # meanwhile, and its pool with it
                        if closed and not connection.invalidated:
                            connection.detach()
            except sa.exc.DBAPIError as error:
                self._doubt(engine, error)
                raise

    def _opened(self) -> sa.Engine:
        """The engine; another one if the file behind it is not the same any more."""
        with self._lock:
            if self.path is None:
                self._engine = self._engine or _postgres(self.url)
                return self._engine
            found = file.identity(self.path)
            if self._engine is None or found is None or found != self._file:
                self._dispose()
                file.make(self.path)
                self._engine, self._file = _sqlite(self.path), file.identity(self.path)
            return self._engine

    def _doubt(self, engine: sa.Engine, error: sa.exc.DBAPIError) -> None:
        """After an error the store may not be what it was: restored, emptied, damaged."""
        if isinstance(error, sa.exc.IntegrityError):
            return
        with self._lock:
            if engine is not self._engine:
                return
            self._prepared = None
            if self.path is not None and not _is_busy(error):
                self._dispose()  # what its connections remember of the file may be wrong


def _is_busy(error: sa.exc.DBAPIError) -> bool:
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _shown(url: sa.URL) -> str:
    """For people: a password may stand in the query too."""
    hidden = [name for name in url.query if "password" in name]
    return url.difference_update_query(hidden).render_as_string(hide_password=True)


def _parsed(url: str) -> sa.URL:
    try:
        parts = sa.make_url(url)
        backend = parts.get_backend_name()
    except (ValueError, sa.exc.ArgumentError):
        raise UnusableStore(f"BANYAN_STORE is no URL of a store: give {FORMS}") from None
    if backend == "postgresql":
        return parts.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise UnusableStore(f"no store for {backend}://: give {FORMS}")
    # With two slashes the first folder is taken for a host, and the file made elsewhere
    if parts.host or parts.database in {None, "", ":memory:"}:
        raise UnusableStore(f"{parts} names no file: give {FORMS}")
    return parts


@contextmanager
def _nothing() -> Iterator[sa.Connection]:
    """An empty store: looking for one makes no file."""
    engine = sa.create_engine("sqlite://")
    try:
        prepare(engine)
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _sqlite(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        "sqlite://",
        creator=partial(file.opened, path, "rw", BUSY),
        poolclass=sa.QueuePool,
        pool_size=POOL,
        max_overflow=POOL,
        pool_timeout=BUSY,
        pool_use_lifo=True,  # each keeps pages and statements of its own: the fewer, the less memory
    )
    sa.event.listen(engine, "connect", partial(_set_up, path))
    return engine


def _set_up(path: Path, connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # The file remembers its mode. Of two that change it at once, SQLite refuses one without waiting
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        with file.locked(path.parent):
            connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a power cut loses no plan and no audit line
    connection.execute("PRAGMA cache_size = -256")  # KiB; the 2 MiB of each fill up for hours


def _postgres(url: sa.URL) -> sa.Engine:
    need_driver()
    return sa.create_engine(
        url,
        pool_size=POOL,
        max_overflow=POOL,
        pool_pre_ping=True,  # a server that was restarted costs nobody an error
        pool_timeout=BUSY,
        connect_args=session_arguments(url),
    )


def need_driver() -> None:
    """Raises UnusableStore where PostgreSQL's driver is not installed."""
    try:
        import psycopg  # noqa: F401, PLC0415 (an extra)
    except ImportError as error:
        raise UnusableStore(f"{error}; pip install 'banyan-gateway[postgres]'") from error


def session_arguments(url: sa.URL) -> dict[str, object]:
    """What we tell libpq and psycopg where the URL says nothing itself."""
    ours: dict[str, object] = {
        "connect_timeout": CONNECT,
        "prepare_threshold": None,  # a pooler gives the next transaction another server
        "application_name": "banyan",
        "tcp_user_timeout": BUSY * 1000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }
    return {name: value for name, value in ours.items() if name not in url.query}
