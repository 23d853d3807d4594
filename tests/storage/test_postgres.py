"""What only the PostgreSQL store does."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import monotonic

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from shared_services.storage import Reader, Transaction
from shared_services.storage.errors import StoreUnavailable, UnusableStore
from shared_services.storage.postgres import PostgresStore, open_postgres
from shared_services.storage.sql import SqlReader
from tests.postgres import Server
from tests.storage.conftest import create_tables
from tests.storage.leaving import Leave, by_scope, by_task
from tests.storage.processes import credit
from tests.storage.tables import ACCOUNTS, Account


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    async with open_postgres(postgres_url, create_tables) as opened:
        yield opened


@pytest.fixture
def other(postgres_url: str) -> Iterator[psycopg.Connection]:
    """Another process's connection to the same database."""
    with closing(psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True)) as it:
        yield it


class Conflicting:
    """A transaction function that conflicts with another's transaction in its first `times` runs."""

    def __init__(self, other: psycopg.Connection, times: int) -> None:
        self.runs = 0
        self._other = other
        self._times = times

    def __call__(self, tx: Transaction) -> None:
        self.runs += 1
        tx.get(ACCOUNTS, "ann")
        if self.runs <= self._times:
            self._other.execute("UPDATE accounts SET cash = cash + 1 WHERE id = 'ann'")
        credit(tx)


async def test_a_transaction_that_conflicts_is_run_again_until_it_does_not(
    store: PostgresStore, other: psycopg.Connection
) -> None:
    await store.transaction(credit)
    work = Conflicting(other, times=3)
    await store.transaction(work)

    assert work.runs == 4
    account = await store.read(lambda reader: reader.get(ACCOUNTS, "ann"))
    assert account == Account("ann", Decimal(1 + 3 + 1))


async def test_a_transaction_that_always_conflicts_is_unavailable_in_the_end(
    store: PostgresStore, other: psycopg.Connection
) -> None:
    await store.transaction(credit)
    work = Conflicting(other, times=1_000)

    with pytest.raises(StoreUnavailable) as caught:
        await PostgresStore(store._engine, attempts=3).transaction(work)

    assert caught.value.reason == "3 attempts met conflicting transactions"
    assert work.runs == 3


async def test_transactions_are_serializable_and_preparing_sees_what_it_waited_for(
    postgres_url: str,
) -> None:
    levels = []

    def note(connection: sa.Connection) -> None:
        levels.append(connection.exec_driver_sql("SHOW transaction_isolation").scalar_one())
        levels.append(connection.exec_driver_sql("SHOW transaction_read_only").scalar_one())

    async with open_postgres(postgres_url, note) as store:
        await store.transaction(lambda tx: note(_connection(tx)))
        await store.read(lambda reader: note(_connection(reader)))
        await store.transaction(lambda tx: note(_connection(tx)))

    assert levels == [
        *("read committed", "off"),
        *("serializable", "off"),
        *("serializable", "on"),
        *("serializable", "off"),
    ]


async def test_a_server_that_went_away_is_unavailable_and_one_that_is_back_is_used(
    store: PostgresStore, postgres_server: Server
) -> None:
    await store.transaction(credit)
    postgres_server.stop()
    try:
        with pytest.raises(StoreUnavailable):
            await store.transaction(credit)
    finally:
        postgres_server.start()
    await store.transaction(credit)

    account = await store.read(lambda reader: reader.get(ACCOUNTS, "ann"))
    assert account == Account("ann", Decimal(2))


async def test_a_restart_between_two_transactions_is_not_noticed(
    store: PostgresStore, postgres_server: Server
) -> None:
    await store.transaction(credit)
    postgres_server.restart()
    await store.transaction(credit)


async def test_a_connection_lost_in_a_transaction_is_unavailable_and_nothing_is_written(
    store: PostgresStore, other: psycopg.Connection
) -> None:
    def lose(tx: Transaction) -> None:
        credit(tx)
        pid = _connection(tx).exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        other.execute("SELECT pg_terminate_backend(%s)", [pid])

    with pytest.raises(StoreUnavailable):
        await store.transaction(lose)

    assert await store.read(lambda reader: reader.get(ACCOUNTS, "ann")) is None


async def test_a_read_only_server_is_unavailable_for_writers_and_can_be_read(
    postgres_server: Server,
) -> None:
    with postgres_server.database("standby") as url:
        async with open_postgres(url, create_tables):
            pass
        postgres_server.execute("ALTER DATABASE standby SET default_transaction_read_only = on")
        async with open_postgres(url, lambda connection: None) as store:
            with pytest.raises(StoreUnavailable) as caught:
                await store.transaction(credit)
            assert await store.read(lambda reader: reader.get(ACCOUNTS, "ann")) is None

    assert caught.value.reason == "cannot execute INSERT in a read-only transaction"


@pytest.mark.parametrize("leave", [by_scope, by_task])
async def test_a_cancelled_transaction_writes_nothing_and_loses_no_connection(
    store: PostgresStore, other: psycopg.Connection, leave: Leave
) -> None:
    def write_and_wait(tx: Transaction) -> None:
        tx.put(ACCOUNTS, Account("bob", Decimal(1)))
        credit(tx)  # waits for the row that `other` has locked

    def it_waits() -> None:
        deadline = monotonic() + 10
        while not other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            assert monotonic() < deadline

    await store.transaction(credit)
    for _ in range(20):  # more than the pool has connections
        with other.transaction():
            other.execute("UPDATE accounts SET cash = 7 WHERE id = 'ann'")
            await leave(partial(store.transaction, write_and_wait), once=it_waits)

    assert await store.read(lambda reader: reader.find(ACCOUNTS)) == [Account("ann", Decimal(7))]
    assert "Current Checked out connections: 0" in store._engine.pool.status()


async def test_a_pool_without_a_free_connection_is_unavailable(
    store: PostgresStore, postgres_url: str
) -> None:
    engine = create_async_engine(postgres_url, pool_size=1, max_overflow=0, pool_timeout=0)
    async with engine.connect():
        with pytest.raises(StoreUnavailable) as caught:
            await PostgresStore(engine).transaction(credit)
    await engine.dispose()

    assert caught.value.reason == "every connection is in use"


async def test_a_url_that_cannot_be_one_is_refused_without_its_password() -> None:
    with pytest.raises(UnusableStore) as caught:
        async with open_postgres("postgresql+psycopg://ann:secret@host:port/x", create_tables):
            pass
    assert "secret" not in str(caught.value)


async def test_a_server_that_does_not_answer_is_unavailable_at_the_start(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ann:secret@/x?host={tmp_path}"
    with pytest.raises(StoreUnavailable) as caught:
        async with open_postgres(url, create_tables):
            pass
    assert "No such file or directory" in caught.value.reason
    assert "secret" not in caught.value.reason


async def test_a_database_that_does_not_exist_is_named(postgres_server: Server) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        async with open_postgres(postgres_server.url("nowhere"), create_tables):
            pass
    assert 'database "nowhere" does not exist' in caught.value.reason


async def test_a_defect_of_ours_is_not_called_unavailable(postgres_url: str) -> None:
    async with open_postgres(postgres_url, lambda connection: None) as store:
        with pytest.raises(sa.exc.ProgrammingError, match="does not exist"):
            await store.transaction(credit)


def _connection(reader: Reader) -> sa.Connection:
    assert isinstance(reader, SqlReader)
    return reader._connection
