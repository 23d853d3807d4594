"""What is no evidence against modern, and what neither a kill nor an outage may do to a ramp."""

import re
import signal
import socket
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import pairwise
from os import kill
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from gateway.store.evidence import Count, Event
from gateway.store.opening import open_store
from gateway.store.tables import NOTICES
from tests.conftest import CAMPAIGN
from tests.contract.servers import free_port
from tests.e2e.failing import ASKED
from tests.e2e.judged import ROUTE, WORKERS, Crowd, Judged, apart, gateway, plan, store, up
from tests.e2e.killing import killer
from tests.e2e.processes import Running, answers_at, started, wait
from tests.fleet.hosts import Operator
from tests.postgres import Server, installed, postgres_server, run_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.e2e
KILLS = 26  # of each store's control planes
STEPS = [*range(11, 61)]  # percent; the ramp begins at 10 and takes the first one at once
PLANTED = {"legacy": (10_000, 500), "modern": (1_112, 56)}  # requests and events, both alike
OUTAGE = PAUSE = 10.0  # seconds
HANG_UPS = 100  # before the answer, and as many in its middle
Told = Callable[[str, object], None]
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@KINDS
def test_b091_control_planes_that_are_killed_at_any_moment_neither_skip_nor_repeat_a_step(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, record_property: Told
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(store(kind, tmp_path, request))
        text, environ = plan(f"{ROUTE}, modern: 10"), {"BANYAN_STORE": url}
        host = stack.enter_context(gateway(tmp_path / "host", text, **environ))
        operator = stack.enter_context(closing(Operator(tmp_path, url)))
        killing = stack.enter_context(killer(tmp_path / "control", url, f"b091 {kind}"))
        stack.enter_context(Crowd(host.url))
        begin_ramp(operator, url)
        while killing.killed < KILLS:
            killing.kill_one()
        by_killed = len(moves(operator))
        last = killing.start()
        wait(lambda: len(moves(operator)) >= by_killed + 2)
        killing.kill(last)
        assert by_killed >= 4
        assert_each_step_was_taken_once(operator, url)
        record_property(
            CAMPAIGN,
            f"{kind}: {killing.killed} control planes killed, {killing.writing} of them about to write: "
            f"{len(moves(operator))} steps, none skipped, none repeated",
        )


def begin_ramp(operator: Operator, url: str) -> None:
    """Its steps are proven: both stacks have failed alike, often enough."""
    with closing(open_store(url)) as opened:
        counts = [Count(ROUTE, 1, s, 10_000, requests, 0) for s, (requests, _) in PLANTED.items()]
        events = [
            Event(f"{s} {number}", ROUTE, 1, s, 10_000, "error")
            for s, (_, count) in PLANTED.items()
            for number in range(count)
        ]
        opened.evidence.add(counts, events, [])
    ramp = {"steps": STEPS, "hold": "1s", "minimum": 1, "reason": "both stacks fail alike"}
    operator.ask("POST", "/ramps", {"route": ROUTE, **ramp})


def moves(operator: Operator) -> list[tuple[float, float, int, float]]:
    """Each step of the ramp's own: from, to, the version and its time, the oldest first."""
    found = operator.ask("GET", "/versions?limit=500")["items"][::-1]
    return [
        (*map(float, _move(one["reason"])), one["version"], one["at"])
        for one in found
        if one["actor"] == "ramp"
    ]


def _move(reason: str) -> tuple[str, str]:
    found = re.search(r", (\S+) % -> (\S+) %: ", reason)
    assert found is not None, reason
    return found[1], found[2]


def assert_each_step_was_taken_once(operator: Operator, url: str) -> None:
    """As the versions, the audit, the notices and the ramp itself tell it."""
    taken = moves(operator)
    assert [(here, there) for here, there, *_ in taken] == list(pairwise(STEPS))[: len(taken)]
    assert min(later[3] - earlier[3] for earlier, later in pairwise(taken)) >= 1.0
    lines = operator.ask("GET", "/audit?limit=500")["items"]
    told = [one["version"] for one in lines[::-1] if one["action"] == "ramp.advance"]
    assert told == [version for *_, version, _ in taken]
    [ramp] = operator.ask("GET", "/ramps")
    assert (ramp["state"], ramp["split"]) == ("running", taken[-1][1])
    rule = operator.ask("GET", "/plan")["plan"]["routes"][0]
    assert (rule["route"], float(rule["modern"])) == (ROUTE, taken[-1][1])
    with closing(open_store(url)) as opened, opened.database.reading() as connection:
        query = sa.select(sa.func.count()).where(NOTICES.c.kind == "ramp")
        assert connection.execute(query).scalar_one() == len(taken) + 1  # and its beginning


@KINDS
def test_a_store_that_is_away_loses_no_evidence_turns_none_and_holds_ramps(
    kind: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        own = stack.enter_context(own_store(kind, tmp_path))
        found = stack.enter_context(apart(tmp_path, own.url, plan(f"{ROUTE}, modern: 10")))
        operator = stack.enter_context(closing(Operator(tmp_path, own.url)))
        with Crowd(found.host.url) as crowd:
            begin_ramp(operator, own.url)
            wait(lambda: len(moves(operator)) >= 2)
            with own.away():
                began = time.time()
                time.sleep(OUTAGE)
                ended = time.time()
            before = [move for move in moves(operator) if move[3] < ended]
            wait(lambda: len(moves(operator)) >= len(before) + 2)
        assert crowd.failed == []
        found.host.running.stop()
        assert [move for move in before if move[3] > began] == []
        assert_each_step_was_taken_once(operator, own.url)
        assert found.made_by("guard") == []
        evidence = found.evidence()
        assert_no_event(evidence, {stack: events for stack, (_, events) in PLANTED.items()})
        by_split = [one for one in found.host.exchanges() if one["reason"] == "split"]
        assert len(by_split) == crowd.answered
        told = {stack: evidence[stack]["requests"] - PLANTED[stack][0] for stack in PLANTED}
        assert told == {stack: sum(one["stack"] == stack for one in by_split) for stack in PLANTED}


class Own:
    """A store that a test may take away."""

    def __init__(self, url: str, away: Callable[[], Any]) -> None:
        self.url, self.away = url, away


@contextmanager
def own_store(kind: str, folder: Path) -> Iterator[Own]:
    if kind == "sqlite":
        file = folder / "shared.db"
        yield Own(f"sqlite:///{file}", lambda: locked(file))
        return
    with run_server(installed()) as server, server.database("judged"):
        yield Own(server.url("judged"), lambda: stopped(server))


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Somebody else writes, and does not end."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def assert_no_event(evidence: Any, planted: dict[str, int] | None = None) -> None:
    """Nothing speaks against modern, nor against legacy, but what was planted."""
    for stack in ("legacy", "modern"):
        events = evidence[stack]["events"]
        assert events["error"] == (planted or {}).get(stack, 0), evidence
        assert events["client_error"] == 0, evidence
    assert evidence["verdict"] != "worse"
    assert [one for one in evidence["signals"] if one["verdict"] == "worse"] == []
    assert evidence["latch"] is None


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
