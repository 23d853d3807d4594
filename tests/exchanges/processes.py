"""What other processes do with the same key: functions that a new interpreter imports by name."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from shared_services.clock import SYSTEM_CLOCK
from shared_services.exchange.ccxt.adapter import CcxtExchange, open_ccxt
from shared_services.exchange.ccxt.client import Venue
from shared_services.nonces.owner import NonceOwner, Unit
from shared_services.nonces.turns import Budget
from shared_services.storage import Store, open_store
from tests.bitfinex.server import KEY
from tests.exchanges.fixtures import KEYS, PLENTY


@asynccontextmanager
async def opened(store_url: str, fake_url: str) -> AsyncIterator[CcxtExchange]:
    async with open_store(store_url) as store:
        venue = Venue("bitfinex", KEYS, url=fake_url, limited=False)
        async with open_ccxt(venue, owner_of(store), store, SYSTEM_CLOCK) as exchange:
            yield exchange


def owner_of(store: Store, budget: Budget = PLENTY) -> NonceOwner:
    return NonceOwner(store, SYSTEM_CLOCK, KEY, budget=budget, unit=Unit.MILLISECONDS)


def call(store_url: str, fake_url: str, count: int) -> int:
    """`count` signed calls, ten of them at a time; how many were answered."""

    async def work() -> int:
        answered = 0

        async def ask(exchange: CcxtExchange) -> None:
            nonlocal answered
            for _ in range(count // 10):
                await exchange.balances()
                answered += 1

        async with opened(store_url, fake_url) as exchange, anyio.create_task_group() as asking:
            for _ in range(10):
                asking.start_soon(ask, exchange)
        return answered

    return asyncio.run(work())


def wait_for_turn(store_url: str, seconds: float) -> float:
    """CPU seconds that `seconds` of waiting for somebody else's turn cost."""

    async def work() -> float:
        async with open_store(store_url) as store:
            owner = owner_of(store)
            with anyio.move_on_after(1):
                await owner.next()  # imports and connections are not what is measured
            before = time.process_time()
            with anyio.move_on_after(seconds):
                await owner.next()
            return time.process_time() - before

    return asyncio.run(work())


def die_in_turn(store_url: str) -> None:
    """Never returns: the caller kills it. The turn has been taken when the mark has moved."""

    async def work() -> None:
        async with open_store(store_url) as store, owner_of(store).turn():
            await anyio.sleep_forever()

    asyncio.run(work())
