"""Of several control planes one leads, and another takes over when it is gone."""

import os
import signal
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from gateway.store.database import Database
from gateway.store.leader import Leadership, SessionLock, leadership
from gateway.store.opening import Store
from gateway.store.signal import connect
from tests.postgres import Server
from tests.store.acts import PLAN, applied


@pytest.fixture
def first(store: Store) -> Iterator[Leadership]:
    applied(store, PLAN)
    found = leadership(store.database)
    yield found
    found.close()


@pytest.fixture
def second(other: Store) -> Iterator[Leadership]:
    found = leadership(other.database)
    yield found
    found.close()


def test_one_of_two_leads_and_goes_on_leading(first: Leadership, second: Leadership) -> None:
    assert [first.held(), second.held(), first.held(), second.held()] == [True, False, True, False]


def test_who_closes_lets_the_other_lead(first: Leadership, second: Leadership) -> None:
    assert first.held()
    first.close()
    assert eventually_held(second)
    assert not first.held()


def test_a_leader_killed_with_9_is_followed(
    second: Leadership, first: Leadership, store_url: str
) -> None:
    process = leading(store_url)
    assert not second.held()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(30)
    assert eventually_held(second)


def leading(url: str) -> BaseProcess:
    """A process that leads, until it is killed."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=lead, args=(url, there))
    process.start()
    assert here.recv() is True
    return process


def lead(url: str, told: Connection) -> None:
    found = leadership(Database(url))
    told.send(found.held())
    signal.pause()


def eventually_held(leader: Leadership) -> bool:
    """PostgreSQL learns of a closed connection a moment later."""
    deadline = monotonic() + 10
    while not (held := leader.held()) and monotonic() < deadline:
        pass
    return held


@pytest.fixture
def session(fleet_store: Store) -> Iterator[SessionLock]:
    found = SessionLock(fleet_store.database)
    assert found.held()
    yield found
    found.close()


def terminate(session: SessionLock, server: Server) -> None:
    connection: Any = session._connection
    server.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid})")


def test_who_lost_its_session_notices_and_another_leads(
    session: SessionLock, fleet_store: Store, server: Server
) -> None:
    standby = SessionLock(fleet_store.database)
    assert not standby.held()
    terminate(session, server)
    assert eventually_held(standby)
    assert [session.held(), session.held()] == [False, False]
    standby.close()


def test_who_lost_its_session_leads_again_if_nobody_else_does(
    session: SessionLock, server: Server
) -> None:
    terminate(session, server)
    assert not session.held()
    assert eventually_held(session)


def test_who_was_given_another_session_does_not_lead(
    session: SessionLock, fleet_store: Store
) -> None:
    """As a pooler in transaction mode may do: the lock is in force, but it is not this session's."""
    connection, session._connection = session._connection, connect(fleet_store.database)
    assert not session.held()
    connection.close()


def test_a_server_that_stops_leaves_nobody_leading(session: SessionLock, server: Server) -> None:
    server.stop()
    try:
        assert [session.held(), session.held()] == [False, False]
    finally:
        server.start()
    assert session.held()


def test_whose_lock_file_was_deleted_leads_no_more_if_another_does(
    file_store: Store, path: Path
) -> None:
    applied(file_store, PLAN)
    first, second = leadership(file_store.database), leadership(file_store.database)
    assert first.held()
    path.with_suffix(".leader").unlink()
    assert second.held()
    assert not first.held()
    second.close()
    assert first.held()
    first.close()


def test_nobody_leads_where_there_is_no_store(file_store: Store, tmp_path: Path) -> None:
    missing = leadership(Database(f"sqlite:///{tmp_path}/missing/banyan.db"))
    assert not missing.held()
    missing.close()
