"""Services over each store, on a market whose prices the test sets."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import pytest

from shared_services.services import Services
from shared_services.storage import Store
from shared_services.storage.memory import MemoryStore
from shared_services.storage.metadata import metadata
from shared_services.storage.postgres import open_postgres
from shared_services.storage.schema import TABLES
from shared_services.storage.sqlite import open_sqlite
from tests.fakes import FixedClock, FixedMarket, example_market
from tests.postgres import postgres_server, postgres_url
from tests.services.exchanges import FaultyExchange, open_example, wired

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def market() -> FixedMarket:
    return example_market()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> AbstractAsyncContextManager[Store]:
    create_tables = metadata(TABLES).create_all
    match request.param:
        case "memory":
            return nullcontext(MemoryStore())
        case "sqlite":
            return open_sqlite(f"sqlite:///{tmp_path}/test.db", create_tables)
        case _:
            return open_postgres(request.getfixturevalue("postgres_url"), create_tables)


@pytest.fixture
async def each_store(opening: AbstractAsyncContextManager[Store]) -> AsyncIterator[Store]:
    """An open store of each kind: for tests whose subject is a race or a transaction."""
    async with opening as store:
        yield store


@pytest.fixture
async def exchange(clock: FixedClock, market: FixedMarket) -> FaultyExchange:
    """The contract's example account in memory, on an exchange that fails when told to."""
    return await open_example(MemoryStore(), clock, market)


@pytest.fixture
def services(exchange: FaultyExchange) -> Services:
    return wired(exchange)
