"""Shifts on a fleet under load: live everywhere within a second, and nobody notices but by who answers."""

from collections.abc import Callable
from pathlib import Path
from statistics import median

import anyio
import pytest

from tests.conftest import CAMPAIGN
from tests.e2e.processes import wait
from tests.fleet.hosts import Fleet, Load, applied_at, fleet, under

pytestmark = pytest.mark.e2e
SHIFTS = 100
PAUSE = 0.2  # seconds between two shifts


async def test_100_shifts_are_live_on_8_workers_within_a_second_and_no_request_fails(
    tmp_path: Path, postgres_url: str, record_property: Callable[[str, object], None]
) -> None:
    with fleet(tmp_path, postgres_url, 4) as found:
        load = Load([host.url for host in found.hosts])
        async with under(load):
            for number in range(SHIFTS):
                await anyio.to_thread.run_sync(found.shift, 1 + number % 2 * 50 + number / 10)
                await anyio.sleep(PAUSE)
        await anyio.to_thread.run_sync(wait, lambda: found.converged(8))
        took = delays(found)
        record_property(CAMPAIGN, told(took, load.answered))
        assert load.failures == []
        assert load.answered > 1000
        assert len(took) == SHIFTS
        assert median(took) <= 1.0
        assert stale(found) == []


def told(took: list[float], answered: int) -> str:
    return (
        f"{len(took)} shifts on 8 workers of 4 hosts, {answered} requests meanwhile: live everywhere "
        f"after {median(took):.3f} s (median), {max(took):.3f} s (longest)"
    )


def delays(found: Fleet) -> list[float]:
    """For each shift the seconds until the last worker ran it, or one that came after it."""
    runs: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for host in found.hosts:
        for one in host.events("plan.applied"):
            runs.setdefault((host.name, one["process"]), []).append(
                (one["version"], applied_at(one))
            )
    assert len(runs) == 8
    return [
        max(min(at for version, at in seen if version >= made) - told for seen in runs.values())
        for made, told in found.applied.items()
    ]


def stale(found: Fleet) -> list[str]:
    """Requests that a worker decided by a version that had been replaced for more than a second."""
    made = sorted(found.applied.items())
    late = []
    for host in found.hosts:
        for one in host.exchanges():
            newest = max((v for v, told in made if told <= one["at"] - 1.0), default=0)
            if one["plan_version"] < newest:
                late.append(f"{host.name} at {one['at']}: {one['plan_version']} < {newest}")
    return late
