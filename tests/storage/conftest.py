"""The stores under test, each with the tables of `tests/storage/tables.py`."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import pytest

from shared_services.storage import Store
from shared_services.storage.memory import MemoryStore
from shared_services.storage.metadata import metadata
from shared_services.storage.postgres import open_postgres
from shared_services.storage.sqlite import open_sqlite
from tests.postgres import postgres_server, postgres_url
from tests.storage.tables import TABLES

__all__ = ["postgres_server", "postgres_url"]

create_tables = metadata(TABLES).create_all


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> AbstractAsyncContextManager[Store]:
    """A store of each kind, not yet open."""
    match request.param:
        case "memory":
            return nullcontext(MemoryStore())
        case "sqlite":
            return open_sqlite(f"sqlite:///{tmp_path}/test.db", create_tables)
        case _:
            return open_postgres(request.getfixturevalue("postgres_url"), create_tables)


@pytest.fixture
async def store(opening: AbstractAsyncContextManager[Store]) -> AsyncIterator[Store]:
    """An open store of each kind."""
    async with opening as opened:
        yield opened
