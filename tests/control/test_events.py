"""Server-sent events: who reads them hears of every version once, and takes no place when gone."""

import json
from asyncio import Queue
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup
from starlette.types import Message

from gateway.control import events
from gateway.control.api import events as endpoint
from gateway.control.tokens import Role
from gateway.store.audit import Act
from gateway.store.errors import StoreUnavailable
from gateway.store.opening import Store, open_store
from gateway.store.versions import Proposal
from tests.control.api import PLAN, Api, api, empty
from tests.controlling import As

__all__ = ["api", "empty"]

DEADLINE = 10.0  # seconds
ACT = Act("cli:bob", "laptop", "plan.apply", "", "because")


@dataclass
class Reader:
    """A client that reads events; it takes them while `takes` is set."""

    messages: Queue[Message] = field(default_factory=Queue)
    start: Message = field(default_factory=dict)
    gone: anyio.Event = field(default_factory=anyio.Event)
    takes: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)
    text: str = ""

    @property
    def status(self) -> int:
        return int(self.start["status"])

    async def next(self) -> str:
        """The next event or comment; empty at the end of the stream."""
        with anyio.fail_after(DEADLINE):
            while "\n\n" not in self.text:
                message = await self.messages.get()
                self.text += message.get("body", b"").decode()
                if not message.get("more_body", False) and "\n\n" not in self.text:
                    return ""
        first, _, self.text = self.text.partition("\n\n")
        return first

    async def version(self) -> int:
        """The version of the next event."""
        kind, told = await self.event()
        assert kind == "plan"
        return int(told["version"])

    async def event(self) -> tuple[str, dict[str, Any]]:
        id_, kind, data = (await self.next()).split("\n")
        told = json.loads(data.removeprefix("data: "))
        assert id_ == f"id: {told['version']}"
        return kind.removeprefix("event: "), told

    async def leave(self) -> None:
        self.gone.set()
        with anyio.fail_after(DEADLINE):
            await self.ended.wait()


@dataclass
class Desk:
    """A control plane that runs, and its readers."""

    api: Api
    tasks: TaskGroup

    async def read(
        self, *, role: Role | None = Role.VIEWER, takes: bool = True, **headers: str
    ) -> Reader:
        """A reader that has been told the status."""
        reader = self.begin(role, takes=takes, **headers)
        with anyio.fail_after(DEADLINE):
            reader.start = await reader.messages.get()
        return reader

    def begin(self, role: Role | None, *, takes: bool, **headers: str) -> Reader:
        reader = Reader()
        if takes:
            reader.takes.set()
        self.tasks.start_soon(self._serve, reader, role, headers)
        return reader

    async def _serve(self, reader: Reader, role: Role | None, headers: dict[str, str]) -> None:
        body = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if not body:
                await reader.gone.wait()
                return {"type": "http.disconnect"}
            return body.pop()

        async def send(message: Message) -> None:
            await reader.takes.wait()
            await reader.messages.put(message)

        sent = {"host": "localhost", **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},  # as uvicorn 0.54 has it
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/v1/events",
            "raw_path": b"/api/v1/events",
            "query_string": b"",
            "root_path": "",
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        app = self.api.app if role is None else As(self.api.app, role)
        await app(scope, receive, send)
        reader.ended.set()


@asynccontextmanager
async def running(api: Api) -> AsyncIterator[Desk]:
    async with api.app.router.lifespan_context(api.app), anyio.create_task_group() as tasks:
        yield Desk(api, tasks)
        tasks.cancel_scope.cancel()


@pytest.fixture
def other(api: Api) -> Iterator[Store]:
    """The same store, as another process sees it."""
    store = open_store(api.settings.store_url)
    yield store
    store.close()


async def told(api: Api) -> None:
    """Waits until there is nothing to tell: a version in between would make places free."""
    with anyio.fail_after(DEADLINE):
        while api.context.events._told == 0:
            await anyio.sleep(0.01)


def apply(store: Store, count: int = 1) -> None:
    for _ in range(count):
        newest = store.versions.newest()
        store.versions.apply(newest, Proposal(f"{PLAN}# {newest}\n", ACT))


async def test_a_reader_is_told_the_plan_in_force_and_then_each_new_one(
    api: Api, other: Store
) -> None:
    apply(other)
    async with running(api) as desk:
        reader = await desk.read()
        assert reader.status == 200
        headers = dict(reader.start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert headers[b"cache-control"] == b"no-store"
        kind, told = await reader.event()
        assert (kind, told["version"], told["actor"]) == ("plan", 2, "cli:bob")
        assert told.keys() == {"version", "at", "actor", "origin", "reason"}
        apply(other)
        assert await reader.version() == 3
        await api.told("PATCH", "/plan/routes", api.shift(40))
        assert (await reader.event())[1]["actor"] == "api:ann"


async def test_a_new_version_is_told_within_a_second(api: Api, other: Store) -> None:
    async with running(api) as desk:
        reader = await desk.read()
        assert await reader.version() == 1
        apply(other)
        with anyio.fail_after(1):
            assert await reader.version() == 2


async def test_without_a_plan_the_first_one_is_the_first_event(empty: Api) -> None:
    async with running(empty) as desk:
        reader = await desk.read()
        empty.apply(PLAN)
        assert await reader.version() == 1


async def test_every_reader_hears_everything_once_and_in_order(api: Api, other: Store) -> None:
    async with running(api) as desk:
        readers = [await desk.read() for _ in range(10)]
        apply(other, 5)
        late = await desk.read(last_event_id="2")
        for reader in readers:
            assert [await reader.version() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
        assert [await late.version() for _ in range(4)] == [3, 4, 5, 6]


async def test_who_comes_again_is_told_what_was_missed(api: Api, other: Store) -> None:
    apply(other, 4)
    async with running(api) as desk:
        reader = await desk.read(last_event_id="3")
        assert [await reader.version() for _ in range(2)] == [4, 5]
        current = await desk.read(last_event_id="5")
        apply(other)
        assert await current.version() == 6
        assert await reader.version() == 6


async def test_who_knew_a_store_that_was_lost_is_told_of_this_one(api: Api, other: Store) -> None:
    async with running(api) as desk:
        reader = await desk.read(last_event_id="41")
        assert await reader.version() == 1
        apply(other)
        assert await reader.version() == 2


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "\u00b2", "", "1,2", "0x1", "+1"])
async def test_b082_what_is_no_event_of_ours_is_refused(api: Api, last: str) -> None:
    answer = await api.refused("GET", "/events", last_event_id=last)
    assert answer == (400, "bad_last_event_id")


async def test_b082_a_huge_event_id_is_refused_or_harmless(api: Api) -> None:
    assert await api.refused("GET", "/events", last_event_id="9" * 33) == (422, "invalid_request")
    async with running(api) as desk:
        reader = await desk.read(last_event_id="9" * 32)
        assert await reader.version() == 1


async def test_a_slow_reader_is_closed_and_comes_again(
    api: Api, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_WAITING", 3)
    async with running(api) as desk:
        slow, quick = await desk.read(), await desk.read()
        assert await slow.version() == 1
        slow.takes = anyio.Event()
        for version in range(1, 8):
            assert await quick.version() == version
            apply(other)
        slow.takes.set()
        heard = []
        while (found := await slow.next()) != "":
            heard.append(int(found.split("\n")[0].removeprefix("id: ")))
        assert heard == list(range(2, len(heard) + 2))
        assert len(heard) < 6
        again = await desk.read(last_event_id=str(heard[-1]))
        assert [await again.version() for _ in range(8 - heard[-1])] == list(
            range(heard[-1] + 1, 9)
        )
        assert await quick.version() == 8


async def test_b080_a_revoked_token_hears_nothing_more(api: Api, other: Store) -> None:
    made = await api.told("POST", "/tokens", {"name": "ci", "role": "viewer"})
    async with running(api) as desk:
        bearer = {"authorization": f"Bearer {made['token']}"}
        reader, stays = await desk.read(role=None, takes=True, **bearer), await desk.read()
        assert [await reader.version(), await stays.version()] == [1, 1]
        await api.told("DELETE", f"/tokens/{made['id']}")
        apply(other)
        assert await stays.version() == 2
        assert await reader.next() == ""
        assert (await desk.read(role=None, takes=True, **bearer)).status == 401


async def test_b080_a_revoked_token_loses_a_quiet_stream_too(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_QUIET", 0.02)
    made = await api.told("POST", "/tokens", {"name": "ci", "role": "viewer"})
    async with running(api) as desk:
        reader = await desk.read(role=None, authorization=f"Bearer {made['token']}")
        assert await reader.version() == 1
        await api.told("DELETE", f"/tokens/{made['id']}")
        while (found := await reader.next()) != "":
            assert found == ": quiet"


async def test_a_quiet_stream_is_kept_alive_by_comments(
    api: Api, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_QUIET", 0.02)
    async with running(api) as desk:
        reader = await desk.read()
        assert await reader.version() == 1
        assert [await reader.next() for _ in range(3)] == [": quiet"] * 3
        apply(other)
        while (found := await reader.next()) == ": quiet":
            pass
        assert found.startswith("id: 2\n")


async def test_the_101st_reader_is_asked_to_come_later(api: Api) -> None:
    async with running(api) as desk:
        readers = [await desk.read() for _ in range(100)]
        assert {reader.status for reader in readers} == {200}
        late = await desk.read()
        assert late.status == 503
        assert (b"retry-after", b"10") in late.start["headers"]
        assert json.loads((await late.messages.get())["body"])["code"] == "too_many_readers"
        await readers[50].leave()
        assert (await desk.read()).status == 200
        assert (await desk.read()).status == 503


async def test_b082_a_reader_that_is_gone_before_its_answer_begins_takes_no_place(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SUBSCRIBERS", 1)
    async with running(api) as desk:
        await told(api)
        for _ in range(3):
            reader = desk.begin(Role.VIEWER, takes=False)
            with anyio.fail_after(DEADLINE):
                while not api.context.events._subscribers:
                    await anyio.sleep(0.001)
            await reader.leave()
        assert (await desk.read()).status == 200


async def test_b082_a_reader_that_the_store_refuses_takes_no_place(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SUBSCRIBERS", 1)

    def away(*_: object) -> Any:
        raise StoreUnavailable("store: gone")

    async with running(api) as desk:
        await told(api)
        with monkeypatch.context() as patched:
            patched.setattr(type(api.store.versions), "history", away)
            for _ in range(3):
                assert await api.refused("GET", "/events") == (503, "store_unavailable")
        assert (await desk.read()).status == 200


async def test_a_store_that_was_away_for_a_while_ends_no_stream(
    api: Api, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_POLL", 0.02)
    asked = anyio.Event()

    def away(*_: object) -> Any:
        anyio.from_thread.run_sync(asked.set)
        raise StoreUnavailable("store: gone")

    async with running(api) as desk:
        reader = await desk.read()
        assert await reader.version() == 1
        with monkeypatch.context() as patched:
            patched.setattr(type(api.store.versions), "newest", away)
            with anyio.fail_after(DEADLINE):
                await asked.wait()
        apply(other)
        assert await reader.version() == 2


async def test_a_control_plane_that_ends_ends_its_streams(api: Api) -> None:
    async with api.app.router.lifespan_context(api.app), anyio.create_task_group() as tasks:
        reader = await Desk(api, tasks).read()
        await reader.leave()
    assert reader.ended.is_set()
