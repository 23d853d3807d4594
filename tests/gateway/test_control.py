"""The control plane answers, whatever the state on disk is like."""

from pathlib import Path

import pytest

from gateway.control.app import create_control
from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import write_inventory
from gateway.plan.file import LastGood
from gateway.settings import Settings
from tests.drive import Answer, AsgiTarget, Request
from tests.stacks import PLAN, gateway, settings

GOOD = PLAN.format(phase="gradual", modern=25)
SERVED = (Endpoint("GET", "/who"),)


def folder(path: Path, plan: str, last_good: str | None, served: tuple[Endpoint, ...]) -> Settings:
    chosen = settings(path)
    chosen.plan.write_text(plan)
    write_inventory(chosen.inventory_path, Inventory(served, served))
    if last_good is not None:
        LastGood(chosen.last_good_path).accept(last_good)
    return chosen


async def get(chosen: Settings, path: str = "/api/v1/routes") -> Answer:
    answer = await AsgiTarget(create_control(chosen)).send(Request("GET", path))
    assert answer.status in {200, 503}
    return answer


@pytest.mark.parametrize(
    ("plan", "last_good", "served", "version", "refused"),
    [
        (GOOD, GOOD, SERVED, 1, ""),
        (GOOD, None, SERVED, 0, ""),
        ("phase: x\n", GOOD, SERVED, 1, "line 1: phase: 'x' is no phase"),
        (
            GOOD,
            GOOD,
            (Endpoint("GET", "/other"),),
            0,
            "neither stack serves GET /who; nearest: GET /other",
        ),
    ],
)
async def test_the_report_says_what_is_in_force_and_what_is_refused(
    tmp_path: Path,
    plan: str,
    last_good: str | None,
    served: tuple[Endpoint, ...],
    version: int,
    refused: str,
) -> None:
    report = (await get(folder(tmp_path, plan, last_good, served))).json()["plan"]
    assert report["version"] == version
    assert refused in "".join(report["refused"])
    assert bool(report["refused"]) == bool(refused)


async def test_a_removed_folder_of_metrics_is_not_ready_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
    chosen = folder(tmp_path, GOOD, GOOD, SERVED)
    assert (await get(chosen, "/ready")).json() == {"ready": False, "workers": 0}
    assert (await get(chosen, "/metrics")).status == 200
    assert (await get(chosen)).json()["plan"]["running"] is None


async def test_ready_is_said_while_the_data_plane_runs(tmp_path: Path) -> None:
    async with gateway(tmp_path, GOOD):
        assert (await get(settings(tmp_path), "/ready")).json() == {"ready": True, "workers": 1}
        assert (await get(settings(tmp_path), "/health")).json() == {"status": "ok"}
    assert (await get(settings(tmp_path), "/ready")).status == 503
