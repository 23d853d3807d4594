"""The store of a fleet: PostgreSQL, through psycopg."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Concatenate

import psycopg
import sqlalchemy as sa
from anyio import sleep
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared_services.storage.errors import StoreUnavailable
from shared_services.storage.port import P, Reader, T, Transaction
from shared_services.storage.sql import SqlReader, SqlTransaction
from shared_services.storage.urls import parse_url

ATTEMPTS = 40
FIRST_BACK_OFF = 0.002  # seconds, doubled for each further attempt; waited is a random part
LONGEST_BACK_OFF = 0.2  # seconds
CONNECT_TIMEOUT = 5  # seconds
MIGRATION_LOCK = 0x62616E79616E  # "banyan"; an advisory lock is known by a number alone

# https://www.postgresql.org/docs/15/errcodes-appendix.html
_CONFLICTS = {"40001", "40P01"}  # serialization failure, deadlock
# Connection, resources, shutdown or a time limit, disk; read-only, lock not available in time
_UNAVAILABLE = ("08", "53", "57", "58", "25006", "55P03")


class PostgresStore:
    """SERIALIZABLE transactions on the loop that opened the store; a pool belongs to one loop.

    Two that conflict would not have the result of any order of them: PostgreSQL aborts one, and it
    is run again as a whole.
    """

    def __init__(self, engine: AsyncEngine, *, attempts: int = ATTEMPTS) -> None:
        self._engine = engine
        self._readers = engine.execution_options(postgresql_readonly=True)
        self._attempts = attempts

    async def transaction(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def work(connection: sa.Connection) -> T:
            return function(SqlTransaction(connection), *args, **kwargs)

        return await _run(self._engine, work, self._attempts)

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def work(connection: sa.Connection) -> T:
            return function(SqlReader(connection), *args, **kwargs)

        return await _run(self._readers, work, self._attempts)


@asynccontextmanager
async def open_postgres(
    url: str, prepare: Callable[[sa.Connection], None]
) -> AsyncIterator[PostgresStore]:
    """Connect to the server; `prepare` brings the schema up while every other process waits.

    Raises UnusableStore for a URL that is none, StoreUnavailable if the server lets nobody in.
    """
    engine = create_async_engine(
        parse_url(url),
        isolation_level="SERIALIZABLE",
        pool_pre_ping=True,  # a server that was restarted costs no request an error
        connect_args={"connect_timeout": CONNECT_TIMEOUT},
    )
    try:
        # Not SERIALIZABLE: its snapshot would be from before the lock was waited for
        preparing = engine.execution_options(isolation_level="READ COMMITTED")
        await _run(preparing, lambda connection: _prepare(connection, prepare))
        yield PostgresStore(engine)
    finally:
        await engine.dispose()


def _prepare(connection: sa.Connection, prepare: Callable[[sa.Connection], None]) -> None:
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    prepare(connection)


class _Conflict(Exception):
    """PostgreSQL aborted this transaction for another; run again, it may succeed."""


async def _run(
    engine: AsyncEngine, work: Callable[[sa.Connection], T], attempts: int = ATTEMPTS
) -> T:
    for attempt in range(attempts):
        try:
            return await _transaction(engine, work)
        except _Conflict:
            await sleep(_back_off(attempt))
    raise StoreUnavailable(f"{attempts} attempts met conflicting transactions")


async def _transaction(engine: AsyncEngine, work: Callable[[sa.Connection], T]) -> T:
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except sa.exc.DBAPIError as error:
        if _sqlstate(error) in _CONFLICTS:
            raise _Conflict from error
        if _is_unavailable(error):
            raise StoreUnavailable(str(error.orig)) from error
        raise
    except sa.exc.TimeoutError as error:
        raise StoreUnavailable("every connection is in use") from error


def _is_unavailable(error: sa.exc.DBAPIError) -> bool:
    if isinstance(error.orig, psycopg.OperationalError) and error.orig.sqlstate is None:
        return True  # no server said so: the connection failed, or never came to be
    return _sqlstate(error).startswith(_UNAVAILABLE)


def _sqlstate(error: sa.exc.DBAPIError) -> str:
    return (isinstance(error.orig, psycopg.Error) and error.orig.sqlstate) or ""


def _back_off(attempt: int) -> float:
    longest = min(FIRST_BACK_OFF * 2**attempt, LONGEST_BACK_OFF)
    return random.uniform(0, longest)  # noqa: S311 - jitter, no secret
