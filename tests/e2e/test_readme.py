"""The README's tour, its commands run as they are written there, in a copy of the repository."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.processes import BIN, ROOT, Running, banyan
from tests.e2e.validated import validated

pytestmark = pytest.mark.e2e
SECRET = "the-secret-of-the-tour"
TRADING = validated(
    {
        "BANYAN_LEGACY": "legacy_flask.wsgi:app",
        "BANYAN_MODERN": "fastapi_app.asgi:app",
        "BANYAN_SECRET": SECRET,
    }
)


class Tour:
    """Runs blocks of the README against the gateway that runs now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blocks = re.findall(
            r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
        )
        self.done = 0

    def next(self, running: Running, expected: str) -> str:
        """Runs the next block, which must contain `expected`, and gives what it prints."""
        block = self.blocks[self.done]
        assert expected in block
        self.done += 1
        script = block.replace("http://127.0.0.1:8000", running.url("gateway"))
        shown = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env={
                "PATH": "/usr/bin:/bin",
                "BANYAN_SECRET": SECRET,  # who is on modern must not be chance
                "BANYAN_CONTROL_PORT": running.url("control").rpartition(":")[2],
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown.returncode == 0, shown.stdout + shown.stderr
        return shown.stdout + shown.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository as it stands, under git, with our virtual environment."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for path in tracked:
        if not path.startswith("tests/") and (ROOT / path).exists():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, tmp_path / path)
    (tmp_path / ".venv").symlink_to(BIN.parent)
    identity = ["-c", "user.name=tour", "-c", "user.email=tour@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "copy"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


@contextmanager
def up(folder: Path) -> Iterator[Running]:
    """What `make run` does, on free ports."""
    with banyan(folder, "up", **TRADING) as running:
        yield running


def counted(output: str, stack: str) -> int:
    found = re.search(rf"(\d+) x-served-by: {stack}", output)
    return int(found[1]) if found else 0


def share_of_errors(output: str) -> dict[str, str]:
    """The error rates of GET /api/balances as `banyan status` shows them."""
    rows = output.partition("GET /api/balances")[2]
    found = re.findall(r"(legacy|modern) +\d+ +([\d.]+%)", rows)
    return dict(found[:2])


def test_the_tour_of_the_readme_runs_as_written(copy: Path) -> None:
    tour = Tour(copy)
    with up(copy) as running:
        first = tour.next(running, "curl -i http://127.0.0.1:8000/api/balances")
        assert "x-served-by: legacy" in first
        assert '[{"available":10000.0,"currency":"TESTUSD","total_balance":10000.0}]' in first

        orders = tour.next(running, '"order_type": "market"')
        assert '"status":"closed"' in orders
        assert orders.count('"status":"open"') == 2  # once placed, once listed

        shifted = tour.next(running, "shift 'GET /api/balances' 10")
        assert counted(shifted, "legacy") + counted(shifted, "modern") == 200
        assert 5 <= counted(shifted, "modern") <= 40

        assert "10 %: modern has the buckets below 10000" in tour.next(running, "banyan explain")
        assert share_of_errors(tour.next(running, "banyan status")) == {
            "legacy": "0.00%",
            "modern": "0.00%",
        }

        refused = tour.next(running, "modern: 250")
        assert ".modern: 250 is outside 0 to 100; nearest: 100" in refused
        tour.next(running, "broken on purpose")
        assert running.stop() == 0

    with up(copy) as running:
        broken = tour.next(running, "for n in $(seq 100)")
        assert share_of_errors(broken) == {"legacy": "0.00%", "modern": "100.00%"}
        assert re.search(
            r"rolled back GET /api/balances, 10 % -> 0 %: error: modern \d+ events in \d+ requests; "
            r"legacy 0 events in \d+ requests; E = \S+ >= 200; "
            r"once mended: banyan ack 'GET /api/balances'",
            " ".join(broken.split()),
        )
        on = tour.next(running, "banyan ramp start")
        assert "GET /api/balances: running at 10 %, next 50 %" in on
        assert re.findall(r"^ +\d+  \S+ \S+  (\S+)", on, re.MULTILINE)[1] == "guard"
    assert tour.done == len(tour.blocks)
    assert "broken on purpose" not in (copy / "fastapi_app/balances.py").read_text()
