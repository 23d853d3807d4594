"""What is no evidence against modern: clients that leave, deploys, paused processes, hasty operators."""

import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from os import kill
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.failing import ASKED
from tests.e2e.judged import ROUTE, WORKERS, Crowd, Judged, assert_no_event, plan, up
from tests.e2e.processes import Running, answers_at, started, wait

pytestmark = pytest.mark.e2e
PAUSE = 10.0  # seconds
HANG_UPS = 100  # before the answer, and as many in its middle


@pytest.mark.parametrize("where", ["inside", "remote"])
def test_clients_that_hang_up_are_no_evidence(where: str, tmp_path: Path) -> None:
    """Before the answer begins, and in its middle; with a FIN and with a RST."""
    routes = "GET /slow", "GET /stream"
    text = plan(*(f"{route}, modern: 50" for route in (ROUTE, *routes)))
    with ExitStack() as stack:
        environ, folder = {}, tmp_path
        if where == "remote":
            port, folder = free_port(), tmp_path / "modern"
            stack.enter_context(remote(folder, port))
            environ["BANYAN_MODERN"] = f"http://127.0.0.1:{port}"
        found = stack.enter_context(up(tmp_path, text, **environ))
        clients = of_modern(found.host.url, HANG_UPS)
        for route in routes:
            hang_up(found.host.url, route, clients, folder / ASKED)
        wait(lambda: len(left(found, routes)) == 2 * HANG_UPS)
        # In this process nobody tells an app that its client has left
        slow = {499} if where == "remote" else {200}
        assert {one["status"] for one in left(found, routes[:1])} == slow
        assert {one["status"] for one in left(found, routes[1:])} == {200}
        found.all_told()
        for route in routes:
            assert_no_event(found.evidence(route))
            assert found.evidence(route)["breakers"] == {}
        assert found.made_by("guard") == []


def left(found: Judged, routes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The exchanges that were hung up on."""
    return [
        one for one in found.host.exchanges() if one["route"] in routes and one["stack"] == "modern"
    ]


@contextmanager
def remote(folder: Path, port: int) -> Iterator[Running]:
    """The modern stack on a port of its own."""
    command = ("uvicorn", "tests.e2e.failing:modern", "--port", f"{port}", "--no-access-log")
    with started(folder, *command) as running:
        wait(lambda: answers_at(f"http://127.0.0.1:{port}"))
        yield running


def of_modern(url: str, count: int) -> list[str]:
    """So many clients whom modern answers, on every route with its share."""
    found = []
    with httpx.Client(base_url=url, timeout=20) as client:
        for number in range(20 * HANG_UPS):
            name = f"client-{number}"
            answer = client.get("/api/positions", headers={"X-API-Key": name})
            if answer.headers["x-served-by"] == "modern":
                found.append(name)
            if len(found) == count:
                return found
    raise AssertionError("modern answers too few")


def hang_up(url: str, route: str, clients: list[str], asked: Path) -> None:
    """All at once, when modern has got the requests, and with `/stream` when its answers have begun."""
    address = httpx.URL(url)
    path = route.removeprefix("GET ")
    before = asked.read_text().count("\n") if asked.exists() else 0
    connections = [socket.create_connection((address.host, address.port or 0)) for _ in clients]
    for name, connection in zip(clients, connections, strict=True):
        head = f"GET {path} HTTP/1.1\r\nHost: {address.host}\r\nX-API-Key: {name}\r\n\r\n"
        connection.sendall(head.encode())
    wait(lambda: asked.exists() and asked.read_text().count("\n") == before + len(clients))
    for number, connection in enumerate(connections):
        if path == "/stream":
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def test_a_deploy_that_restarts_modern_is_no_evidence(tmp_path: Path) -> None:
    """Killed while it answers: what it was about to answer is one event, that nobody listens is none."""
    port = free_port()
    environ = {"BANYAN_MODERN": f"http://127.0.0.1:{port}"}
    text = plan(f"{ROUTE}, modern: 5", "POST /orders, modern: 50")
    with remote(tmp_path / "old", port) as old, up(tmp_path, text, **environ) as found:
        with Crowd(found.host.url) as gets, Crowd(found.host.url, "POST /orders") as posts:
            gets.until(10, "modern")
            posts.until(20, "modern")
            old.process.kill()
            old.process.wait()
            with remote(tmp_path / "new", port):
                gets.until(200)
                posts.until(50)
        assert gets.failed == []
        found.all_told()
        assert [one for one in found.host.exchanges() if one.get("failed")] != []
        evidence = found.evidence()
        assert_no_event(evidence)
        orders = found.evidence("POST /orders")
        assert orders["modern"]["events"]["error"] <= 1
        assert orders["verdict"] != "worse"
        held = [*evidence["holds"], *orders["holds"]]  # by breakers, for half a minute
        assert [hold for hold in held if not hold.startswith("modern fails right now")] == []
        assert found.made_by("guard") == []


def test_b094_a_host_that_is_paused_for_10_seconds_recovers_and_modern_is_not_judged_by_it(
    tmp_path: Path,
) -> None:
    route = "POST /orders"
    with up(tmp_path, plan(f"{ROUTE}, modern: 50", f"{route}, modern: 50")) as found:
        client = of_modern(found.host.url, 1)[0]
        with Crowd(found.host.url, route, clients=30) as crowd:
            wait_until_slow_is_known(found, route, client)
            before, workers = found.evidence(route)["modern"]["events"], found.workers()
            pause([found.host.running.process.pid, *workers])
            wait(lambda: found.workers() == workers)
            crowd.until(100)
        assert crowd.failed == []
        assert crowd.slowest > PAUSE - 2  # some were on their way
        found.all_told()
        evidence = found.evidence(route)
        assert evidence["modern"]["events"] == before
        assert evidence["holds"] == []
        assert_no_event(evidence)
        assert found.made_by("guard") == []


def test_b094_a_worker_that_is_paused_for_10_seconds_is_replaced_and_modern_is_not_judged_by_it(
    tmp_path: Path,
) -> None:
    """Its supervisor does not wait so long, and what it was asked is lost with it."""
    with up(tmp_path, plan(f"{ROUTE}, modern: 50")) as found:
        with Crowd(found.host.url, clients=8) as crowd:
            crowd.until(50, "modern")
            paused = next(iter(found.workers()))
            pause([paused])
            wait(lambda: list(found.workers().values()) == [True] * WORKERS)
            crowd.until(100)
        found.all_told()
        assert paused not in found.workers()
        assert found.evidence()["holds"] == []
        assert_no_event(found.evidence())
        assert found.made_by("guard") == []


def pause(processes: list[int]) -> None:
    """The first one first; it goes on last."""
    for one in processes:
        kill(one, signal.SIGSTOP)
    time.sleep(PAUSE)
    for one in processes[::-1]:
        with suppress(ProcessLookupError):
            kill(one, signal.SIGCONT)


def wait_until_slow_is_known(found: Judged, route: str, client: str) -> None:
    """Until a second of modern's is an event: that is learned from legacy, and takes ten seconds."""

    def slow() -> int:
        return int(found.evidence(route)["modern"]["events"]["slow"])

    end, headers = time.monotonic() + 60, {"X-API-Key": client}
    while time.monotonic() < end:
        before = slow()
        httpx.post(f"{found.host.url}/orders?takes=1", headers=headers, timeout=20)
        found.all_told()
        if slow() > before:
            return
    raise AssertionError("no worker has called a second slow")


def test_many_plans_within_a_second_cost_no_worker_and_no_evidence(tmp_path: Path) -> None:
    """More than a worker remembers the splits of."""
    with up(tmp_path, plan(f"{ROUTE}, modern: 50")) as found:
        before = sorted(found.workers())
        with Crowd(found.host.url, clients=8) as crowd:
            for number in range(30):
                found.shift(40 + number / 10)
            crowd.until(100)
        found.settled()
        assert sorted(found.workers()) == before
        assert crowd.failed == []
        found.all_told()
        evidence = found.evidence()
        assert evidence["legacy"]["requests"] + evidence["modern"]["requests"] == crowd.answered
