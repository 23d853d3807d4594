"""`banyan up` as a user meets it: the trading system, both stacks, one edited file."""

import json
import re
import signal
import socket
import subprocess
import threading
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import BIN, answers_at, banyan, edit, started, wait
from tests.e2e.validated import validated

pytestmark = pytest.mark.e2e
TRADING = validated(
    {"BANYAN_LEGACY": "legacy_flask.wsgi:app", "BANYAN_MODERN": "fastapi_app.asgi:app"}
)
HEALTH = "GET /api/health\n    modern: {}\n"

PAIR = """
import os, time
from pathlib import Path
from flask import Flask, jsonify
from fastapi import FastAPI

legacy = Flask("legacy")
modern = FastAPI()

@legacy.get("/pid")
def pid():
    return jsonify(pid=os.getpid())

@legacy.get("/slow")
def slow():
    Path("in-view").touch()
    while not Path("go-on").exists():
        time.sleep(0.01)
    return jsonify(done=True)

@modern.get("/pid")
async def modern_pid():
    return {"pid": os.getpid()}
"""


def pair(folder: Path) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    (folder / "pair.py").write_text(PAIR)
    return validated({"BANYAN_LEGACY": "pair:legacy", "BANYAN_MODERN": "pair:modern"})


def served_by(url: str, **headers: str) -> str:
    return httpx.get(url, headers=headers).headers["x-served-by"]


def test_the_tour_start_call_shift_watch_and_stop(tmp_path: Path) -> None:
    with banyan(tmp_path, "up", **TRADING) as running:
        gateway, control = running.url("gateway"), running.url("control")
        plan = tmp_path / "traffic.yaml"
        assert "GET /api/health\n    modern: 0\n" in plan.read_text()

        health = httpx.get(f"{gateway}/api/health")
        assert (health.content, health.headers["x-served-by"]) == (b'{"status":"ok"}\n', "legacy")

        edit(plan, HEALTH.format(0), HEALTH.format(100))
        wait(lambda: served_by(f"{gateway}/api/health") == "modern")
        assert httpx.get(f"{gateway}/api/health").content == b'{"status":"ok"}\n'

        order = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
        placed = httpx.post(f"{gateway}/api/orders", json=order)
        assert (placed.status_code, placed.json()["order"]["status"]) == (201, "closed")

        edit(plan, "POST /api/orders\n    modern: 0", "POST /api/orders\n    modern: 250")
        wait(lambda: running.ask("/routes")["plan"]["refused"])
        assert running.ask("/routes")["plan"]["refused"][0].endswith(
            ".modern: 250 is outside 0 to 100; nearest: 100"
        )
        assert httpx.get(f"{gateway}/api/health").status_code == 200

        def counted() -> bool:
            rows = {row["route"]: row for row in running.ask("/routes")["routes"]}
            health, orders = rows["GET /api/health"], rows["POST /api/orders"]
            both = health["legacy"]["requests"] >= 1 and health["modern"]["requests"] >= 2
            return bool(both and orders["legacy"]["requests"] == 1)

        wait(counted)

        shown = _run(tmp_path, "status", "--control-port", control.rpartition(":")[2])
        assert "phase gradual" in shown.stdout
        assert "problem traffic.yaml: line" in shown.stdout

        assert httpx.get(f"{control}/ready").json() == {"ready": True, "workers": 1}
        assert running.stop() == 0
        lines = [json.loads(line) for line in running.output.splitlines()]
        assert lines[0]["route"] in {"unmatched", "GET /api/health"}
        assert {line["stack"] for line in lines} == {"legacy", "modern"}


def test_t83_several_workers_run_one_plan_and_count_together(tmp_path: Path) -> None:
    environ = pair(tmp_path)
    for _ in range(2):  # the second start must not find the first one's counts
        with banyan(tmp_path, "up", "--workers", "2", **environ) as running:
            gateway, control = running.url("gateway"), running.url("control")
            wait(partial(_ready, control, 2))
            pids = {httpx.get(f"{gateway}/pid").json()["pid"] for _ in range(100)}
            assert len(pids) == 2
            wait(partial(_has_counted, control, "GET /pid", 100))
            assert running.stop() == 0


def test_an_edit_is_live_in_every_worker(tmp_path: Path) -> None:
    with banyan(tmp_path, "up", "--workers", "2", **pair(tmp_path)) as running:
        gateway, control = running.url("gateway"), running.url("control")
        wait(partial(_ready, control, 2))
        edit(tmp_path / "traffic.yaml", "/pid\n    modern: 0", "/pid\n    modern: 100")
        moved: set[int] = set()

        def both_moved() -> bool:
            answer = httpx.get(f"{gateway}/pid")
            if answer.headers["x-served-by"] == "modern":
                moved.add(answer.json()["pid"])
            return len(moved) == 2

        wait(both_moved)
        answers = [httpx.get(f"{gateway}/pid") for _ in range(60)]
        assert {answer.headers["x-served-by"] for answer in answers} == {"modern"}


def test_sigterm_lets_a_running_request_finish_and_refuses_new_ones(tmp_path: Path) -> None:
    with banyan(tmp_path, "serve", "--plan", "plan.yaml", **_planned(tmp_path)) as running:
        gateway = running.url("gateway")
        answers: list[httpx.Response] = []
        ask = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{gateway}/slow", timeout=20))
        )
        ask.start()
        wait((tmp_path / "in-view").exists)
        running.process.send_signal(signal.SIGTERM)
        wait(lambda: not answers_at(gateway))
        assert answers == []
        (tmp_path / "go-on").touch()
        ask.join(10)
        assert answers[0].json() == {"done": True}
        assert running.process.wait(10) == 0


def _planned(folder: Path) -> dict[str, str]:
    (folder / "plan.yaml").write_text("phase: gradual\n")
    return pair(folder)


FULL_MODERN = """
import sys
from fastapi_app.asgi import app

@app.get("/modules")
async def modules() -> list[str]:
    return sorted(sys.modules)
"""


def test_in_phase_full_the_worker_does_not_import_flask(tmp_path: Path) -> None:
    (tmp_path / "full_modern.py").write_text(FULL_MODERN)
    (tmp_path / "traffic.yaml").write_text("phase: full\n")
    environ = {**TRADING, "BANYAN_MODERN": "full_modern:app"}
    with banyan(tmp_path, "serve", **environ) as running:
        gateway = running.url("gateway")
        modules = httpx.get(f"{gateway}/modules").json()
        assert "fastapi" in modules
        assert not [name for name in modules if re.match(r"(legacy_)?flask\b", name)]
        assert httpx.get(f"{gateway}/api/health").content == b'{"status":"ok"}\n'
        assert httpx.get(f"{gateway}/nope").content.startswith(b"<!doctype html>")

        # Back to gradual: legacy is imported when a plan needs it.
        (tmp_path / "traffic.yaml").write_text("phase: gradual\n")
        wait(lambda: served_by(f"{gateway}/api/health") == "legacy")


@pytest.mark.parametrize(
    ("environ", "arguments", "message"),
    [
        ({"BANYAN_LEGACY": "no_such:app"}, [], "BANYAN_LEGACY: cannot import 'no_such': No module named 'no_such'"),
        ({"BANYAN_MODERN": "pair:modren"}, [], "BANYAN_MODERN: 'pair' has no 'modren'; the nearest name is 'modern'"),
        ({}, ["--plan", "missing.yaml"], "there is no file missing.yaml"),
        ({}, ["--plan", "bad.yaml"], "line 1: phase: 'partial' is no phase: parallel, gradual or full; nearest: parallel"),
        ({}, ["--workers", "0"], "BANYAN_WORKERS='0': Input should be greater than or equal to 1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_cannot_start_says_why_and_exits_with_2(
    tmp_path: Path, environ: dict[str, str], arguments: list[str], message: str, workers: str
) -> None:
    (tmp_path / "bad.yaml").write_text("phase: partial\n")
    (tmp_path / "traffic.yaml").write_text("phase: gradual\n")
    settings = {"BANYAN_WORKERS": workers, **pair(tmp_path), **environ}
    with started(tmp_path, "banyan", "serve", "--port", "0", *arguments, **settings) as running:
        assert running.process.wait(20) == 2
        assert message in running.errors
        assert "Traceback" not in running.errors


def test_a_used_port_is_named_and_exits_with_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with started(
            tmp_path, "banyan", "serve", "--port", str(port), **_planned(tmp_path)
        ) as running:
            assert running.process.wait(20) == 2
            assert running.errors == (
                f"banyan: cannot listen on 127.0.0.1:{port}: Address already in use; "
                "stop what listens there, or choose another with --port\n"
            )


def test_the_gateway_runs_under_gunicorn_too(tmp_path: Path) -> None:
    environ = _planned(tmp_path) | {"BANYAN_PLAN": "plan.yaml"}
    command = (
        "gunicorn",
        "-k",
        "asgi",
        "--no-control-socket",
        "-b",
        "127.0.0.1:0",
        "gateway.asgi:app",
    )
    with started(tmp_path, *command, **environ) as running:
        wait(lambda: re.search(r"Listening at: (http://\S+)", running.errors))
        found = re.search(r"Listening at: (http://\S+)", running.errors)
        assert found is not None
        wait(lambda: "plan.applied" in running.output + running.errors)
        answer = httpx.get(f"{found[1]}/pid")
        assert answer.headers["x-served-by"] == "legacy"
        assert httpx.post(f"{found[1]}/pid").status_code == 405
        assert running.stop() == 0


def _ready(control: str, workers: int) -> bool:
    return bool(httpx.get(f"{control}/ready").json()["workers"] == workers)


def _has_counted(control: str, route: str, requests: int) -> bool:
    counted = sum(int(float(value)) for value in _counts(control, route))
    assert counted <= requests
    return counted == requests


def _counts(control: str, route: str) -> list[str]:
    text = httpx.get(f"{control}/metrics").text
    return re.findall(
        rf'^gateway_requests_total{{[^}}]*route="{route}"[^}}]*}} (\S+)', text, re.MULTILINE
    )


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "banyan"), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
