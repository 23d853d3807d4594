"""Rules of the way to remote stacks that no linter knows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT

STACKS = sorted((ROOT / "gateway" / "stacks").glob("*.py"))
CLIENT = re.compile(
    r"^\s*(?:import|from) (?:httpx2?|httpcore|aiohttp|requests|urllib3)\b", re.MULTILINE
)


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_t52_no_stack_is_asked_through_a_general_client(path: Path) -> None:
    assert CLIENT.findall(path.read_text()) == []


def test_t52_starting_a_data_plane_imports_no_general_client() -> None:
    asked = "import sys, gateway.app; print([m for m in ('httpx', 'aiohttp') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
