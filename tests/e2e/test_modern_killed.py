"""A remote modern stack that is killed under load: clients see nothing of it, and it gets its share back."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.judged import Crowd
from tests.e2e.processes import answers_at, banyan, started, wait
from tests.e2e.validated import validated

pytestmark = pytest.mark.e2e

APPS = """
from fastapi import FastAPI
from flask import Flask

legacy = Flask("legacy")
modern = FastAPI()

@legacy.get("/who")
def legacy_who():
    return {"stack": "legacy"}

@modern.get("/who")
async def modern_who():
    return {"stack": "modern"}
"""
PLAN = "phase: gradual\nroutes:\n  - {route: GET /who, modern: 50}\n"


@contextmanager
def modern(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir()
    (folder / "apps.py").write_text(APPS)
    with started(folder, "uvicorn", "apps:modern", "--port", str(port)) as running:
        wait(lambda: answers_at(f"http://127.0.0.1:{port}"))
        yield running.process


def test_b063_modern_is_killed_and_returns_and_no_client_sees_an_error(tmp_path: Path) -> None:
    (tmp_path / "apps.py").write_text(APPS)
    (tmp_path / "traffic.yaml").write_text(PLAN)
    port = free_port()
    environ = validated(
        {"BANYAN_LEGACY": "apps:legacy", "BANYAN_MODERN": f"http://127.0.0.1:{port}"}
    )
    with modern(tmp_path / "first", port) as process, banyan(tmp_path, "up", **environ) as gateway:
        # About 36 requests a second, half of them within the failover budget
        with Crowd(gateway.url("gateway"), "GET /who", pause=0.1) as load:
            load.until(10, "modern")
            load.until(10, "legacy")
            process.kill()
            process.wait()
            before = load.served["legacy"]
            load.until(30, "legacy")
            assert load.failed == []
            with modern(tmp_path / "second", port):
                load.until(20, "modern")
        assert load.failed == []
        assert load.served["legacy"] > before
        control = gateway.url("control")
        wait(lambda: _rescued(control) > 0)
        rescued = _rescued(control)  # first: both rise until all workers have told the last second
        assert _modern_failures(control) >= rescued
        status = subprocess.run(
            [sys.executable, "-m", "gateway.cli", "status"],
            cwd=gateway.folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "rescued" in status.stdout
    assert '"failed":50' in gateway.output


def _rescued(control: str) -> int:
    return _sum(control, r'^gateway_failovers_total{[^}]*outcome="rescued"[^}]*} (\S+)$')


def _modern_failures(control: str) -> int:
    return _sum(control, r'^gateway_requests_total{[^}]*stack="modern",status="50\d"[^}]*} (\S+)$')


def _sum(control: str, pattern: str) -> int:
    text = httpx.get(f"{control}/metrics").text
    return sum(int(float(value)) for value in re.findall(pattern, text, re.MULTILINE))
