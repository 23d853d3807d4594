"""Processes that fork, pause and stand side by side."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.processes import ROOT, Running, answers_at, banyan, started, wait
from tests.e2e.validated import validated

pytestmark = pytest.mark.e2e

PAIR = """
import asyncio, os
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from flask import Flask, request

legacy = Flask("legacy")

@asynccontextmanager
async def lifespan(app):
    yield {"opened_in": os.getpid()}

modern = FastAPI(lifespan=lifespan)

async def on_the_loop():
    return os.getpid()

@legacy.get("/pid")
def pid():
    state = request.environ["banyan.state"]
    by_portal = request.environ["banyan.portal"].call(on_the_loop)
    return {"stack": "legacy", "pids": [os.getpid(), by_portal, state["opened_in"]]}

@legacy.get("/slow/<number>")
def legacy_slow(number):
    return {"stack": "legacy"}

@modern.get("/slow/{number}")
async def slow(number):
    Path(f"slow-{number}").touch()
    await asyncio.sleep(0.5)
    return {"stack": "modern"}

@modern.get("/pid")
async def modern_pid(request: Request):
    return {"stack": "modern", "pids": [os.getpid(), os.getpid(), request.state.opened_in]}
"""
PLAN = "phase: gradual\ndefaults: {modern: 50}\n"
GUNICORN = (
    "gunicorn",
    "-k",
    "asgi",
    "gateway.asgi:app",
    "--config",
    str(ROOT / "gunicorn.conf.py"),
)
COMMANDS = {
    "banyan": (),
    "banyan --workers 4": ("--workers", "4"),
    "gunicorn": (),
    "gunicorn -w 2": ("-w", "2"),
    "gunicorn --preload -w 2": ("--preload", "-w", "2"),
}


@contextmanager
def serving(folder: Path, name: str, **environ: str) -> Iterator[tuple[str, Running]]:
    """The gateway over the pair, by `banyan serve` or by gunicorn, and where it is."""
    folder.mkdir(exist_ok=True)
    (folder / "pair.py").write_text(PAIR)
    (folder / "traffic.yaml").write_text(PLAN)
    environ |= validated({"BANYAN_LEGACY": "pair:legacy", "BANYAN_MODERN": "pair:modern"})
    if name.startswith("banyan"):
        with banyan(folder, "serve", *COMMANDS[name], **environ) as running:
            yield running.url("gateway"), running
        return
    url = f"http://127.0.0.1:{free_port()}"
    bind = url.replace("http://", "--bind=")
    with started(folder, *GUNICORN, bind, *COMMANDS[name], **environ) as running:
        wait(lambda: answers_at(url) or running.process.poll() is not None)
        assert running.process.poll() is None, running.errors
        yield url, running


def asked(url: str, client: object) -> dict[str, Any]:
    answer = httpx.get(f"{url}/pid", headers={"X-API-Key": f"{client}"}, timeout=20)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert told["stack"] == answer.headers["x-served-by"]
    return told


@pytest.mark.parametrize(
    ("name", "workers"),
    [("banyan --workers 4", 4), ("gunicorn -w 2", 2), ("gunicorn --preload -w 2", 2)],
)
def test_b093_t24_each_worker_has_a_loop_and_a_lifespan_of_its_own_and_one_plan_holds(
    tmp_path: Path, name: str, workers: int
) -> None:
    """Preloaded, the gateway is imported before the fork and opened after it."""
    with serving(tmp_path, name) as (url, running):
        seen: dict[str, str] = {}
        pids: set[int] = set()

        def all_workers_seen() -> bool:
            for client in range(20):
                told = asked(url, client)
                assert len(set(told["pids"])) == 1, told
                pids.add(told["pids"][0])
                assert seen.setdefault(str(client), told["stack"]) == told["stack"]
            return len(pids) == workers

        wait(all_workers_seen)
        assert set(seen.values()) == {"legacy", "modern"}
        assert running.process.pid not in pids
        assert running.stop() == 0


PAUSE = 2.0  # seconds, twice the deadline
FLIGHT = 10  # requests that are under way when the worker is paused


def samples(control: str, name: str) -> dict[str, float]:
    text = httpx.get(f"{control}/metrics", timeout=10).text
    found = re.findall(rf"^{name}{{(.*?)}} (\S+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    """Everything at modern, which takes half of the deadline."""
    (tmp_path / "pair.py").write_text(PAIR)
    (tmp_path / "traffic.yaml").write_text(PLAN.replace("50", "100"))
    environ = validated({"BANYAN_LEGACY": "pair:legacy", "BANYAN_MODERN": "pair:modern"})
    # Of two workers, the control plane is in a process of its own and sees them from outside.
    with banyan(tmp_path, "up", "--workers", "2", "--deadline", "1", **environ) as running:
        control = running.url("control")
        wait(lambda: httpx.get(f"{control}/ready").json()["workers"] == 2)
        yield running


def both(url: str) -> set[int]:
    """The workers' process ids."""
    pids: set[int] = set()

    def seen() -> bool:
        pids.add(asked(url, "x")["pids"][0])
        return len(pids) == 2

    wait(seen)
    return pids


def pause(pids: set[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        threading.Event().wait(PAUSE)  # what is tested is that this much time passes
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_b094_a_paused_worker_answers_again_and_nothing_is_held_against_modern(
    up: Running, tmp_path: Path
) -> None:
    url, control = up.url("gateway"), up.url("control")
    pids = both(url)
    with ThreadPoolExecutor(FLIGHT) as pool:
        under_way = [
            pool.submit(httpx.get, f"{url}/slow/{number}", timeout=20) for number in range(FLIGHT)
        ]
        wait(lambda: len(list(tmp_path.glob("slow-*"))) == FLIGHT)
        pause(pids)
        answers = [one.result() for one in under_way]
    assert {(one.status_code, one.headers["x-served-by"]) for one in answers} == {(200, "modern")}
    for number in range(20):
        assert asked(url, number)["stack"] == "modern"
    wait(lambda: sum(samples(control, "gateway_requests_total").values()) >= FLIGHT + 22)
    counted = samples(control, "gateway_requests_total")
    assert {labels for labels in counted if 'status="5' in labels} == set()
    assert samples(control, "gateway_failovers_total") == {}


def test_b124_two_gunicorns_side_by_side_share_no_control_socket(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with serving(tmp_path / "one", "gunicorn", HOME=str(home)) as (first, _):
        with serving(tmp_path / "two", "gunicorn", HOME=str(home)) as (second, running):
            assert list(home.rglob("*")) == []
            assert asked(second, 1)
            assert running.stop() == 0
        assert asked(first, 1)
