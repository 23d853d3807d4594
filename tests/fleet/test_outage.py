"""The store goes away under load, and half of the fleet is restarted meanwhile: clients notice nothing.

`BANYAN_OUTAGE=60` makes it last longer than the suite has time for.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from anyio import to_thread

from tests.conftest import CAMPAIGN
from tests.e2e.processes import Running, answers_at, started, wait
from tests.fleet.hosts import SECRET, Fleet, Load, fleet, host, under
from tests.postgres import Server, installed, run_server

pytestmark = pytest.mark.e2e
OUTAGE = float(os.environ.get("BANYAN_OUTAGE", "12"))  # seconds
BEFORE, AFTER = 5, 5  # shifts


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that this test may stop."""
    with run_server(installed()) as server, server.database("fleet"):
        yield server


@contextmanager
def control(parent: Path, store: str) -> Iterator[Running]:
    """A control plane alone; its standard error has the banner."""
    environ = {"BANYAN_STORE": store, "BANYAN_SECRET": SECRET}
    with started(
        parent / "control", "banyan", "control", "--control-port", "0", **environ
    ) as found:
        wait(lambda: "control plane is up" in found.errors or found.process.poll() is not None)
        yield found


@asynccontextmanager
async def outage(server: Server, seconds: float) -> AsyncIterator[None]:
    """The server is down while the block runs, and for `seconds` at least."""
    await to_thread.run_sync(server.stop)
    began = anyio.current_time()
    try:
        yield
        await anyio.sleep(max(0.0, began + seconds - anyio.current_time()))
    finally:
        await to_thread.run_sync(server.start)


async def test_b074_the_store_stops_hosts_restart_and_no_client_sees_an_error(
    tmp_path: Path, own_server: Server, record_property: Callable[[str, object], None]
) -> None:
    store = own_server.url("fleet")
    with ExitStack() as stack:
        first = stack.enter_context(control(tmp_path, store))
        found = stack.enter_context(fleet(tmp_path, store, 3))
        load = Load([one.url for one in found.hosts])
        for percent in range(BEFORE):
            found.shift(10 + percent)
        await to_thread.run_sync(wait, lambda: found.converged(6), 30)
        async with under(load):
            async with outage(own_server, OUTAGE):
                first.process.kill()
                await restarted(found, load, stack, tmp_path, store)
                refused = await to_thread.run_sync(refused_shift, found)
            await to_thread.run_sync(wait, lambda: can_work(found), 60)
            for percent in range(AFTER):
                await to_thread.run_sync(found.shift, 50 + percent)
            await to_thread.run_sync(wait, lambda: found.converged(6), 60)
        second = stack.enter_context(control(tmp_path, store))
        await to_thread.run_sync(wait, lambda: leads(second), 30)
        assert refused == (503, "store_unavailable")
        assert load.failures == []
        assert load.answered > 100
        assert_nothing_is_lost(found)
        record_property(
            CAMPAIGN,
            f"PostgreSQL away for {OUTAGE:g} s, control plane killed, hosts restarted: "
            f"{load.answered} requests, {len(load.failures)} failed",
        )


async def restarted(found: Fleet, load: Load, stack: ExitStack, parent: Path, store: str) -> None:
    """One host replaces its workers; another is stopped, as a load balancer sees it, and started anew."""
    found.hosts[0].running.process.send_signal(signal.SIGHUP)
    last = found.hosts.pop()
    load.urls = [one.url for one in found.hosts]
    await anyio.sleep(1)  # requests that were sent to it are answered
    assert await to_thread.run_sync(last.running.stop) == 0
    again = await to_thread.run_sync(lambda: stack.enter_context(host(parent, last.name, store)))
    assert again.events("plan.last_good_used")
    versions = {one["version"] for one in again.events("plan.applied")}
    assert versions == {max(found.applied)}
    found.hosts.append(again)
    load.urls = [one.url for one in found.hosts]


def refused_shift(found: Fleet) -> tuple[int, str]:
    body = {"route": "GET /who", "modern": 99, "reason": "while nothing can be written"}
    answer = found.operator.try_to("PATCH", "/plan/routes", body)
    return answer.status_code, answer.json()["code"]


def can_work(found: Fleet) -> bool:
    return found.operator.try_to("GET", "/plan").is_success


def leads(control: Running) -> bool:
    if not answers_at(control.url("control")):
        return False
    return bool(httpx.get(f"{control.url('control')}/ready").json()["leading"])


def assert_nothing_is_lost(found: Fleet) -> None:
    """Every version that an operator was told of is there, with its audit line, and no other."""
    made = 1 + BEFORE + AFTER
    items = found.operator.ask("GET", "/versions?limit=500")["items"]
    assert [one["version"] for one in items] == list(range(made, 0, -1))
    lines = found.operator.ask("GET", "/audit?limit=500")["items"]
    changes = [one["version"] for one in lines if one["version"]]
    assert changes == list(range(made, 0, -1))
