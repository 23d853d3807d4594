"""A store that is lost, emptied or damaged while workers run: named, and made whole from the last good plan."""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.store.errors import StoreUnavailable
from gateway.store.opening import Store, open_store
from gateway.store.signal import signal_of
from gateway.store.versions import Version
from tests.postgres import Server
from tests.store.acts import PLAN, applied, numbered, proposal
from tests.store.following import Follower, followed


def beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ("-wal", "-shm")]


def unlink(path: Path) -> None:
    path.unlink()


def unlink_all(path: Path) -> None:
    for one in (path, *beside(path)):
        one.unlink(missing_ok=True)


def move_away(path: Path) -> None:
    path.rename(path.with_name("away"))


LOST = [unlink, unlink_all, move_away]


def empty(path: Path) -> None:
    os.truncate(path, 0)


def overwrite(path: Path) -> None:
    checkpoint(path)
    with path.open("r+b") as file:
        file.write(b"garbage!" * (path.stat().st_size // 8))


def replace(path: Path) -> None:
    unlink_all(path)
    path.write_bytes(b"garbage!" * 4096)


def damage_pages(path: Path) -> None:
    """All but the first, which every look reads."""
    checkpoint(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"garbage!" * (path.stat().st_size // 8 - 512))


def checkpoint(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


DAMAGED = [empty, overwrite, replace, damage_pages]


@pytest.fixture
async def follower(file_store: Store, tmp_path: Path) -> Follower:
    return await followed(file_store, tmp_path / "worker")


def told(version: Version | None) -> tuple[int, str, str]:
    assert version is not None
    return version.version, version.actor, version.reason


RECOVERED = (3, "recovery", "versions 1 to 3 were lost with the store")


@pytest.mark.parametrize("lose", LOST)
async def test_b075_a_file_that_was_deleted_is_made_anew_with_the_last_good_plan(
    follower: Follower, file_store: Store, path: Path, lose: Callable[[Path], None]
) -> None:
    lose(path)
    await follower.watch.look()
    assert told(file_store.versions.current()) == RECOVERED
    assert [(line.actor, line.version) for line in file_store.audit.lines(9)] == [("recovery", 3)]
    await follower.watch.look()
    assert follower.active == [1, 3]
    assert applied(file_store, PLAN)[0].version == 4


@pytest.mark.parametrize("lose", LOST)
async def test_b075_other_processes_go_on_with_the_new_file(
    follower: Follower,
    other_file: Store,
    file_store: Store,
    path: Path,
    lose: Callable[[Path], None],
) -> None:
    """What the old file left beside it (log, index) is not taken for the new one's, whose plan is followed."""
    assert other_file.versions.newest() == 3
    lose(path)
    applied(other_file, PLAN)
    await follower.watch.look()
    applied(other_file, PLAN)
    assert [one.version for one in other_file.versions.history(9)] == [2, 1]
    assert follower.watch.version == 1
    assert file_store.versions.history(9) == other_file.versions.history(9)


@pytest.mark.parametrize("lose", [unlink, move_away])
def test_b075_a_new_file_can_be_used_while_another_process_has_the_old_one_open(
    file_store: Store, path: Path, lose: Callable[[Path], None]
) -> None:
    applied(file_store, *numbered(2))
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=hold, args=(str(path), there))
    process.start()
    assert here.recv() == 2
    lose(path)
    applied(file_store, *numbered(3))
    here.send("look")
    assert here.recv() == 4
    process.join(30)
    assert [one.version for one in file_store.versions.history(9)] == [4, 3, 2, 1]


def hold(path: str, told: Connection) -> None:
    """The file, open in every way, and one more version in the new one."""
    store = open_store(f"sqlite:///{path}")
    waiting = signal_of(store.database)
    waiting.wait(0)
    told.send(store.versions.newest())
    told.recv()
    waiting.wait(0)
    told.send(applied(store, PLAN)[0].version)


@pytest.fixture
def other_file(path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.mark.parametrize("damage", DAMAGED)
async def test_b075_a_damaged_file_is_named_and_a_new_one_begins_with_the_last_good_plan(
    follower: Follower, file_store: Store, path: Path, damage: Callable[[Path], None]
) -> None:
    damage(path)
    named = (
        r"banyan\.db: damaged \(.*\); move the file away: a new one begins with the last good plan"
    )
    with pytest.raises(StoreUnavailable, match=named):
        look_until_refused(file_store)
    fresh = open_store(f"sqlite:///{path}")
    for use in (fresh.versions.current, lambda: fresh.versions.apply(3, proposal())):
        with pytest.raises(StoreUnavailable, match=named):
            use()
    move_away(path)
    await follower.watch.look()
    assert told(file_store.versions.current()) == RECOVERED
    assert told(fresh.versions.current()) == RECOVERED
    assert follower.active == [1, 3]
    fresh.close()


@pytest.mark.parametrize("damage", [empty, replace])
def test_b075_who_waits_for_a_damaged_file_is_told(
    file_store: Store, path: Path, damage: Callable[[Path], None]
) -> None:
    applied(file_store, PLAN)
    signals = signal_of(file_store.database)
    signals.wait(0)
    damage(path)
    with pytest.raises(StoreUnavailable, match=r"damaged \(.*\); move the file away"):
        signals.wait(5)
    assert not signals.listening
    signals.close()


def look_until_refused(store: Store) -> None:
    """A connection that is open may answer from memory, but it is not believed for long."""
    for number in range(20):
        store.audit.record(proposal().act)
        store.versions.apply(3 + number, proposal())


async def test_b075_an_old_backup_is_brought_up_to_the_last_good_plan(
    follower: Follower, file_store: Store, path: Path
) -> None:
    backup = path.with_name("backup")
    with closing(sqlite3.connect(backup)) as copy, closing(sqlite3.connect(path)) as source:
        source.backup(copy)
    applied(file_store, *numbered(2))
    await follower.watch.look()
    unlink_all(path)
    backup.rename(path)
    await follower.watch.look()
    assert told(file_store.versions.current()) == (
        *(5, "recovery"),
        "versions 4 to 5 were lost with the store",
    )
    assert [one.version for one in file_store.versions.history(9)] == [5, 3, 2, 1]


async def test_b075_tables_dropped_from_a_server_are_made_anew_with_the_last_good_plan(
    fleet_store: Store, tmp_path: Path, server: Server
) -> None:
    follower = Follower(fleet_store, tmp_path / "worker")
    await follower.watch.start()
    server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public", database="test")
    with pytest.raises(StoreUnavailable, match='relation "plan_versions" does not exist'):
        await follower.watch.look()
    await follower.watch.look()
    assert told(fleet_store.versions.current()) == (
        *(1, "recovery"),
        "versions 1 to 1 were lost with the store",
    )


def test_b075_a_log_left_by_kill_9_is_read_and_what_was_not_committed_is_not(path: Path) -> None:
    process = get_context("spawn").Process(target=write_and_die, args=(str(path),))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert beside(path)[0].stat().st_size > 0
    store = open_store(f"sqlite:///{path}")
    assert [one.version for one in store.versions.history(9)] == [3, 2, 1]
    assert [line.version for line in store.audit.lines(9)] == [3, 2, 1]
    assert applied(store, PLAN)[0].version == 4
    store.close()


def write_and_die(path: str) -> None:
    store = open_store(f"sqlite:///{path}")
    applied(store, *numbered(3))
    with store.database.writing() as connection:
        connection.execute(sa.text("INSERT INTO plan_versions VALUES (4, 0, '', '', '', '')"))
        os.kill(os.getpid(), signal.SIGKILL)


def test_looking_for_a_store_makes_no_file(file_store: Store, path: Path) -> None:
    assert file_store.versions.newest() == 0
    assert file_store.audit.lines(9) == []
    assert file_store.workers.all() == []
    assert not path.exists()
