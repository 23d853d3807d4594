"""Connections: shared by threads, given back, closed; a new store is made once by whoever is first."""

import gc
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.store import file
from gateway.store.database import POOL
from gateway.store.errors import StoreUnavailable, VersionConflict
from gateway.store.evidence import Event
from gateway.store.opening import Store, open_store
from gateway.store.tables import metadata
from tests.postgres import Server
from tests.store.acts import PLAN, applied, proposal
from tests.store.racing import THREADS, Results, race


def pool(store: Store) -> sa.QueuePool:
    assert store.database._engine is not None
    found = store.database._engine.pool
    assert isinstance(found, sa.QueuePool)
    return found


def test_t41_what_one_thread_writes_another_reads(store: Store) -> None:
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        one.submit(applied, store, PLAN).result()
        assert two.submit(store.versions.newest).result() == 1


def test_a_thousand_transactions_in_eight_threads_leave_a_pool_of_its_size(store: Store) -> None:
    applied(store, PLAN)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: store.versions.newest(), range(1000)))
    assert found == [1] * 1000
    assert pool(store).checkedout() == 0
    assert pool(store).checkedin() <= POOL


def statements() -> int:
    """Those of SQLite that live in this process."""
    gc.collect()
    return sum(type(one).__qualname__ == "Statement" for one in gc.get_objects())


def test_a_connection_does_not_keep_a_statement_for_every_number_of_rows(tmp_path: Path) -> None:
    """SQLAlchemy makes one of its own for each, of 20 KiB, and a connection kept 128 of them."""
    before, store = statements(), open_store(f"sqlite:///{tmp_path / 'banyan.db'}")
    for rows in range(1, 130):
        events = (Event(f"{rows}-{n}", "GET /a", 3, "modern", 50, "error") for n in range(rows))
        store.evidence.add([], list(events), [])
    assert 16 <= statements() - before <= 40  # 32, and those of a signal that looks on
    store.close()


def test_transactions_that_fail_give_their_connections_back(store: Store) -> None:
    applied(store, PLAN)

    def fail() -> None:
        with store.database.writing() as connection:
            connection.execute(sa.text("INSERT INTO banyan_meta VALUES ('half', 'done')"))
            raise ZeroDivisionError

    for _ in range(3 * POOL):
        with pytest.raises(ZeroDivisionError):
            fail()
    assert pool(store).checkedout() == 0
    with store.database.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM banyan_meta")).scalar() == 2


def test_what_is_in_use_when_the_store_is_closed_is_closed_after_use(store: Store) -> None:
    """A worker that stops leaves threads behind that wait for the store."""
    applied(store, PLAN)
    with store.database.reading() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        store.close()
        assert connection.execute(sa.text("SELECT count(*) FROM plan_versions")).scalar() == 1
    with pytest.raises(Exception, match="closed"):
        driver.cursor().execute("SELECT 1")
    assert store.versions.newest() == 1


def test_a_session_that_the_server_ends_after_the_store_is_closed_is_unavailable(
    fleet_store: Store, server: Server
) -> None:
    applied(fleet_store, PLAN)

    def outlived() -> None:
        with fleet_store.database.reading() as connection:
            pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            fleet_store.close()
            server.execute(f"SELECT pg_terminate_backend({pid})")
            connection.execute(sa.text("SELECT 1"))

    with pytest.raises(StoreUnavailable):
        outlived()
    assert fleet_store.versions.newest() == 1


def test_a_pool_without_a_free_connection_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(store, PLAN)
    monkeypatch.setattr(pool(store), "_timeout", 0)
    taken = [pool(store).connect() for _ in range(2 * POOL)]
    with pytest.raises(StoreUnavailable, match="every connection is in use"):
        store.versions.newest()
    for connection in taken:
        connection.close()
    assert store.versions.newest() == 1


def test_closing_closes_the_file_and_the_next_transaction_opens_it_again(
    file_store: Store, path: Path
) -> None:
    def is_open() -> bool:
        return any(
            link.startswith(str(path)) for link in map(_target, Path("/proc/self/fd").iterdir())
        )

    applied(file_store, PLAN)
    assert is_open()
    file_store.close()
    assert not is_open()
    assert [one.name for one in path.parent.glob("banyan.db*")] == ["banyan.db"]
    assert file_store.versions.newest() == 1


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def test_closing_ends_the_sessions_and_the_next_transaction_begins_another(
    fleet_store: Store, server: Server
) -> None:
    applied(fleet_store, PLAN)
    fleet_store.close()
    # Refused while anybody is connected; waits 5 s for who is just leaving
    server.execute("CREATE DATABASE copy TEMPLATE test")
    server.execute("DROP DATABASE copy")
    assert fleet_store.versions.newest() == 1


def test_a_server_restarted_between_two_transactions_is_not_noticed(
    fleet_store: Store, server: Server
) -> None:
    applied(fleet_store, PLAN)
    server.restart()
    assert applied(fleet_store, PLAN)[0].version == 2


def test_a_reader_sees_one_moment(store: Store, other: Store) -> None:
    applied(store, PLAN)
    count = sa.text("SELECT count(*) FROM plan_versions")
    with store.database.reading() as connection:
        assert connection.execute(count).scalar() == 1
        applied(other, PLAN)
        assert connection.execute(count).scalar() == 1


def first_version(store: Store) -> Results:
    try:
        return [store.versions.apply(0, proposal()).version], []
    except VersionConflict as conflict:
        return [], [(conflict.expected, conflict.current)]


def test_processes_that_open_a_new_store_at_once_make_it_once(store: Store, store_url: str) -> None:
    made, refused = race(first_version, store_url)
    assert made == [1]
    assert refused == [(0, 1)] * (2 * THREADS - 1)
    with store.database.reading() as connection:
        assert set(sa.inspect(connection).get_table_names()) == set(metadata.tables)


def test_who_opens_a_new_file_waits_for_another_who_sets_it_up(
    file_store: Store, path: Path
) -> None:
    """While one changes the mode of a file, SQLite tells a second one at once that it is locked."""
    file_store.database._opened()  # the file is there, and no connection to it yet
    other = sqlite3.connect(path, isolation_level=None)
    with ThreadPoolExecutor(1) as thread:
        with file.locked(path.parent):
            other.execute("BEGIN IMMEDIATE")
            made = thread.submit(applied, file_store, PLAN)
            with pytest.raises(TimeoutError):
                made.result(0.5)
            other.execute("ROLLBACK")
        assert made.result(10)[0].version == 1
    other.close()


@pytest.mark.parametrize(
    "use", [lambda store: store.versions.newest(), lambda store: store.close()]
)
def test_importing_and_opening_connect_to_nothing(
    file_store: Store, path: Path, use: Callable[[Store], object]
) -> None:
    use(file_store)
    assert list(path.parent.iterdir()) == []
