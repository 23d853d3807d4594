"""What other processes do to the same store: functions that a new interpreter imports by name."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from decimal import Decimal
from multiprocessing import get_context

from shared_services.storage import Transaction, open_store
from shared_services.storage.metadata import metadata
from shared_services.storage.sqlite import open_sqlite
from tests.storage.tables import ACCOUNTS, TABLES, Account


def at_once(count: int) -> ProcessPoolExecutor:
    """`count` new processes, none of which begins its call before all of them have started."""
    context = get_context("spawn")
    return ProcessPoolExecutor(
        count, context, initializer=context.Barrier(count).wait, initargs=(30,)
    )


def credit(tx: Transaction) -> None:
    account = tx.get(ACCOUNTS, "ann") or Account("ann", Decimal(0))
    tx.put(ACCOUNTS, replace(account, cash=account.cash + 1))


def credit_for(url: str, seconds: float) -> int:
    """Credit 1 again and again; how often it was done."""

    async def work() -> int:
        done = 0
        async with open_sqlite(url, metadata(TABLES).create_all) as store:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                await store.transaction(credit)
                done += 1
        return done

    return asyncio.run(work())


def open_and_close(url: str) -> None:
    async def work() -> None:
        async with open_store(url):
            pass

    asyncio.run(work())
