"""The store's transactions: SQLite on one machine, PostgreSQL for a fleet, one code through SQLAlchemy.

All of it is synchronous and is called in threads: a command has no loop, and a data plane's loop must
never wait for a database.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import time
from typing import Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.store.errors import StoreUnavailable, UnusableStore
from gateway.store.tables import META, SCHEMA, metadata, triggers

FORMS: Final = "sqlite:///var/banyan.db or postgresql+psycopg://user@host/database"
BUSY: Final = 5  # seconds to wait for another's transaction, or for PostgreSQL's answer
CONNECT: Final = 2  # seconds; libpq takes less for 2
_SCHEMA_LOCK: Final = (
    0x62616E79616E01  # "banyan" and 1; an advisory lock is known by a number alone
)


class Database:
    """Opens, prepares and opens again; connections are made when they are needed."""

    def __init__(self, url: str) -> None:
        """Raises UnusableStore for a URL that names no store; connects to nothing."""
        self.url = _parsed(url)
        self.shown = self.url.render_as_string(hide_password=True)
        self.path = Path(self.url.database or "") if self.dialect == "sqlite" else None
        self._lock = Lock()
        self._engine: sa.Engine | None = None
        self._file: tuple[int, int] | None = None  # inode and device of the file that is open

    @property
    def dialect(self) -> str:
        return self.url.get_backend_name()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment. Raises StoreUnavailable and UnusableStore."""
        if self.path is not None and not self.path.exists():
            with translated(self.shown), _nothing().connect() as connection:
                yield connection
            return
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is committed at its end, as a whole or not at all. Raises likewise.

        Breaking a rule of a table raises sqlalchemy's IntegrityError.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def now(self, connection: sa.Connection) -> float:
        """Seconds since 1970 by the store's clock: all hosts of a fleet agree on it."""
        if self.dialect == "sqlite":
            return time()
        return float(
            connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
        )

    def close(self) -> None:
        with self._lock:
            self._dispose()

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine, self._file = None, None

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sa.Connection]:
        with translated(self.shown), self._opened().connect() as connection:
            _begin(connection, begin)
            yield connection
            connection.commit()

    def _opened(self) -> sa.Engine:
        """The engine, its schema prepared; another one if the file behind it is not the same any more."""
        with self._lock:
            if self._engine is not None and (
                self.path is None or self._file == _identity(self.path)
            ):
                return self._engine
            self._dispose()
            engine = _sqlite(self.path) if self.path is not None else _postgres(self.url)
            try:
                _prepare(engine)
            except BaseException:
                engine.dispose()
                raise
            self._engine = engine
            self._file = None if self.path is None else _identity(self.path)
            return engine


@contextmanager
def translated(store: str) -> Iterator[None]:
    """What drivers raise, as errors that name the store and the next step."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as error:
        raise StoreUnavailable(f"store {store}: {_why(error)}") from error
    except sa.exc.TimeoutError as error:
        raise StoreUnavailable(f"store {store}: every connection is in use") from error
    except OSError as error:
        raise StoreUnavailable(f"store {store}: {error.strerror or error}") from error


def _why(error: sa.exc.DBAPIError) -> str:
    first = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no answer"
    damaged = isinstance(error.orig, sqlite3.DatabaseError) and (
        getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
    )
    if damaged:
        return f"damaged ({first}); move the file away: a new one begins with the last good plan"
    return first


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


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_dev


def _nothing() -> sa.Engine:
    """An empty store: looking for one makes no file."""
    engine = sa.create_engine("sqlite://")
    _prepare(engine)
    return engine


def _sqlite(path: Path) -> sa.Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        # None: BEGIN is ours to send, the driver would send a deferred one before a write
        connect_args={"isolation_level": None, "timeout": BUSY},
        pool_size=4,
        max_overflow=4,
    )
    sa.event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA busy_timeout = 5000")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if (
        mode != "wal"
    ):  # the file remembers it; two processes that make it at once wait for each other
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a power cut loses no plan and no audit line


def _postgres(url: sa.URL) -> sa.Engine:
    try:
        import psycopg  # noqa: F401, PLC0415 (an extra)
    except ImportError as error:
        raise UnusableStore(f"{error}; pip install 'banyan-gateway[postgres]'") from error
    return sa.create_engine(
        url,
        pool_size=4,
        max_overflow=4,
        pool_pre_ping=True,  # a server that was restarted costs nobody an error
        pool_timeout=BUSY,
        connect_args={
            "connect_timeout": CONNECT,
            "prepare_threshold": None,  # a pooler gives the next transaction another server
            "application_name": "banyan",
            "tcp_user_timeout": BUSY * 1000,
        },
    )


def _begin(connection: sa.Connection, begin: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(begin)
        return
    limit = BUSY * 1000
    connection.exec_driver_sql(
        f"SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}"
    )


def _prepare(engine: sa.Engine) -> None:
    """Makes the tables if there are none. Raises UnusableStore if newer code has made them."""
    with engine.connect() as connection:
        _begin(connection, "BEGIN")
        known = _schema(connection)
        connection.rollback()
    if known is None:
        with engine.connect() as connection:
            _begin(connection, "BEGIN IMMEDIATE")
            if connection.dialect.name != "sqlite":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
            known = _schema(connection)  # another process may have been faster
            if known is None:
                known = _create(connection)
            connection.commit()
    if known > SCHEMA:
        raise UnusableStore(
            f"the store has schema {known}, this version of banyan knows {SCHEMA}: install the newer one"
        )


def _schema(connection: sa.Connection) -> int | None:
    if not sa.inspect(connection).has_table(META.name):
        return None
    value = connection.execute(sa.select(META.c.value).where(META.c.name == "schema")).scalar()
    return None if value is None else int(value)


def _create(connection: sa.Connection) -> int:
    metadata.create_all(connection)
    for statement in triggers(connection.dialect.name):
        connection.execute(sa.text(statement))
    rows = [{"name": "schema", "value": str(SCHEMA)}, {"name": "id", "value": uuid4().hex}]
    connection.execute(sa.insert(META), rows)
    return SCHEMA
