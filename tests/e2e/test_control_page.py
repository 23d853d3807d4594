"""The commands of docs/control-plane.md, run as they stand there."""

import re
import subprocess
from pathlib import Path

import pytest

from gateway.control.app import create_control
from tests.e2e.processes import BIN, ROOT, banyan
from tests.e2e.validated import validated
from tests.stacks import settings

PAIR = """
from fastapi import FastAPI
from flask import Flask

legacy, modern = Flask("legacy"), FastAPI()
legacy.get("/api/balances")(lambda: [])
modern.get("/api/balances")(lambda: [])
"""


def page() -> str:
    return (ROOT / "docs/control-plane.md").read_text()


@pytest.mark.e2e
def test_the_page_runs_as_written(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", page(), re.MULTILINE | re.DOTALL)
    (tmp_path / "pair.py").write_text(PAIR)
    stacks = validated({"BANYAN_LEGACY": "pair:legacy", "BANYAN_MODERN": "pair:modern"})
    with banyan(tmp_path, "up", **stacks) as running:
        script = "\n".join(blocks).replace("http://127.0.0.1:8001", running.url("control"))
        ran = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env={"PATH": f"{BIN}:/usr/bin:/bin", "TOKEN": running.token},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout
    assert re.search(r"^banyan_[a-z2-7]{8}_\S{32}$", said, re.MULTILINE)
    assert 'etag: "1"' in said
    change = '"changes":[{"place":"GET /api/balances","field":"modern","before":"0","after":"25"}]'
    assert change in said
    assert change in page()
    problem = '"detail":"neither stack serves GET /api/balance; nearest: GET /api/balances","code":"plan_refused"'
    assert problem in said
    assert problem in page()
    assert '"state":"running","split":25.0' in said
    assert "is ramping" in said
    assert "id: 2\nevent: plan\ndata: {" in said


def test_every_endpoint_is_on_the_page(tmp_path: Path) -> None:
    paths = create_control(settings(tmp_path)).openapi()["paths"]
    served = {re.sub(r"\{\w+\}", "{}", path) for path in paths if path.startswith("/api/v1")}
    table = page().partition("| request | what it does |")[2].partition("\n\n")[0]
    named = {re.sub(r"\{\w+\}", "{}", path) for path in re.findall(r"/[a-z][a-z/{}-]*", table)}
    assert {f"/api/v1{path}" for path in named} == served
