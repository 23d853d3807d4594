"""The front door in real processes: after Flask is gone, and in front of stacks that run elsewhere."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.servers import server_over
from tests.e2e.processes import (
    BIN,
    DEADLINE,
    ROOT,
    VALIDATED_GUNICORN,
    Running,
    banyan,
    started,
    wait,
)
from tests.e2e.validated import validated

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("front door")]

MODERN = """
import sys
from fastapi import FastAPI
from gateway.kit.compat import Cors, flask_compatible

app = FastAPI()
flask_compatible(app, cors=Cors())

@app.get("/items/{i}")
async def item(i: int):
    return {"i": i}

@app.get("/modules")
async def modules():
    return {"flask": "flask" in sys.modules}
"""
LEGACY = """
from flask import Flask

app = Flask("legacy", static_folder=None)
app.add_url_rule("/items/<int:i>", "item", lambda i: {"i": i})
app.add_url_rule("/modules", "modules", lambda: {})
app.add_url_rule("/slash/", "slash", lambda: "slash")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both apps, and what each serves as `banyan routes export` writes it."""
    folder = tmp_path_factory.mktemp("apps")
    (folder / "modern.py").write_text(MODERN)
    (folder / "legacy.py").write_text(LEGACY)
    for stack in ("legacy", "modern"):
        file = folder / f"{stack}.json"
        command(
            "routes",
            "export",
            stack,
            f"--{stack}",
            f"{stack}:app",
            "--output",
            str(file),
            folder=folder,
        )
    return folder


def command(*arguments: str, folder: Path, code: int = 0) -> str:
    """What `banyan` prints."""
    run = subprocess.run(
        [str(BIN / "banyan"), *arguments],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{ROOT}", "PATH": str(BIN), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=DEADLINE * 2,
        check=False,
    )
    assert run.returncode == code, run.stderr
    return run.stdout + run.stderr


@pytest.mark.parametrize("kind", ["", "process:"])
def test_p018_after_the_cut_over_flask_is_not_imported_and_its_paths_are_as_they_were(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "traffic.yaml").write_text("phase: full\n")
    environ = {
        "BANYAN_MODERN": f"{kind}modern:app",
        "BANYAN_LEGACY_ROUTES": str(folder / "legacy.json"),
    }
    (tmp_path / "modern.py").write_text(MODERN)
    with (
        banyan(tmp_path, "up", **environ) as running,
        httpx.Client(base_url=running.url("gateway")) as client,
    ):
        assert client.get("/modules").json() == {"flask": False}
        assert client.get("/items/%D9%A3").json() == {"i": 3}
        assert client.get("/items/-1").status_code == 404
        refused = client.delete("/items/3")
        assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        assert refused.headers["access-control-allow-origin"] == "*"
        assert client.get("/slash").headers["location"].endswith("/slash/")


def test_p018_without_flask_a_missing_file_of_its_routes_stops_the_start(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "traffic.yaml").write_text("phase: full\n")
    (tmp_path / "modern.py").write_text(MODERN)
    environ = {"BANYAN_MODERN": "modern:app", "BANYAN_LEGACY_ROUTES": "nowhere.json"}
    with started(tmp_path, "banyan", "serve", "--port", "0", **environ) as running:
        assert running.process.wait(DEADLINE) == 2
        assert "BANYAN_LEGACY_ROUTES: nowhere.json: No such file or directory" in running.errors


@contextmanager
def elsewhere(folder: Path) -> Iterator[dict[str, str]]:
    """Both apps under servers of their own, and the settings that name them."""
    path = f"{folder}:{ROOT}"
    gunicorn = ("gunicorn", VALIDATED_GUNICORN[1], "--bind=127.0.0.1:{port}")
    uvicorn = ("uvicorn", "modern:app", "--port={port}")
    with (
        server_over("memory://", gunicorn, folder, PYTHONPATH=path, VALIDATED="legacy:app") as (
            legacy,
            _,
        ),
        server_over("memory://", uvicorn, folder, PYTHONPATH=path) as (modern, _),
    ):
        yield {
            "BANYAN_LEGACY": str(legacy.base_url).rstrip("/"),
            "BANYAN_MODERN": str(modern.base_url).rstrip("/"),
            "BANYAN_LEGACY_ROUTES": str(folder / "legacy.json"),
            "BANYAN_MODERN_ROUTES": str(folder / "modern.json"),
        }


def test_p018_stacks_that_run_elsewhere_have_the_front_door_of_their_files(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "traffic.yaml").write_text("phase: gradual\ndefaults: {modern: 100}\n")
    with elsewhere(folder) as environ, banyan(tmp_path, "up", **environ) as running:
        with httpx.Client(base_url=running.url("gateway")) as client:
            found = [
                (answer.status_code, answer.headers["x-served-by"])
                for answer in map(client.get, ("/items/%D9%A3", "/items/-1", "/slash", "/docs"))
            ]
        wait(lambda: traffic(running)["GET /items/{i:int}"]["modern"]["requests"] == 1)
        assert traffic(running)["GET /items/{i:int}"]["served"] == "both"
    assert found == [(200, "modern"), (404, "legacy"), (308, "legacy"), (404, "legacy")]


def traffic(running: Running) -> dict[str, Any]:
    """The control plane's rows, by route."""
    return {row["route"]: row for row in running.ask("/routes")["routes"]}


def test_the_list_of_routes_has_the_traffic_of_the_gateway_that_runs(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "traffic.yaml").write_text(
        "phase: gradual\nroutes:\n  - {route: GET /modules, modern: 100}\n"
    )
    for app in ("legacy.py", "modern.py"):
        (tmp_path / app).write_text((folder / app).read_text())
    stacks = validated({"BANYAN_LEGACY": "legacy:app", "BANYAN_MODERN": "modern:app"})
    with banyan(tmp_path, "up", **stacks) as running:
        for path in ("/modules", "/items/3", "/items/4"):
            httpx.get(f"{running.url('gateway')}{path}")
        wait(lambda: traffic(running)["GET /items/{i:int}"]["legacy"]["requests"] == 2)
        port = running.url("control").rpartition(":")[2]
        named = ["--legacy", "legacy:app", "--modern", "modern:app", "--control-port", port]
        said = command("routes", *named, folder=tmp_path)
    lines = {tuple(line.split()[:2]): line.split()[2:] for line in said.splitlines()}
    assert lines["GET", "/modules"][:4] == ["both", "100", "%", "1"]
    assert lines["GET", "/items/{i:int}"][:4] == ["both", "0", "%", "2"]
    assert "ago" in lines["GET", "/items/{i:int}"]
    sums = re.search(r"legacy answered (\d+) of (\d+) requests", said)
    assert sums is not None
    assert int(sums[2]) - int(sums[1]) == 1  # and some to look whether the gateway is there


def test_a_plan_for_stacks_elsewhere_is_checked_against_their_files(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "traffic.yaml").write_text(
        "phase: gradual\nroutes:\n  - route: GET /item/{i}\n    modern: 5\n"
    )
    named = ["--legacy", "http://127.0.0.1:1", "--legacy-routes", str(folder / "legacy.json")]
    named += ["--modern", "http://127.0.0.1:1", "--modern-routes", str(folder / "modern.json")]
    said = command("validate", str(tmp_path / "traffic.yaml"), *named, folder=tmp_path, code=1)
    assert "line 3: routes[0].route: neither stack serves GET /item/{i}" in said
    assert "nearest: GET /items/{i:int}" in said


def test_what_one_app_serves_is_written_as_json(folder: Path) -> None:
    told = json.loads((folder / "legacy.json").read_text())
    templates = {rule["template"] for rule in told["door"]["rules"]}
    assert templates == {"/items/{i:int}", "/modules", "/slash/"}
