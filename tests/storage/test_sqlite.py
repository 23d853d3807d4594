"""What only the SQLite store does."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from shared_services.storage import Reader, Transaction
from shared_services.storage.errors import StoreUnavailable, UnusableStore
from shared_services.storage.filesystem import network_filesystem
from shared_services.storage.sqlite import READERS, SqliteStore, open_sqlite
from shared_services.storage.sqlite_engine import _use_wal
from tests.storage.bare import BareSqlite
from tests.storage.conftest import create_tables
from tests.storage.processes import at_once, credit, credit_for
from tests.storage.tables import ACCOUNTS, Account


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with open_sqlite(f"sqlite:///{path}", create_tables) as opened:
        yield opened


@pytest.fixture
def bare(path: Path, store: SqliteStore) -> Iterator[BareSqlite]:
    """The store's file, through the library's recipe for transactions."""
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
    yield BareSqlite(engine, begin="BEGIN")
    engine.dispose()


async def test_every_connection_has_the_pragmas(store: SqliteStore) -> None:
    pragmas = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    connections = [store._engine.connect() for _ in range(READERS + 1)]
    for connection in connections:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas]
        assert values == ["wal", 1, 5000, 1]
        connection.close()


def test_a_file_that_cannot_have_a_write_ahead_log_is_refused() -> None:
    with (
        closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(UnusableStore, match="journal mode memory: the file system does not carry"),
    ):
        _use_wal(connection)


@pytest.mark.parametrize(
    "is_bare",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.xfail(
                strict=True, raises=sa.exc.OperationalError, reason="locked, without waiting"
            ),
        ),
    ],
)
async def test_t33_a_transaction_that_read_may_write_whoever_else_writes(
    store: SqliteStore, bare: BareSqlite, path: Path, is_bare: bool
) -> None:
    def read_then_write(tx: Transaction) -> None:
        tx.get(ACCOUNTS, "ann")
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            try_to_write(other)
        tx.put(ACCOUNTS, Account("ann", Decimal(1)))

    def try_to_write(other: sqlite3.Connection) -> None:
        with suppress(sqlite3.OperationalError):  # the other may have to wait, but not we
            other.execute("INSERT INTO accounts VALUES ('bob', '1')")

    await (bare if is_bare else store).transaction(read_then_write)


def test_t33_two_processes_write_one_file_and_none_is_told_locked(path: Path) -> None:
    url = f"sqlite:///{path}"
    with at_once(2) as processes:
        running = [processes.submit(credit_for, url, 2.0) for _ in range(2)]
        done = [process.result(timeout=30) for process in running]

    with closing(sqlite3.connect(path)) as connection:
        (cash,) = connection.execute("SELECT cash FROM accounts").fetchone()
    assert int(cash) == sum(done)
    assert min(done) > 0


async def test_readers_see_a_snapshot_and_wait_for_no_writer(
    store: SqliteStore, path: Path
) -> None:
    def work(reader: Reader) -> tuple[Account | None, Account | None]:
        before = reader.get(ACCOUNTS, "ann")
        writer.execute("INSERT INTO accounts VALUES ('ann', '1')")
        writer.execute("COMMIT")
        return before, reader.get(ACCOUNTS, "ann")

    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert await store.read(work) == (None, None)


async def test_a_file_that_stays_locked_is_unavailable(store: SqliteStore, path: Path) -> None:
    with store._engine.connect() as connection:  # the one that the store will use next
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as caught:
            await store.transaction(credit)

    assert caught.value.envelope() == {"error": "Store unavailable"}
    assert str(caught.value) == "Store unavailable: database is locked"


async def test_a_pool_without_a_free_connection_is_unavailable(
    store: SqliteStore, path: Path
) -> None:
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=1, max_overflow=0, pool_timeout=0)
    with engine.connect(), pytest.raises(StoreUnavailable) as caught:
        await SqliteStore(engine, path).transaction(credit)
    engine.dispose()

    assert caught.value.reason == "every connection is in use"


async def test_a_full_disk_is_unavailable_and_the_store_recovers(
    store: SqliteStore, path: Path
) -> None:
    def grow(tx: Transaction) -> None:
        tx.put(ACCOUNTS, Account("x" * 1_000_000, Decimal(1)))

    with store._engine.connect() as connection:
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable) as caught:
        await store.transaction(grow)
    assert caught.value.reason == "database or disk is full"

    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    await store.transaction(grow)


def take_away(path: Path) -> Path:
    return path.rename(path.with_suffix(".kept"))


def replace_by_a_copy(path: Path) -> Path:
    kept = take_away(path)
    path.write_bytes(kept.read_bytes())
    return kept


@pytest.mark.parametrize("meddle", [take_away, replace_by_a_copy])
async def test_a_file_that_was_deleted_or_replaced_while_open_is_named(
    store: SqliteStore, path: Path, meddle: Callable[[Path], Path]
) -> None:
    await store.transaction(credit)
    kept = meddle(path)

    with pytest.raises(StoreUnavailable) as caught:
        await store.transaction(credit)
    assert caught.value.reason == f"{path} was deleted or replaced while it was open"

    kept.replace(path)
    await store.transaction(credit)


async def test_a_defect_of_ours_is_not_called_unavailable(path: Path) -> None:
    async with open_sqlite(f"sqlite:///{path}", lambda connection: None) as store:
        with pytest.raises(sa.exc.OperationalError, match="no such table"):
            await store.transaction(credit)


async def test_the_folder_is_made_and_the_rows_are_there_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a/b/test.db"
    async with open_sqlite(url, create_tables) as store:
        await store.transaction(credit)
    async with open_sqlite(url, create_tables) as store:
        account = await store.read(lambda reader: reader.get(ACCOUNTS, "ann"))

    assert account == Account("ann", Decimal(1))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder", "folder: unable to open database file"),
        ("text", "text: file is not a database"),
        ("text/test.db", "test.db: (File exists|Not a directory)"),
    ],
)
async def test_a_path_that_holds_no_database_is_refused_with_the_reason(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no database, and more than its header has bytes" * 10)

    with pytest.raises(UnusableStore, match=f"^{tmp_path}/.*{reason}$"):
        async with open_sqlite(f"sqlite:///{tmp_path}/{name}", create_tables):
            pass


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "sqlite://var/trading.db", "sqlite+aiosqlite:///x.db"],
)
async def test_t41_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(
        UnusableStore, match=r"names no file: give sqlite:///var/trading.db, or memory"
    ):
        async with open_sqlite(url, create_tables):
            pass


def test_t41_a_path_on_a_network_file_system_is_known(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\n"
        "server:/export /mnt/the\\040share nfs4 rw 0 0\n"
        "tmpfs /mnt/the\\040share/local tmpfs rw 0 0\n"
    )

    assert network_filesystem(Path("/mnt/the share/var/trading.db"), mounts) == "nfs4"
    assert network_filesystem(Path("/mnt/the share/local/trading.db"), mounts) is None
    assert network_filesystem(Path("/mnt/the share.db"), mounts) is None
    assert network_filesystem(Path("var/trading.db"), mounts) is None
    assert network_filesystem(Path("/x"), tmp_path / "no such table") is None


async def test_t41_a_store_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/export / nfs rw 0 0\n")
    monkeypatch.setattr("shared_services.storage.filesystem.MOUNTS", mounts)

    with pytest.raises(UnusableStore, match="on nfs, where SQLite's locks fail; use a local disk"):
        async with open_sqlite(f"sqlite:///{tmp_path}/test.db", create_tables):
            pass
    assert not (tmp_path / "test.db").exists()
