"""The control plane answers, whatever the state on disk is like."""

from pathlib import Path

import pytest

from gateway.control.probes import create_probes
from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import write_inventory
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.opening import open_store
from gateway.store.versions import Proposal
from tests.controlling import ask, told
from tests.drive import Answer, AsgiTarget, Request
from tests.stacks import PLAN, gateway, settings

GOOD = PLAN.format(phase="gradual", modern=25)
SERVED = (Endpoint("GET", "/who"),)


def folder(path: Path, file: str, stored: str | None, served: tuple[Endpoint, ...]) -> Settings:
    """A plan file, a store with one version or none, and an inventory of an earlier start."""
    chosen = settings(path)
    chosen.plan.write_text(file)
    write_inventory(chosen.inventory_path, Inventory(served, served))
    if stored is not None:
        act = Act("test", "here", "plan.apply")
        open_store(chosen.store_url).versions.apply(0, Proposal(stored, act))
    return chosen


@pytest.mark.parametrize(
    ("file", "stored", "served", "version", "refused"),
    [
        (GOOD, GOOD, SERVED, 1, ""),
        (GOOD, None, SERVED, 0, ""),
        ("phase: x\n", GOOD, SERVED, 1, ""),
        ("phase: x\n", None, SERVED, 0, "line 1: phase: 'x' is no phase"),
        (
            GOOD,
            GOOD,
            (Endpoint("GET", "/other"),),
            1,
            "neither stack serves GET /who; nearest: GET /other",
        ),
    ],
)
async def test_the_report_says_what_is_in_force_and_what_is_refused(
    tmp_path: Path,
    file: str,
    stored: str | None,
    served: tuple[Endpoint, ...],
    version: int,
    refused: str,
) -> None:
    report = (await told(folder(tmp_path, file, stored, served), "/routes"))["plan"]
    assert report["version"] == version
    assert refused in "".join(report["refused"])
    assert bool(report["refused"]) == bool(refused)


async def test_a_file_that_a_worker_refuses_is_told(tmp_path: Path) -> None:
    async with gateway(tmp_path, GOOD) as app:
        (tmp_path / "traffic.yaml").write_text("phase: x\n")
        for _ in range(2):
            await app.watch.poll()
        await app._heartbeat.beat()
        report = await told(settings(tmp_path), "/routes")
    assert report["plan"]["version"] == 1
    assert report["plan"]["refused"][0].startswith("traffic.yaml: line 1: phase: 'x' is no phase")


async def probe(path: str) -> Answer:
    return await AsgiTarget(create_probes()).send(Request("GET", path))


async def test_a_removed_folder_of_metrics_is_not_ready_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
    assert (await probe("/ready")).json() == {"ready": False, "workers": 0}
    assert (await probe("/metrics")).status == 200
    chosen = folder(tmp_path, GOOD, GOOD, SERVED)
    assert (await told(chosen, "/routes"))["plan"]["running"] is None


async def test_ready_is_said_while_the_data_plane_runs(tmp_path: Path) -> None:
    async with gateway(tmp_path, GOOD):
        assert (await ask(settings(tmp_path), "/ready")).json() == {"ready": True, "workers": 1}
        assert (await probe("/ready")).json() == {"ready": True, "workers": 1}
        assert (await probe("/health")).json() == {"status": "ok"}
    assert (await probe("/ready")).status == 503
