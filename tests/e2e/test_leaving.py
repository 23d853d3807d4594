"""Clients that leave in the middle of an answer leave nothing behind."""

import socket
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.misbehaving import STEP
from tests.e2e.processes import Running, banyan, descriptors, wait
from tests.e2e.validated import validated

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("leaving")]

APPS = validated(
    {"BANYAN_LEGACY": "tests.e2e.misbehaving:legacy", "BANYAN_MODERN": "tests.e2e.misbehaving:modern"}
)  # fmt: skip
PLAN = """\
phase: gradual
routes:
  - {route: GET /async, modern: 100}
  - {route: GET /sync, modern: 100}
"""
STREAMS = {
    "generator": "legacy",
    "events": "legacy",
    "iterable": "legacy",
    "async": "modern",
    "sync": "modern",
}
# Starlette 1.10 closes no sync iterator that it has begun: the garbage collector does, in its time.
COLLECTED = {"sync"}
CLIENTS = 40  # of each stream: 200
THREADS = 3 * CLIENTS + 8
SYNC_THREADS = 40  # anyio's, in which modern's sync iterators run
LATE = 1.0  # seconds from a stream's next step to its end


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "traffic.yaml").write_text(PLAN)
    with banyan(tmp_path, "serve", "--wsgi-threads", f"{THREADS}", "--grace", "10", **APPS) as one:
        yield one


def all_leave(running: Running, kinds: list[str], *, reset: bool) -> None:
    """Clients that read the beginning of an answer and then go, with or without a goodbye."""
    parts = urlsplit(running.url("gateway"))
    with ExitStack() as stack:
        clients = []
        for kind in kinds * CLIENTS:
            client = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)
            stack.callback(client.close)
            client.sendall(f"GET /{kind} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            clients.append((client, STREAMS[kind]))
        for client, stack_name in clients:
            begun = b""
            while b"data: " not in begun:
                part = client.recv(4096)
                assert part, begun
                begun += part
            assert f"x-served-by: {stack_name}".encode() in begun.lower()
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def counts(running: Running) -> dict[str, Any]:
    counted: dict[str, Any] = httpx.get(f"{running.url('gateway')}/count", timeout=20).json()
    return counted


def ended(running: Running, times: int) -> bool:
    counted = counts(running)
    return all(counted.get(f"{kind} closed") == times * CLIENTS for kind in STREAMS)


def held(running: Running) -> tuple[int, Counter[str]]:
    """Threads of the process, and its descriptors."""
    pid = running.process.pid
    return len(list(Path(f"/proc/{pid}/task").iterdir())), descriptors(pid)


@pytest.mark.parametrize("reset", [False, True], ids=["closing", "resetting"])
def test_b046_200_clients_that_leave_leave_nothing_behind(running: Running, reset: bool) -> None:
    threads, _ = held(running)
    all_leave(running, list(STREAMS), reset=reset)
    wait(lambda: ended(running, 1))
    _, before = held(running)
    all_leave(running, list(STREAMS), reset=reset)
    wait(lambda: ended(running, 2))
    wait(lambda: held(running)[1] <= before)
    assert held(running)[0] <= threads + THREADS + SYNC_THREADS  # both pools keep theirs
    counted = counts(running)
    late = {kind: seconds for kind, seconds in counted["late"].items() if seconds > LATE + STEP}
    assert set(late) <= COLLECTED
    assert [counted[f"{kind} opened"] for kind in STREAMS] == [2 * CLIENTS] * len(STREAMS)
    assert running.stop(deadline=15) == 0
