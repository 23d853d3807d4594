"""Opening a store brings its schema up to date, whoever else opens it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from shared_services.storage import migrate as migrating
from shared_services.storage import open_store, schema
from shared_services.storage.draft import draft
from shared_services.storage.errors import UnusableStore
from shared_services.storage.metadata import metadata
from shared_services.storage.migrate import migrate
from shared_services.storage.schema import TABLES
from tests.storage.processes import at_once, open_and_close
from tests.storage.tables import MARKS, Mark

MIGRATIONS = Path(migrating.__file__).with_name("migrations")
REVISIONS = {path.name for path in MIGRATIONS.glob("versions/*.py")}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that nobody has opened yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    return str(request.getfixturevalue("postgres_url"))


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def shape(connection: sa.Connection) -> dict[str, Any]:
    """Everything that can differ between two schemas, in words."""
    inspector = sa.inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            },
            "key": inspector.get_pk_constraint(table)["constrained_columns"],
            "indexes": {
                index["name"]: (index["column_names"], index["unique"])
                for index in inspector.get_indexes(table)
            },
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_a_migrated_store_has_exactly_the_tables_that_the_code_expects(url: str) -> None:
    with connected(url) as connection:
        migrate(connection)
        migrated = shape(connection)
        everything = sa.MetaData()
        everything.reflect(connection)
        everything.drop_all(connection)
        metadata(TABLES).create_all(connection)

        assert migrated == shape(connection)
    assert migrated.keys() == {table.name for table in TABLES}


async def test_opening_a_store_a_second_time_changes_nothing(url: str) -> None:
    async with open_store(url):
        pass
    with connected(url) as connection:
        first = shape(connection)
    async with open_store(url):
        pass
    with connected(url) as connection:
        assert shape(connection) == first


async def test_a_schema_newer_than_the_code_is_refused_and_left_alone(url: str) -> None:
    async with open_store(url):
        pass
    with connected(url) as connection:
        known = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'from_tomorrow'")

    with pytest.raises(UnusableStore, match=rf"revision from_tomorrow, .* none after {known}:"):
        async with open_store(url):
            pass

    with connected(url) as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    assert version == "from_tomorrow"


def test_processes_that_open_a_new_store_at_once_do_not_fight(url: str) -> None:
    with at_once(4) as processes:
        for opened in [processes.submit(open_and_close, url) for _ in range(4)]:
            opened.result(timeout=60)

    with connected(url) as connection:
        assert shape(connection).keys() == {table.name for table in TABLES}


async def test_a_drafted_revision_makes_the_table_that_was_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copy)
    monkeypatch.setattr(migrating, "MIGRATIONS", str(copy))
    monkeypatch.setattr(schema, "TABLES", (*TABLES, MARKS))

    draft("Marks, and nothing else")

    (written,) = set(copy.glob("versions/*.py")) - {copy / "versions" / name for name in REVISIONS}
    assert written.name == f"{len(REVISIONS) + 1:04}_marks_and_nothing_else.py"
    async with open_store(f"sqlite:///{tmp_path}/test.db") as store:
        await store.transaction(lambda tx: tx.put(MARKS, Mark("ann", "x")))
