"""A stack in a process of its own: the same app, the same environ, and it comes back when it is killed."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.endpoints import Endpoint
from gateway.messages import App
from gateway.settings import Settings
from gateway.stacks.address import Spawned, StackNotFound
from gateway.stacks.portal import portal
from gateway.stacks.process import supervisor as process
from gateway.stacks.remote.stack import process_stack
from gateway.stacks.wsgi.bridges import wsgi_stack
from gateway.words import Stack
from tests.gateway.bridge import DEADLINE, Client, chunk, until
from tests.remote import shop
from tests.remote.load import Load
from tests.remote.test_sockets import Browser

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def spawned(app: str, **settings: Any) -> AsyncIterator[App]:
    address = Spawned("BANYAN_LEGACY", f"tests.remote.shop:{app}")
    async with process_stack(address, Stack.LEGACY, Settings(**settings)) as (stack, _):
        yield stack


HOST = (b"host", b"shop.example")
REQUESTS: list[dict[str, Any]] = [
    {"headers": [HOST, (b"connection", b"keep-alive"), (b"x-request-id", b"1")]},
    {"headers": [HOST, (b"connection", b"close, x-a"), (b"x-a", b"1"), (b"te", b"trailers")]},
    {"headers": [HOST], "client": ("203.0.113.9", 4711), "scheme": "https"},
    {"headers": [HOST], "client": ("2001:db8::1", 1), "server": ("10.0.0.9", 8443)},
    {"headers": [], "http_version": "1.0"},
    {"headers": [HOST, (b"x-forwarded-for", b"6.6.6.6"), (b"forwarded", b"for=x")]},
    {"headers": [HOST, (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x-latin", b"caf\xe9")]},
    {"headers": [HOST], "raw_path": b"/%65nviron", "path": "/environ", "query_string": b"a=%2f&\xff"},
    {"headers": [HOST, (b"content-length", b"3")], "method": "POST"},
    {"headers": [HOST, (b"transfer-encoding", b"chunked")], "method": "POST"},
    {"headers": [HOST, (b"expect", b"100-continue"), (b"content-length", b"3")], "method": "POST"},
]  # fmt: skip


async def test_b116_the_environ_in_a_process_is_the_environ_in_this_one() -> None:
    async with spawned("flask_app") as there, portal() as into_loop:
        here = wsgi_stack(shop.flask_app, Settings(), into_loop, {})
        for number, request in enumerate(REQUESTS):
            scope = {"path": "/environ", **request}
            body = [chunk(b"abc")] if request.get("method") == "POST" else []
            mine = await Client(here, *body, **scope).ask()
            theirs = await Client(there, *body, **scope).ask()
            assert theirs.json() == mine.json(), number
        here.close()


async def test_b031_nobody_but_the_gateway_says_who_the_client_is() -> None:
    forged = (b"x-banyan-scope", b'{"client":["6.6.6.6",1],"scheme":"https"}')
    async with spawned("scope_app") as app:
        told = eval((await Client(app, headers=[HOST, forged]).ask()).body)
        assert told["client"] == ("127.0.0.1", 1)
        assert told["headers"] == [HOST]
        browser = Browser(app, headers=[HOST, forged], scheme="wss")
        await browser.heard(2)
        told = eval(browser.sent[1]["bytes"])
        assert told["client"] == ("127.0.0.1", 1)
        assert told["scheme"] == "wss"
        assert told["headers"] == [HOST]
        browser.say(text="4321")
        await browser.task
        assert browser.sent[2] == {"type": "websocket.close", "code": 4321, "reason": "bye"}


async def test_b122_a_process_tells_what_its_app_serves() -> None:
    address = Spawned("BANYAN_LEGACY", "tests.remote.shop:flask_app")
    async with process_stack(address, Stack.LEGACY, Settings()) as (_, told):
        assert told.served is not None
        assert Endpoint("GET", "/items/{item:int}") in told.served
        assert told.door is not None
        assert "/items/{item:int}" in {rule.template for rule in told.door.rules}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("tests.remote.nothing:app", "cannot import 'tests.remote.nothing'"),
        ("tests.remote.shop:flask_ap", "the nearest name is 'flask_app'"),
        ("tests.remote.shop:failing_app", "the shop is closed"),
    ],
)
async def test_b122_an_app_that_cannot_start_says_why(value: str, message: str) -> None:
    address = Spawned("BANYAN_LEGACY", value)
    with pytest.raises(StackNotFound, match=message) as refused:
        async with process_stack(address, Stack.LEGACY, Settings()):
            pass
    assert refused.value.exit_code == 2


async def test_b063_a_process_that_is_killed_again_and_again_loses_only_what_cannot_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_SETTLED", 0.0)  # each restart is the first one
    async with spawned("counting_app", connect_timeout=20) as app:
        async with Load(app, tmp_path / "executed").running() as load:
            for _ in range(5):
                pid = (await Client(app).ask()).json()["pid"]
                await load.more(50)
                os.kill(pid, signal.SIGKILL)
                await load.answered_by_another(pid)
        load.check()


async def test_b063_a_request_meanwhile_waits_as_long_as_a_connect_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_DELAYS", (60.0, 60.0))  # it is not back before the test is over
    async with spawned("counting_app", connect_timeout=0.1) as app:
        pid = (await Client(app).ask()).json()["pid"]
        os.kill(pid, signal.SIGKILL)
        await until(lambda: f"stack-{pid}" not in {thread.name for thread in threading.enumerate()})
        for _ in range(10):  # what its thread has told the loop goes round once or twice
            await asyncio.sleep(0)
        assert (await Client(app, method="POST").ask()).status == 502
        client = await Client(app).ask()
        assert client.status == 502
        assert "is being restarted" in client.json()["error"]


async def test_b063_a_process_that_stops_by_itself_is_started_again() -> None:
    async with spawned("counting_app", connect_timeout=20) as app:
        pid = (await Client(app).ask()).json()["pid"]
        before = process.RESTARTS.labels(Stack.LEGACY)._value.get()
        os.kill(pid, signal.SIGTERM)
        await until(lambda: not Path(f"/proc/{pid}").exists())
        assert (await Client(app).ask()).json()["pid"] != pid
        assert process.RESTARTS.labels(Stack.LEGACY)._value.get() == before + 1


async def test_b063_a_process_that_is_just_being_started_ends_with_its_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, goes_on = threading.Event(), threading.Event()
    children: list[Any] = []
    start = process._Child.start

    def slow(child: Any, told: dict[str, Any]) -> None:
        children.append(child)
        if len(children) > 1:
            asked.set()
            goes_on.wait(DEADLINE)
        start(child, told)

    monkeypatch.setattr(process._Child, "start", slow)
    async with spawned("counting_app") as app:
        os.kill((await Client(app).ask()).json()["pid"], signal.SIGKILL)
        await until(asked.is_set)
        asyncio.get_running_loop().call_later(0.1, goes_on.set)
    assert children[1].pid  # it was waited for: its listener's descriptor is somebody else's by now
    await until(children[1].ended.done)


async def test_b063_a_start_that_fails_while_its_gateway_ends_does_not_keep_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, goes_on = threading.Event(), threading.Event()
    start = process._Child.start

    def failing(child: Any, told: dict[str, Any]) -> None:
        if pids:
            asked.set()
            goes_on.wait(DEADLINE)
            raise OSError("no descriptor is free")
        start(child, told)

    pids: list[int] = []
    monkeypatch.setattr(process._Child, "start", failing)
    async with asyncio.timeout(2 * DEADLINE) as deadline, spawned("counting_app") as app:
        pids.append((await Client(app).ask()).json()["pid"])
        os.kill(pids[0], signal.SIGKILL)
        await until(asked.is_set)
        asyncio.get_running_loop().call_later(0.1, goes_on.set)
    assert not deadline.expired()


async def test_b063_a_gateway_that_ends_while_its_process_says_that_it_serves_does_not_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    children: list[Any] = []
    start = process._Child.start

    def watched(child: Any, told: dict[str, Any]) -> None:
        children.append(child)
        if len(children) > 1:
            loop.call_soon_threadsafe(child.report.add_done_callback, leave)
        start(child, told)

    def leave(_report: object) -> None:
        (watch,) = (task for task in asyncio.all_tasks() if task.get_name() == "stack-legacy")
        watch.cancel()
        ended.append(watch)

    ended: list[asyncio.Task[None]] = []
    monkeypatch.setattr(process._Child, "start", watched)
    async with asyncio.timeout(20), spawned("counting_app") as app:
        os.kill((await Client(app).ask()).json()["pid"], signal.SIGKILL)
        await until(lambda: ended and ended[0].done(), 10)
