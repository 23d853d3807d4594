"""Shadows of real processes: apps here, in a process of their own, or elsewhere; what an operator sees."""

from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.processes import Running, banyan, wait

pytestmark = pytest.mark.e2e
PAIR: Final = """
from flask import Flask, jsonify
from fastapi import FastAPI

legacy = Flask("legacy")
modern = FastAPI()

@legacy.get("/same")
@legacy.get("/other")
def same():
    return jsonify(b=1, a=2)

@modern.get("/same")
async def modern_same():
    return {"a": 2, "b": 1}

@modern.get("/other")
async def modern_other():
    return {"a": 2.0, "b": 1}
"""
PLAN: Final = "phase: parallel\ndefaults: {shadow: {sample: 100}}\nroutes: []\n"


def told(running: Running, route: str) -> dict[str, int]:
    found: dict[str, int] = running.ask(f"/evidence?route=GET%20{route}")["shadow"]
    return {name: count for name, count in found.items() if name != "sample" and count}


@pytest.mark.parametrize(
    ("legacy", "modern"),
    [
        ("pair:legacy", "pair:modern"),
        ("process:pair:legacy", "pair:modern"),
        ("pair:legacy", "process:pair:modern"),
    ],
)
def test_a_parallel_run_compares_every_answer(tmp_path: Path, legacy: str, modern: str) -> None:
    (tmp_path / "pair.py").write_text(PAIR)
    (tmp_path / "traffic.yaml").write_text(PLAN)
    with banyan(tmp_path, "up", BANYAN_LEGACY=legacy, BANYAN_MODERN=modern) as running:
        gateway = running.url("gateway")
        for path in ("/same", "/other") * 5:
            assert httpx.get(f"{gateway}{path}").headers["x-served-by"] == "legacy"
        wait(lambda: told(running, "/same") == {"equal": 5})
        wait(lambda: told(running, "/other") == {"different": 5})
        (seen,) = running.ask("/evidence?route=GET%20/other")["sightings"]
        assert (seen["kind"], seen["what"], seen["count"]) == ("difference", "/a type", 5)
        metrics = httpx.get(f"{running.url('control')}/metrics").text
        assert 'gateway_shadow_total{outcome="different",route="GET /other"} 5.0' in metrics
        assert '"event": "shadow.different"' in running.errors
        running.stop()
