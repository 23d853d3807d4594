"""The end of a data plane: in time, whatever its apps and its supervisor do."""

import re
import signal
import threading
from pathlib import Path

import httpx
import pytest

from tests.e2e.planes import control
from tests.e2e.processes import Running, answers_at, banyan, wait
from tests.e2e.validated import validated

pytestmark = pytest.mark.e2e

STUCK = """
import os, time
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from flask import Flask

legacy = Flask("legacy")

@asynccontextmanager
async def lifespan(app):
    yield
    if Path("hang-at-the-end").exists():
        import asyncio
        await asyncio.Event().wait()

modern = FastAPI(lifespan=lifespan)

def stuck():
    Path("stuck").touch()
    while True:
        time.sleep(0.1)

@legacy.get("/flask")
def flask_view():
    stuck()

@legacy.get("/pid")
@modern.get("/pid")
def pid():
    return {"pid": os.getpid()}

@modern.get("/sync")
def sync_handler():
    stuck()

@modern.get("/async")
async def async_handler():
    import asyncio
    Path("stuck").touch()
    while True:
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            pass
"""
PLAN = """\
phase: gradual
routes:
  - {route: GET /sync, modern: 100}
  - {route: GET /async, modern: 100}
"""


def apps(folder: Path) -> dict[str, str]:
    (folder / "apps.py").write_text(STUCK)
    (folder / "traffic.yaml").write_text(PLAN)
    return validated({"BANYAN_LEGACY": "apps:legacy", "BANYAN_MODERN": "apps:modern"})


def hold(running: Running, path: str) -> None:
    """A request that never ends, in a thread that ends with its connection."""

    def ask() -> None:
        try:
            httpx.get(f"{running.url('gateway')}{path}", timeout=30)
        except httpx.TransportError:
            return

    threading.Thread(target=ask, daemon=True).start()
    wait((running.folder / "stuck").exists)


@pytest.mark.parametrize("path", ["/flask", "/sync", "/async"])
def test_t18_b090_a_request_that_never_ends_does_not_outlive_the_grace(
    tmp_path: Path, path: str
) -> None:
    with banyan(tmp_path, "serve", "--grace", "1", **apps(tmp_path)) as running:
        hold(running, path)
        assert running.stop(deadline=15) in {0, 1}


def test_b054_a_lifespan_that_hangs_at_its_end_does_not_outlive_the_grace(tmp_path: Path) -> None:
    with banyan(tmp_path, "serve", "--grace", "1", **apps(tmp_path)) as running:
        (tmp_path / "hang-at-the-end").touch()
        assert running.stop(deadline=15) == 1
        assert "the grace is over; what still runs is cut" in running.errors


@pytest.mark.parametrize("workers", ["1", "2"])
def test_b090_a_second_signal_ends_at_once(tmp_path: Path, workers: str) -> None:
    arguments = ("--grace", "600", "--workers", workers)
    with banyan(tmp_path, "serve", *arguments, **apps(tmp_path)) as running:
        hold(running, "/flask")
        running.process.send_signal(signal.SIGTERM)
        wait(lambda: not answers_at(running.url("gateway")))
        assert running.stop(deadline=15) == 128 + signal.SIGTERM


def test_b090_sighup_is_a_stop_that_lets_requests_finish(tmp_path: Path) -> None:
    with banyan(tmp_path, "serve", **apps(tmp_path)) as running:
        assert running.stop(signal.SIGHUP) == 0


SLOW_END = """
import ctypes
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.usleep, ctypes.c_void_p(700_000), None)
"""


@pytest.mark.parametrize(
    "command", [("up",), ("up", "--workers", "2"), ("serve", "--probe-port", "0")]
)
def test_no_loop_wakes_up_when_the_interpreter_is_gone(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW_END)  # what comes after Python's end takes long
    with banyan(tmp_path, *command, **apps(tmp_path)) as running:
        assert running.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("alone", [False, True])
def test_an_open_dashboard_does_not_hold_a_stop_up(tmp_path: Path, alone: bool) -> None:
    with control(tmp_path) if alone else banyan(tmp_path, "up", **apps(tmp_path)) as running:
        url, token = f"{running.url('control')}/api/v1/events", running.token
        with httpx.stream("GET", url, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status_code == 200
            assert running.stop() == 0
            answer.read()  # raises if it was cut off
        assert "the grace is over" not in running.errors


def test_b091_workers_whose_supervisor_was_killed_end_too(tmp_path: Path) -> None:
    with banyan(tmp_path, "serve", "--workers", "2", **apps(tmp_path)) as running:
        gateway = running.url("gateway")
        pids: set[int] = set()

        def both_seen() -> bool:
            pids.add(httpx.get(f"{gateway}/pid").json()["pid"])
            return len(pids) == 2

        wait(both_seen)
        running.process.kill()
        wait(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_two_starts_in_one_folder_keep_their_own_numbers(tmp_path: Path) -> None:
    environ = apps(tmp_path)
    with banyan(tmp_path, "up", "--workers", "2", **environ) as first:
        control = first.url("control")
        wait(lambda: httpx.get(f"{control}/ready").json()["workers"] == 2)
        httpx.get(f"{first.url('gateway')}/pid")
        other = tmp_path / "other"
        other.mkdir()
        with banyan(other, "up", "--workers", "2", "--var", str(tmp_path / "var"),
                    "--plan", str(tmp_path / "traffic.yaml"), **apps(other)) as second:  # fmt: skip
            assert second.stop() == 0
        assert httpx.get(f"{control}/ready").json()["workers"] == 2
        metrics = httpx.get(f"{control}/metrics").text
        assert re.search(
            r'^gateway_requests_total{[^}]*route="GET /pid"[^}]*} 1.0$', metrics, re.MULTILINE
        )
