"""Waiting for a version: heard at once, found by looking where nothing is heard."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from gateway.store import signal as signals
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import Count
from gateway.store.opening import Store, open_store
from gateway.store.signal import Notifications, Signal, signal_of
from tests.postgres import Server
from tests.store.acts import PLAN, applied
from tests.store.following import Follower
from tests.store.pooler import deaf_pooler

LONG = 30.0  # seconds; a test that waits so long has heard nothing
AT_ONCE = 5.0  # seconds, on a machine that does other things besides


@pytest.fixture
def signal(store: Store) -> Iterator[Signal]:
    """Connected."""
    applied(store, PLAN)
    found = signal_of(store.database)
    found.wait(0)
    yield found
    found.close()


@contextmanager
def waiting(signal: Signal) -> Iterator[Callable[[], float]]:
    """Somebody waits in a thread; the value tells how long, once that is over."""

    def wait() -> float:
        before = monotonic()
        signal.wait(LONG)
        return monotonic() - before

    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(wait).result


@pytest.mark.parametrize("who", ["store", "other"])
def test_t40_a_commit_wakes_who_waits_whoever_made_it(
    signal: Signal, request: pytest.FixtureRequest, who: str
) -> None:
    with waiting(signal) as seconds:
        applied(request.getfixturevalue(who), PLAN)
        assert seconds() < AT_ONCE
    assert signal.listening


def test_b077_what_is_committed_between_two_waits_is_heard(signal: Signal, other: Store) -> None:
    for _ in range(3):
        applied(other, PLAN)
        with waiting(signal) as seconds:
            assert seconds() < AT_ONCE


def test_nothing_wakes_who_waits_where_nothing_happens(signal: Signal, store: Store) -> None:
    store.versions.newest()
    before = monotonic()
    signal.wait(0.4)
    assert monotonic() - before >= 0.39


def test_what_workers_commit_each_second_wakes_nobody(
    signal: Signal, store: Store, other: Store
) -> None:
    for one in (store, other):
        one.evidence.add([Count("GET /a", 1, "modern", 5000, 1, 0)], [], [])
        before = monotonic()
        signal.wait(0.4)
        assert monotonic() - before >= 0.39
    assert signal.listening


def test_the_first_wait_ends_at_once_for_nobody_heard_what_came_before(store: Store) -> None:
    applied(store, PLAN)
    signal = signal_of(store.database)
    assert not signal.listening
    with waiting(signal) as seconds:
        assert seconds() < AT_ONCE
    signal.close()


def test_closing_wakes_who_waits_and_leaves_no_connection(signal: Signal, store: Store) -> None:
    with waiting(signal) as seconds:
        signal.close()
        assert seconds() < AT_ONCE
    signal.wait(0)
    assert not signal.listening
    assert signal._connection is None  # type: ignore[attr-defined]  # both kinds have one


@pytest.fixture
def heard(fleet_store: Store) -> Iterator[Notifications]:
    signal = Notifications(fleet_store.database)
    signal.wait(0)
    yield signal
    signal.close()


def test_t39_a_connection_that_is_dropped_is_told_and_made_again(
    heard: Notifications, fleet_store: Store, server: Server
) -> None:
    connection: Any = heard._connection
    server.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid})")
    with pytest.raises(StoreUnavailable, match="is the server up"):
        heard.wait(LONG)
    assert [heard.listening] == [False]
    with waiting(heard) as seconds:  # it connects, and something may have come before
        assert seconds() < AT_ONCE
    assert heard.listening
    with waiting(heard) as seconds:
        applied(fleet_store, PLAN)
        assert seconds() < AT_ONCE


def test_what_the_url_tells_libpq_itself_is_left_as_it_is(fleet_url: str) -> None:
    store = open_store(f"{fleet_url}&connect_timeout=9&application_name=ops&keepalives_idle=7")
    applied(store, PLAN)
    signal = signal_of(store.database)
    signal.wait(0)
    query = sa.text("SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = 'test'")
    with store.database.reading() as connection:
        assert list(connection.execute(query).scalars()) == ["ops"]
    signal.close()
    store.close()


@pytest.mark.parametrize("name", ["100% sure #1?", "ünï çode", "a&mode=rwc"])
def test_any_folder_can_hold_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "banyan.db"
    store = open_store(sa.URL.create("sqlite", database=str(path)).render_as_string())
    applied(store, PLAN)
    signal = signal_of(store.database)
    signal.wait(0)
    with waiting(signal) as seconds:
        applied(store, PLAN)
        assert seconds() < AT_ONCE
    assert path.exists()
    signal.close()
    store.close()


def test_b075_a_file_that_vanishes_and_one_that_comes_wake_who_waits(
    file_store: Store, path: Path
) -> None:
    signal = signal_of(file_store.database)
    signal.wait(0)
    for change in (
        lambda: applied(file_store, PLAN),
        path.unlink,
        lambda: applied(file_store, PLAN),
    ):
        with waiting(signal) as seconds:
            change()
            assert seconds() < AT_ONCE
    assert signal.listening
    signal.close()


def silently(store: Store, version: int) -> None:
    """A version that nobody is told of: its notification is lost."""
    with store.database.writing() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO plan_versions (version, at, actor, origin, reason, document) "
                "VALUES (:version, 0, 'cli:ann', '', '', 'phase: parallel')"
            ),
            {"version": version},
        )


async def test_b077_t39_a_version_whose_notification_is_lost_is_found_by_looking(
    store: Store, other: Store, tmp_path: Path
) -> None:
    follower = Follower(store, tmp_path / "worker")
    await follower.watch.start()
    await runs_after(follower, lambda: silently(other, 2), lambda: silently(other, 3))
    assert follower.active == [1, 2, 3]


async def runs_after(follower: Follower, *acts: Callable[[], object]) -> None:
    """Until the follower has taken over once more after each."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower.watch.run)
        with anyio.fail_after(2 * AT_ONCE):
            for act in acts:
                count = len(follower.active)
                act()
                while len(follower.active) == count:
                    await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()


async def test_t38_through_a_pooler_that_swallows_notifications_versions_are_found_by_looking(
    fleet_store: Store, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_PROBE", 0.5)
    with deaf_pooler(server.folder) as port:
        url = f"postgresql://postgres@127.0.0.1:{port}/test?sslmode=disable&gssencmode=disable"
        store = open_store(url)
        follower = Follower(store, tmp_path / "worker")
        await follower.watch.start()
        await runs_after(follower, *[lambda: applied(fleet_store, PLAN)] * 2)
        assert follower.active == [1, 2, 3]
        assert not follower.watch.listening
        store.close()
