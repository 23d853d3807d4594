"""Stores that cannot be used: said with the next step, and nothing is half written."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.store.database import Database
from gateway.store.errors import StoreUnavailable, UnusableStore
from gateway.store.opening import Store, open_store
from gateway.store.tables import metadata
from tests.postgres import Server
from tests.store.acts import PLAN, applied, proposal

FORMS = "give sqlite:///var/banyan.db or postgresql+psycopg://user@host/database"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "is no URL"),
        ("var/banyan.db", "is no URL"),
        ("postgresql://ann:secret@host:port/x", "is no URL"),
        ("mysql://ann:secret@host/x", "no store for mysql://"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://var/banyan.db", "names no file"),
    ],
)
def test_t41_a_url_that_names_no_store_is_refused_with_those_that_do(url: str, why: str) -> None:
    with pytest.raises(UnusableStore, match=why) as caught:
        Database(url)
    assert FORMS in str(caught.value)
    assert "secret" not in str(caught.value)


def test_b074_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    store = open_store(f"postgresql+psycopg://ann:secret@/x?host={tmp_path}")
    for use in (store.versions.newest, lambda: applied(store, PLAN)):
        with pytest.raises(
            StoreUnavailable, match="is the server up, and is BANYAN_STORE right"
        ) as caught:
            use()
        assert "No such file or directory" in str(caught.value)
        assert "secret" not in str(caught.value)


def test_b074_a_database_that_does_not_exist_is_named(server: Server) -> None:
    with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
        open_store(server.url("nowhere")).versions.newest()


def test_b074_a_server_that_stops_is_named_and_one_that_is_back_is_used(
    fleet_store: Store, server: Server
) -> None:
    applied(fleet_store, PLAN)
    server.stop()
    try:
        with pytest.raises(StoreUnavailable, match="is the server up"):
            fleet_store.versions.newest()
        with pytest.raises(StoreUnavailable):
            fleet_store.versions.apply(1, proposal())
    finally:
        server.start()
    assert applied(fleet_store, PLAN)[0].version == 2


def test_b074_a_connection_lost_in_a_transaction_leaves_nothing_behind(
    fleet_store: Store, server: Server
) -> None:
    applied(fleet_store, PLAN)

    def lose() -> None:
        with fleet_store.database.writing() as connection:
            connection.execute(sa.text("INSERT INTO banyan_meta VALUES ('half', 'done')"))
            pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            server.execute(f"SELECT pg_terminate_backend({pid})")
            connection.execute(sa.text("SELECT 1"))

    with pytest.raises(StoreUnavailable):
        lose()
    with fleet_store.database.reading() as connection:
        names = connection.execute(sa.text("SELECT name FROM banyan_meta")).scalars()
        assert "half" not in names


@pytest.fixture
def reader(fleet_url: str, server: Server) -> Iterator[Store]:
    """The store of a user who may nothing yet."""
    store = open_store(fleet_url.replace("postgres@", "reader@"))
    yield store
    store.close()
    server.execute("DROP OWNED BY reader; DROP ROLE reader", database="test")


def _grant(server: Server, statement: str) -> None:
    server.execute(statement, database="test")


def test_b074_a_user_without_rights_is_told_which_and_reads_what_he_may(
    fleet_store: Store, reader: Store, server: Server
) -> None:
    applied(fleet_store, PLAN)
    _grant(server, "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
    grant = "permission denied for .*; grant it to the user that BANYAN_STORE names"
    with pytest.raises(StoreUnavailable, match="grant USAGE of its schema to the user"):
        reader.versions.newest()
    _grant(server, "GRANT USAGE ON SCHEMA public TO reader")
    with pytest.raises(StoreUnavailable, match=grant):
        reader.versions.newest()
    _grant(server, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    assert reader.versions.newest() == 1
    with pytest.raises(StoreUnavailable, match=grant):
        reader.versions.apply(1, proposal())
    assert fleet_store.versions.newest() == len(fleet_store.audit.lines(9)) == 1


def test_b074_a_standby_can_be_read_and_names_the_primary_to_writers(server: Server) -> None:
    with server.database("standby") as url:
        store = open_store(url)
        applied(store, PLAN)
        store.close()
        server.execute("ALTER DATABASE standby SET default_transaction_read_only = on")
        assert store.versions.newest() == 1
        with pytest.raises(StoreUnavailable, match="read-only transaction; name the primary"):
            store.versions.apply(1, proposal())
        store.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or _mount("-t", "tmpfs", "-o", "size=1m", "none", str(folder)):
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(*arguments: str) -> int:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode


def test_b074_a_full_disk_is_named_and_used_again_when_there_is_room(disk: Path) -> None:
    store = open_store(f"sqlite:///{disk}/banyan.db")
    applied(store, PLAN)
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    with pytest.raises(StoreUnavailable, match="full; make room on its disk"):
        store.versions.apply(1, proposal(PLAN + "#" * 50_000))
    assert store.versions.newest() == len(store.audit.lines(9)) == 1
    ballast.unlink()
    assert applied(store, PLAN)[0].version == 2
    store.close()


def test_b074_a_disk_that_turns_read_only_is_named_to_writers(disk: Path) -> None:
    store = open_store(f"sqlite:///{disk}/banyan.db")
    applied(store, PLAN)
    store.close()
    assert _mount("-o", "remount,ro", str(disk)) == 0
    for use in (store.versions.newest, lambda: store.versions.apply(1, proposal())):
        with pytest.raises(StoreUnavailable, match="this user must be able to read and write"):
            use()
    assert _mount("-o", "remount,rw", str(disk)) == 0
    assert store.versions.newest() == len(store.audit.lines(9)) == 1
    store.close()


def test_b074_a_file_that_may_not_grow_is_named_and_nothing_is_half_written(
    file_store: Store, path: Path
) -> None:
    """As under a quota: the first write that does not fit fails, the one that fits after it does not."""
    applied(file_store, PLAN)
    file_store.close()
    context = get_context("spawn")
    told: Queue[str] = context.Queue()
    process = context.Process(target=fill, args=(str(path), told))
    process.start()
    refusal = told.get(timeout=30)
    process.join(30)
    assert "look at its disk: room, quota" in refusal
    assert file_store.versions.newest() == len(file_store.audit.lines(9)) == 1


def fill(path: str, told: "Queue[str]") -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    try:
        open_store(f"sqlite:///{path}").versions.apply(1, proposal(PLAN + "#" * (2 << 20)))
    except StoreUnavailable as error:
        told.put(str(error))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.parent.joinpath("file").write_text(""),  # where a folder should be
        lambda path: path.parent.joinpath("file", "banyan.db").mkdir(parents=True),
    ],
    ids=["folder is a file", "file is a folder"],
)
def test_b074_a_file_that_cannot_be_made_is_named(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(tmp_path / "banyan.db")
    store = open_store(f"sqlite:///{tmp_path}/file/banyan.db")
    with pytest.raises(StoreUnavailable, match=r"file/banyan.db: .*; this user must be able to"):
        applied(store, PLAN)


def test_b074_a_store_of_newer_code_is_refused_and_left_as_it_is(
    store: Store, other: Store, raw: sa.Engine
) -> None:
    applied(store, PLAN)
    with raw.begin() as connection:
        connection.execute(sa.text("UPDATE banyan_meta SET value = '99' WHERE name = 'schema'"))
    for use in (other.versions.newest, lambda: other.versions.apply(1, proposal())):
        with pytest.raises(UnusableStore, match=r"schema 99, .* knows 2: install the newer one"):
            use()
    assert store.versions.newest() == 1


def test_a_database_with_a_table_of_somebody_else_is_refused_and_left_as_it_is(
    store: Store, store_url: str
) -> None:
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE audit (line TEXT)"))
    with pytest.raises(
        UnusableStore, match="a table `audit` of somebody else: give banyan a database"
    ):
        applied(store, PLAN)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit"))  # no trigger of ours
        assert set(sa.inspect(connection).get_table_names()) & metadata.tables.keys() == {"audit"}
    engine.dispose()
