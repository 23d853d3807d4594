"""The end of a server and of single workers: what clients of it see."""

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Running, banyan, wait
from tests.edge.inside import Apps, answer, edge
from tests.edge.wire import Answer, Client, ask, connected, get

pytestmark = pytest.mark.e2e

APP = """
import os
from flask import Flask

app = Flask("pids")

@app.get("/")
def pid():
    return str(os.getpid())
"""
PACE = 0.01  # seconds between requests of one client: the two cores must also start workers
LONG = 5.0  # seconds of a lame duck that a test must not wait for


def test_an_idle_connection_gets_one_more_answer_that_says_close() -> None:
    with edge(Apps(), LONG) as (port, server), connected(port) as client:
        client.send(get())
        assert client.read().one(b"connection") == b"keep-alive"
        server.should_exit = True
        wait(lambda: not server.servers[0].is_serving())
        client.send(get())
        assert client.read().one(b"connection") == b"close"
        assert client.rest() == b""


def test_a_server_without_connections_ends_at_once() -> None:
    with edge(Apps(), LONG) as (port, server):
        ask(port, get("/", "Connection: close"))
        wait(lambda: not server.server_state.connections)
        began = time.monotonic()
    assert time.monotonic() - began < LONG


def test_a_connection_on_which_nothing_comes_ends_with_the_lame_duck() -> None:
    with edge(Apps(), 0.3) as (port, server), connected(port) as client:
        wait(lambda: server.server_state.connections)
        server.should_exit = True
        assert client.rest() == b""


def test_b090_a_running_request_is_answered_and_told_to_close() -> None:
    apps, release = Apps(), threading.Event()

    @apps.at("/")
    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        await asyncio.to_thread(release.wait)
        await answer(send, b"done")

    with edge(apps, 0.1) as (port, server), connected(port) as client:
        client.send(get())
        wait(lambda: apps.scopes)
        server.should_exit = True
        wait(lambda: not server.servers[0].is_serving())
        release.set()
        last = client.read()
        assert (last.body, last.one(b"connection")) == (b"done", b"close")


def test_b094_a_stall_is_not_counted_as_the_time_that_a_client_had_for_one_more_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with edge(Apps(), 0.4) as (port, server), connected(port) as client:
        wait(lambda: server.server_state.connections)
        connection: Any = next(iter(server.server_state.connections))
        retire = connection.retire
        rounds: list[float] = []
        stalls: list[int] = []

        def counted() -> None:
            rounds.append(time.monotonic())
            retire()

        def stall() -> None:
            time.sleep(0.5)  # the machine's, and longer than the whole lame duck
            stalls.append(len(rounds))

        monkeypatch.setattr(connection, "retire", counted)
        loop = server.servers[0].get_loop()
        server.should_exit = True
        wait(lambda: rounds)
        loop.call_soon_threadsafe(stall)
        wait(lambda: stalls and len(rounds) > stalls[0])
        client.send(get())
        last = client.read()
        assert (last.status, last.one(b"connection")) == (200, b"close")


def test_b094_a_request_that_came_before_the_end_is_answered_though_nobody_has_read_it() -> None:
    with edge(Apps(), 0) as (port, server), connected(port) as client:
        wait(lambda: server.server_state.connections)
        connection: Any = next(iter(server.server_state.connections))

        def at_once() -> None:
            client.send(get())
            connection.shutdown()

        server.servers[0].get_loop().call_soon_threadsafe(at_once)
        last = client.read()
        assert (last.status, last.one(b"connection")) == (200, b"close")


class Load:
    """Clients that keep their connections as long as they are told to, and one that never does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._keep) for _ in range(3)]
        self._threads.append(threading.Thread(target=self._renew))
        self.answered = 0
        self.failures: list[str] = []
        self.pids: set[int] = set()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(20)

    def _keep(self) -> None:
        while not self._over.is_set():
            with connected(self._port) as client:
                while not self._over.wait(PACE):
                    if self._closes(self._ask(client, get())):
                        break

    def _renew(self) -> None:
        while not self._over.wait(PACE):
            with connected(self._port) as client:
                self._ask(client, get("/", "Connection: close"))

    def _ask(self, client: Client, raw: bytes) -> Answer | None:
        client.send(raw)
        try:
            got = client.read()
        except (EOFError, TimeoutError, OSError) as error:
            self.failures.append(repr(error))
            return None
        if got.status != 200:
            self.failures.append(f"{got.status} {got.body[:60]!r}")
            return got
        self.pids.add(int(got.body))
        self.answered += 1
        return got

    def _closes(self, got: Answer | None) -> bool:
        return got is None or got.one(b"connection") == b"close"


@contextmanager
def loaded(folder: Path, *arguments: str) -> Iterator[tuple[Running, Load]]:
    """Two workers under load."""
    (folder / "pids.py").write_text(APP)
    (folder / "traffic.yaml").write_text("phase: gradual\ndefaults: {modern: 0}\n")
    flags = ("--workers", "2", "--legacy", "pids:app", "--lame-duck", "0.3", *arguments)
    with banyan(folder, "serve", *flags) as running:
        load = Load(int(running.url("gateway").rsplit(":", 1)[1]))
        load.start()
        try:
            wait(lambda: len(load.pids) == 2)
            yield running, load
        finally:
            load.stop()
        assert running.stop() == 0
        assert "Traceback" not in running.errors


def gone(pids: set[int]) -> bool:
    """Reaped by their supervisor."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_b092_a_rolling_restart_fails_no_request(tmp_path: Path) -> None:
    with loaded(tmp_path) as (running, load):
        for _ in range(2):
            before = set(load.pids)
            running.process.send_signal(signal.SIGHUP)
            wait(lambda: gone(before), 60)  # noqa: B023 (called at once)
        wait(lambda: len(load.pids) >= 6)
    assert load.failures == []


def test_b092_workers_that_have_served_their_share_are_replaced_without_a_failure(
    tmp_path: Path,
) -> None:
    with loaded(tmp_path, "--worker-requests", "50") as (_running, load):
        first = set(load.pids)
        wait(lambda: gone(first), 60)
    assert load.failures == []
    assert load.answered >= 100
