"""The store on both databases; `other` is the same store as another process sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.store.opening import Store, open_store
from tests.postgres import Server, postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/banyan.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def other(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def raw(store: Store, store_url: str) -> Iterator[sa.Engine]:
    """For statements that no code of ours sends; the tables are there."""
    store.versions.newest()
    with store.database.writing():
        pass
    engine = sa.create_engine(store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of the SQLite file, for tests of what only files can suffer."""
    return tmp_path / "banyan.db"


@pytest.fixture
def file_store(path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture
def fleet_url(postgres_url: str) -> str:
    """For tests of what only a server can suffer."""
    return postgres_url


@pytest.fixture
def fleet_store(fleet_url: str) -> Iterator[Store]:
    opened = open_store(fleet_url)
    yield opened
    opened.close()


@pytest.fixture
def server(postgres_server: Server) -> Server:
    return postgres_server
