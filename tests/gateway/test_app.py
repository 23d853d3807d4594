"""The lives of both stacks in one process: start, shared loop, what fails, and the end."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, Request, WebSocket
from flask import Flask, jsonify
from flask import request as flask_request

from gateway import collector
from gateway.app import Gateway
from gateway.errors import BanyanError
from gateway.stacks.address import StackNotFound
from gateway.stacks.lifespan import StackStartFailed
from tests import drive
from tests.stacks import PLAN, flask_app, gateway, settings, starlette_app

GRADUAL = PLAN.format(phase="gradual", modern=50)


class Counter:
    """An async service with a lock, and a note of every thread that has run it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.value = 0
        self.threads: set[int] = set()

    async def add(self) -> int:
        async with self.lock:
            seen = self.value
            await asyncio.sleep(0)  # a chance for everybody else to read the same value
            self.value = seen + 1
            self.threads.add(threading.get_ident())
            return self.value


def modern_with(counter: Counter) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Counter]]:
        yield {"counter": counter}

    app = FastAPI(lifespan=lifespan)

    @app.get("/who")
    async def who(request: Request) -> int:
        return await request.state.counter.add()  # type: ignore[no-any-return]

    return app


def legacy_with_portal() -> Flask:
    app = Flask("legacy")

    @app.get("/who")
    def who() -> Any:
        environ = flask_request.environ
        return jsonify(environ["banyan.portal"].call(environ["banyan.state"]["counter"].add))

    return app


async def test_t21_both_stacks_share_one_service_on_the_loop_of_the_server(tmp_path: Path) -> None:
    counter = Counter()
    modern = modern_with(counter)
    async with gateway(tmp_path, GRADUAL, legacy_with_portal, lambda: modern) as app:
        target = drive.AsgiTarget(app)
        async with asyncio.timeout(5), asyncio.TaskGroup() as clients:
            for number in range(200):
                request = drive.Request("GET", "/who", {"X-API-Key": str(number)})
                clients.create_task(target.send(request))
    assert counter.value == 200
    assert counter.threads == {threading.get_ident()}


async def test_t27_the_lifespan_of_modern_is_entered_once_and_left_once(tmp_path: Path) -> None:
    events = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        events.append("entered")
        yield {"db": "open"}
        events.append("left")

    app = FastAPI(lifespan=lifespan)

    @app.get("/who")
    async def who(request: Request) -> str:
        return request.state.db  # type: ignore[no-any-return]

    async with gateway(
        tmp_path, PLAN.format(phase="gradual", modern=100), modern=lambda: app
    ) as gate:
        answer = await drive.AsgiTarget(gate).send(drive.Request("GET", "/who"))
        assert answer.json() == "open"
        assert events == ["entered"]
    assert events == ["entered", "left"]


async def connect() -> None:
    raise ConnectionError("no database")


async def test_b054_a_lifespan_that_fails_stops_the_start_and_is_named(tmp_path: Path) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await connect()
        yield

    with pytest.raises(StackStartFailed, match="ConnectionError: no database"):
        async with gateway(tmp_path, GRADUAL, modern=lambda: FastAPI(lifespan=lifespan)):
            pass


async def test_an_asgi_app_without_a_lifespan_is_a_stack_too(tmp_path: Path) -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"bare"})

    async with gateway(tmp_path, "phase: full\n", modern=lambda: bare) as app:
        assert (await drive.AsgiTarget(app).send(drive.Request("GET", "/any"))).body == b"bare"


@pytest.mark.parametrize(
    ("legacy", "modern", "served_by"),
    [(flask_app, None, "legacy"), (None, starlette_app, "modern")],
)
async def test_one_stack_alone_answers_everything(
    tmp_path: Path, legacy: Any, modern: Any, served_by: str
) -> None:
    async with gateway(tmp_path, "phase: gradual\n", legacy, modern) as app:
        target = drive.AsgiTarget(app)
        for path in ("/who", "/nope"):
            answer = await target.send(drive.Request("GET", path))
            assert answer.header("x-served-by") == served_by


async def test_without_any_stack_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BanyanError, match="BANYAN_LEGACY"):
        async with gateway(tmp_path, "phase: gradual\n", None, None):
            pass


async def test_a_phase_whose_stack_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BanyanError, match="BANYAN_MODERN"):
        async with gateway(tmp_path, "phase: full\n", flask_app, None):
            pass


async def test_in_phase_full_legacy_is_not_loaded_until_a_plan_needs_it(tmp_path: Path) -> None:
    loaded = []

    def legacy() -> Flask:
        loaded.append("legacy")
        return flask_app()

    async with gateway(tmp_path, "phase: full\n", legacy) as app:
        target = drive.AsgiTarget(app)
        assert (await target.send(drive.Request("GET", "/who"))).json()["stack"] == "modern"
        assert loaded == []
        (tmp_path / "traffic.yaml").write_text("phase: parallel\n")
        await app.watch.poll()
        async with asyncio.timeout(5):
            while app.watch.version == 1:
                await asyncio.sleep(0.01)
        assert (await target.send(drive.Request("GET", "/who"))).json()["stack"] == "legacy"
    assert loaded == ["legacy"]


async def test_the_first_start_writes_a_plan_with_every_route_at_0(tmp_path: Path) -> None:
    chosen = settings(tmp_path, first_plan=True)
    async with Gateway(chosen, flask_app, starlette_app).running():
        pass
    assert "  - route: GET /who\n    modern: 0\n" in chosen.plan.read_text()
    assert "/new" not in chosen.plan.read_text()


async def test_a_plan_that_is_replaced_is_freed_in_another_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[object] = []

    def let_go(parts: list[list[object]]) -> None:
        assert threading.current_thread() is not threading.main_thread()
        freed.extend(one for part in parts for one in part)

    monkeypatch.setattr(collector, "let_go", let_go)
    async with gateway(tmp_path, GRADUAL) as app:
        before = app.dispatch.plan.table.routes
        settings(tmp_path).plan.write_text(PLAN.format(phase="gradual", modern=60))
        with anyio.fail_after(20):
            while not {id(one) for one in before} <= {id(one) for one in freed}:
                await anyio.sleep(0.01)
        assert app.dispatch.plan.table.routes is not before


async def test_b055_a_modern_handler_that_exits_fails_its_request_only(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/who")
    async def who() -> None:
        raise SystemExit(3)

    plan = "defaults: {failover: never}\n" + PLAN.format(phase="gradual", modern=100)
    async with gateway(tmp_path, plan, modern=lambda: app) as gate:
        with pytest.raises(RuntimeError, match="the app raised SystemExit"):
            await drive.AsgiTarget(gate).send(drive.Request("GET", "/who"))


def websocket_scope(path: str) -> dict[str, Any]:
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {"websocket.http.response": {}},
    }


async def _websocket(app: Gateway, path: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    messages = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(websocket_scope(path), receive, send)
    return sent


async def test_t11_a_websocket_goes_to_modern_whatever_the_split_says(tmp_path: Path) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")

    async with gateway(tmp_path, "phase: parallel\n", modern=lambda: app) as gate:
        sent = await _websocket(gate, "/ws")
    assert [message["type"] for message in sent[:2]] == ["websocket.accept", "websocket.send"]


async def test_t11_without_a_modern_stack_a_websocket_is_refused_with_404(tmp_path: Path) -> None:
    async with gateway(tmp_path, "phase: gradual\n", flask_app, None) as gate:
        sent = await _websocket(gate, "/ws")
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 404)


async def test_threads_take_shorter_turns_while_a_gateway_runs_in_this_process(
    tmp_path: Path,
) -> None:
    before = sys.getswitchinterval()
    async with gateway(tmp_path, "phase: full\n", None, switch_interval=0.002):
        assert sys.getswitchinterval() == pytest.approx(0.002)
    assert sys.getswitchinterval() == pytest.approx(before)


async def test_a_stack_that_cannot_be_loaded_stops_the_start(tmp_path: Path) -> None:
    def missing() -> Any:
        raise StackNotFound("BANYAN_MODERN: cannot import 'new': No module named 'new'")

    with pytest.raises(StackNotFound, match="cannot import 'new'"):
        async with gateway(tmp_path, GRADUAL, modern=missing):
            pass


@pytest.mark.parametrize("modern", [0, 100])
async def test_behind_another_server_header_pairs_may_be_lists(tmp_path: Path, modern: int) -> None:
    """ASGI 3.0 asks for iterables."""
    plan = PLAN.format(phase="gradual", modern=modern)
    async with gateway(tmp_path, plan) as gate:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await gate({**scope, "headers": list(map(list, scope["headers"]))}, receive, send)

        sent = drive.Request("GET", "/who", {"X-Request-Id": "not sane"})
        answer = await drive.AsgiTarget(app).send(sent)
    assert answer.status == 200
    assert answer.header("x-request-id") != "not sane"
