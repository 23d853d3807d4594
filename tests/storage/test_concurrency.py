"""Many callers at once, and callers that leave."""

import threading
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from anyio import create_task_group, to_thread
from anyio.from_thread import BlockingPortal

from shared_services.storage import Store, Transaction
from shared_services.storage.sqlite import open_sqlite
from tests.storage.bare import BareSqlite
from tests.storage.conftest import create_tables
from tests.storage.leaving import Leave, by_scope, by_task
from tests.storage.tables import ACCOUNTS, Account

WORKERS = 8  # threads, and as many tasks
DEBITS = 25  # of each


def _open_account(tx: Transaction, cash: int) -> None:
    tx.put(ACCOUNTS, Account("ann", Decimal(cash)))


def _debit(tx: Transaction) -> Account:
    account = tx.get(ACCOUNTS, "ann")
    assert account is not None
    tx.put(ACCOUNTS, replace(account, cash=account.cash - 1))
    return account


async def _race(store: Store) -> Account | None:
    """400 debits of 1 from an account of 400, by threads (as Flask has them) and tasks at once."""
    await store.transaction(_open_account, 2 * WORKERS * DEBITS)

    async def in_a_task() -> None:
        for _ in range(DEBITS):
            await store.transaction(_debit)

    def in_a_thread(portal: BlockingPortal) -> None:
        for _ in range(DEBITS):
            portal.call(store.transaction, _debit)

    async with BlockingPortal() as portal, create_task_group() as tasks:
        for _ in range(WORKERS):
            tasks.start_soon(in_a_task)
            tasks.start_soon(to_thread.run_sync, in_a_thread, portal)
    return await store.read(lambda reader: reader.get(ACCOUNTS, "ann"))


async def test_t32_of_400_concurrent_debits_every_one_is_applied(store: Store) -> None:
    assert await _race(store) == Account("ann", Decimal(0))


@pytest.mark.xfail(
    strict=True,
    raises=(AssertionError, ExceptionGroup),
    reason="it reads outside of the transaction: updates are lost, some are told locked",
)
async def test_t32_on_the_bare_library(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/test.db", connect_args={"timeout": 1})
    create_tables(engine)
    try:
        assert await _race(BareSqlite(engine)) == Account("ann", Decimal(0))
    finally:
        engine.dispose()


class Blocked:
    """A transaction function that has written, and does not end before it is let go."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, tx: Transaction) -> None:
        _open_account(tx, 1)
        self.started.set()
        assert self.let_go.wait(timeout=10)


@pytest.mark.parametrize("leave", [by_scope, by_task])
async def test_a_cancelled_sqlite_transaction_ends_whole_and_loses_no_connection(
    tmp_path: Path, leave: Leave
) -> None:
    async with open_sqlite(f"sqlite:///{tmp_path}/test.db", create_tables) as store:
        for _ in range(10):  # more than the pool has connections
            await store.transaction(lambda tx: tx.delete(ACCOUNTS, "ann"))
            work = Blocked()
            await leave(
                partial(store.transaction, work), once=work.started.wait, then=work.let_go.set
            )
            account = await store.transaction(lambda tx: tx.get(ACCOUNTS, "ann"))

            assert account == Account("ann", Decimal(1))
