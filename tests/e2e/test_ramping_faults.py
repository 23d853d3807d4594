"""What neither a kill of the control plane nor an outage of the store may do to a ramp."""

import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.store.evidence import Count, Event
from gateway.store.opening import open_store
from gateway.store.tables import NOTICES
from tests.conftest import CAMPAIGN
from tests.e2e.judged import ROUTE, Crowd, apart, assert_no_event, gateway, plan, store
from tests.e2e.killing import killer
from tests.e2e.processes import wait
from tests.fleet.hosts import Host, Operator
from tests.postgres import Server, installed, postgres_server, run_server

__all__ = ["postgres_server"]

pytestmark = pytest.mark.e2e
# What a busy machine does to times is not what is tested here
AT_10 = f"{ROUTE}, modern: 10, guard: {{signals: {{slow: ignore, lag: ignore}}}}"
KILLS = 26  # of each store's control planes
STEPS = [*range(11, 61)]  # percent; the ramp begins at 10 and takes the first one at once
PLANTED = {"legacy": (10_000, 500), "modern": (1_112, 56)}  # requests and events, both alike
OUTAGE = 10.0  # seconds
Told = Callable[[str, object], None]
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


@KINDS
def test_b091_control_planes_that_are_killed_at_any_moment_neither_skip_nor_repeat_a_step(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, record_property: Told
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(store(kind, tmp_path, request))
        text, environ = plan(AT_10), {"BANYAN_STORE": url}
        host = stack.enter_context(gateway(tmp_path / "host", text, **environ))
        operator = stack.enter_context(closing(Operator(tmp_path, url)))
        killing = stack.enter_context(killer(tmp_path / "control", url, f"b091 {kind}"))
        stack.enter_context(Crowd(host.url))
        begin_ramp(operator, url)
        while killing.killed < KILLS:
            killing.kill_one()
        by_killed = len(moves(operator))
        last = killing.start()
        until_steps(operator, by_killed + 2)
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


def until_steps(operator: Operator, count: int) -> None:
    """Until the ramp has taken so many; if it does not, it says why."""
    try:
        wait(lambda: len(moves(operator)) >= count)
    except AssertionError:
        pytest.fail(f"{len(moves(operator))} steps, and no more: {operator.ask('GET', '/ramps')}")


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
        found = stack.enter_context(apart(tmp_path, own.url, plan(AT_10)))
        operator = stack.enter_context(closing(Operator(tmp_path, own.url)))
        with Crowd(found.host.url) as crowd:
            begin_ramp(operator, own.url)
            until_steps(operator, 2)
            with own.away():
                began = time.time()
                time.sleep(OUTAGE)
                ended = time.time()
            before = [move for move in moves(operator) if move[3] < ended]
            until_steps(operator, len(before) + 2)
        assert crowd.failed == []
        found.all_told()
        wait(lambda: len(decided(found.host)) == crowd.answered)
        assert [move for move in before if move[3] > began] == []
        assert_each_step_was_taken_once(operator, own.url)
        assert found.made_by("guard") == []
        evidence = found.evidence()
        assert_no_event(evidence, {stack: events for stack, (_, events) in PLANTED.items()})
        told = {stack: evidence[stack]["requests"] - PLANTED[stack][0] for stack in PLANTED}
        assert told == Counter(one["stack"] for one in decided(found.host))


def decided(host: Host) -> list[dict[str, Any]]:
    """The route's exchanges that the split decided, by the access log."""
    return [one for one in host.exchanges() if (one["route"], one["reason"]) == (ROUTE, "split")]


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
