"""One bot for two real servers, one of each stack, on one store."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared_services.bot.runs import LEASE_MS
from shared_services.bot.worker import CYCLE_MS
from tests.contract.servers import UVICORN, server, terminate
from tests.e2e.processes import VALIDATED_GUNICORN, assert_valid, wait

pytestmark = pytest.mark.e2e

TAKEOVER = LEASE_MS / 1000 + 5  # seconds: the lease, a look per second, and a busy machine

Process = subprocess.Popen[bytes]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "trading.db"


@contextmanager
def both(store: Path, first: str) -> Iterator[tuple[httpx.Client, Process, httpx.Client]]:
    """The `first` stack with its process, and the other; one process works in each."""
    order: list[tuple[str, ...]] = [VALIDATED_GUNICORN, UVICORN]
    order = order if first == "legacy" else order[::-1]
    with server(order[0], store) as (client, process), server(order[1], store) as (other, _):
        yield client, process, other
    assert_valid(store.parent / "gunicorn.log")


def status(client: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/api/bot-status").json()
    return answer


def start(client: httpx.Client) -> None:
    assert client.post("/api/bot/start").json()["success"]
    wait(lambda: status(client)["cycle_count"] == 1)


def owner(store: Path) -> str | None:
    with closing(sqlite3.connect(store)) as connection:
        row: tuple[str | None] = connection.execute("SELECT owner FROM bot").fetchone()
    return row[0]


def make_the_next_cycle_due(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE bot SET last_cycle_ms = last_cycle_ms - ?", (CYCLE_MS,))


def kill(process: Process) -> None:
    """It and its children: gunicorn works in one, which would notice the end of its parent."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("first", ["legacy", "modern"])
def test_one_stack_sees_and_stops_the_bot_of_the_other(store: Path, first: str) -> None:
    with both(store, first) as (client, _, other):
        assert status(other)["status"] == "stopped"
        start(client)
        seen = status(other)
        assert (seen["status"], seen["thread_alive"], seen["cycle_count"]) == ("running", True, 1)
        again = other.post("/api/bot/start")
        assert (again.status_code, again.json()["message"]) == (400, "Bot is already running")
        assert other.post("/api/bot/stop").json()["success"]
        assert [status(one)["status"] for one in (client, other)] == 2 * ["stopped"]
        assert not client.post("/api/bot/stop").json()["success"]


@pytest.mark.parametrize("first", ["legacy", "modern"])
def test_after_a_kill_the_other_stack_takes_over_within_the_lease(store: Path, first: str) -> None:
    with both(store, first) as (client, process, other):
        start(client)
        dead = owner(store)
        kill(process)
        make_the_next_cycle_due(store)
        assert status(other)["status"] == "running"
        wait(lambda: owner(store) != dead, TAKEOVER)
        wait(lambda: status(other)["cycle_count"] == 2)
        assert status(other)["thread_alive"]
        assert other.post("/api/bot/stop").json()["success"]


@pytest.mark.parametrize("first", ["legacy", "modern"])
def test_a_server_that_ends_gives_its_run_back(store: Path, first: str) -> None:
    with both(store, first) as (client, process, other):
        start(client)
        gone = owner(store)
        terminate(process)
        assert owner(store) != gone  # at once: nobody waits for the lease to expire
        wait(lambda: owner(store) is not None)
        assert status(other)["cycle_count"] == 1
