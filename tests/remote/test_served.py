"""`banyan` and gunicorn over stacks that are elsewhere: real processes, real sockets."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from tests.e2e.processes import ROOT, Running, answers_at, banyan, started, wait

pytestmark = pytest.mark.e2e

PLAN = "phase: gradual\nroutes:\n  - {route: GET /who, modern: 0}\n  - {route: GET /new, modern: 100}\n"
APPS = """
import os
from fastapi import FastAPI, Request, WebSocket
from flask import Flask, jsonify, request

legacy = Flask("legacy")
modern = FastAPI()


@legacy.get("/who")
def who():
    told = {name: request.environ.get(name) for name in ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR")}
    return jsonify(pid=os.getpid(), **told)


@legacy.get("/new")
def old():
    return jsonify(old=True)


@modern.get("/new")
async def new(request: Request):
    return {"pid": os.getpid(), "client": request.client.host}


@modern.get("/who")
async def other():
    return {}


@modern.websocket("/ws")
async def echo(ws: WebSocket):
    await ws.accept(subprotocol=next(iter(ws.scope["subprotocols"]), None))
    while (text := await ws.receive_text()) != "close":
        await ws.send_text(text)
    await ws.close(4444, "bye")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("served")
    (made / "elsewhere.py").write_text(APPS)
    (made / "traffic.yaml").write_text(PLAN)
    return made


SPAWNED = {"BANYAN_LEGACY": "process:elsewhere:legacy", "BANYAN_MODERN": "process:elsewhere:modern"}


@pytest.fixture(scope="module")
def spawned(folder: Path) -> Iterator[Running]:
    with banyan(folder, "serve", **SPAWNED) as running:
        yield running


def test_b116_both_stacks_run_in_processes_of_their_own_and_see_the_client(
    spawned: Running,
) -> None:
    url = spawned.url("gateway")
    legacy, modern = httpx.get(f"{url}/who"), httpx.get(f"{url}/new")
    assert legacy.headers["x-served-by"] == "legacy"
    assert modern.headers["x-served-by"] == "modern"
    assert legacy.json()["REMOTE_ADDR"] == modern.json()["client"] == "127.0.0.1"
    assert legacy.json()["HTTP_X_FORWARDED_FOR"] is None
    pids = {spawned.process.pid, legacy.json()["pid"], modern.json()["pid"]}
    assert len(pids) == 3


def test_b116_an_answer_from_a_process_has_one_date_and_one_server(spawned: Running) -> None:
    headers = httpx.get(f"{spawned.url('gateway')}/who").headers
    assert len(headers.get_list("date")) == 1
    assert len(headers.get_list("server")) <= 1


def test_b129_a_websocket_reaches_modern_in_its_process(spawned: Running) -> None:
    url = spawned.url("gateway").replace("http", "ws")
    with connect(f"{url}/ws", subprotocols=["v1"], max_size=None) as client:  # type: ignore[list-item]
        assert client.subprotocol == "v1"
        client.send("x" * 1_000_000)
        assert client.recv() == "x" * 1_000_000
        client.send("close")
        with pytest.raises(ConnectionClosedError) as closed:
            client.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4444, "bye")
    with pytest.raises(InvalidStatus) as refused, connect(f"{url}/none"):
        pass
    assert refused.value.response.status_code == 403


def test_b063_a_stack_whose_process_is_killed_answers_again(spawned: Running) -> None:
    url = f"{spawned.url('gateway')}/who"
    pid = httpx.get(url).json()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait(lambda: _pid(url) not in {pid, None})
    assert '"event": "stack.ended"' in spawned.errors


def _pid(url: str) -> int | None:
    answer = httpx.get(url, timeout=10)
    return int(answer.json()["pid"]) if answer.status_code == 200 else None


def test_b063_the_processes_of_a_gateway_that_is_killed_end_and_leave_nothing(folder: Path) -> None:
    apps = {**SPAWNED, "BANYAN_MODERN": "elsewhere:modern"}
    with banyan(folder, "serve", "--workers", "2", **apps) as running:
        pids = [int(pid) for pid in re.findall(r'"pid": (\d+)', running.errors)]
        assert len(pids) == 2  # one for each worker
        sockets = {found for pid in pids for found in _sockets(pid)}
        assert len(sockets) == 2
        assert httpx.get(f"{running.url('gateway')}/who").json()["pid"] in pids
        running.stop(signal.SIGKILL)
        wait(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()])
        assert not [path for path in sockets if path.parent.exists()]


def _sockets(pid: int) -> list[Path]:
    """The paths of the sockets that a process listens on."""
    open_files = [fd.readlink().name for fd in Path(f"/proc/{pid}/fd").iterdir()]
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return [
        Path(line[7]) for line in lines if len(line) == 8 and f"socket:[{line[6]}]" in open_files
    ]


def test_b063_processes_are_started_and_stopped_under_gunicorn_too(folder: Path) -> None:
    with _listener() as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = ["-k", "asgi", "-b", f"127.0.0.1:{port}", "--no-control-socket", "gateway.asgi:app"]
    with started(folder, "gunicorn", *command, **SPAWNED) as running:
        wait(lambda: answers_at(f"{url}/who"))
        pid = httpx.get(f"{url}/who").json()["pid"]
        assert httpx.get(f"{url}/new").headers["x-served-by"] == "modern"
        os.kill(pid, signal.SIGKILL)
        wait(lambda: _pid(f"{url}/who") not in {pid, None})
        pid = httpx.get(f"{url}/who").json()["pid"]
        assert running.stop() == 0
        wait(lambda: not Path(f"/proc/{pid}").exists())


def test_b116_a_stack_behind_a_url_is_asked_as_the_gateway_was(folder: Path) -> None:
    with _listener() as listener:
        port = listener.getsockname()[1]
    command = ["-b", f"127.0.0.1:{port}", "--no-control-socket", "elsewhere:legacy"]
    elsewhere = {"BANYAN_LEGACY": f"http://127.0.0.1:{port}"}
    with started(folder / "stack", "gunicorn", *command, PYTHONPATH=f"{folder}:{ROOT}"):
        wait(lambda: answers_at(f"http://127.0.0.1:{port}/who"))
        with banyan(folder, "serve", BANYAN_MODERN="elsewhere:modern", **elsewhere) as running:
            url = running.url("gateway")
            answer = httpx.get(f"{url}/who", headers={"x-forwarded-for": "9.9.9.9"})
            assert answer.headers["x-served-by"] == "legacy"
            assert answer.json()["HTTP_X_FORWARDED_FOR"] == "9.9.9.9, 127.0.0.1"
            assert httpx.get(f"{url}/nothing").status_code == 404


@pytest.mark.parametrize(
    ("legacy", "message"),
    [
        ("http:app", "can be read as"),
        ("process:elsewhere:leg", "the nearest name is 'legacy'"),
        ("http://169.254.169.254", "metadata"),
    ],
)
def test_b122_a_stack_that_cannot_be_ends_the_command_with_2(
    folder: Path, legacy: str, message: str
) -> None:
    with started(folder, "banyan", "serve", "--port", "0", BANYAN_LEGACY=legacy) as running:
        assert running.process.wait(20) == 2
        assert message in running.errors


def test_b084_a_gateway_that_is_its_own_stack_ends_with_2(folder: Path) -> None:
    with _listener() as listener:
        port = str(listener.getsockname()[1])
    loop = f"http://localhost:{port}"
    with started(folder, "banyan", "serve", "--port", port, BANYAN_LEGACY=loop) as running:
        assert running.process.wait(20) == 2
        assert "round in a loop" in running.errors


def _listener() -> Any:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener
