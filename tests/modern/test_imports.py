"""Modern outlives Flask and the gateway: it imports neither."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
import fastapi_app.app
print(*sorted(sys.modules))
"""


def test_modern_imports_neither_flask_nor_the_gateway_beyond_its_kit() -> None:
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    modules = set(output.split())
    assert "gateway.kit.compat" in modules
    assert not modules & {"flask", "legacy_flask", "flask_cors"}
    of_gateway = {name for name in modules if name.startswith("gateway.")}
    assert all(name.startswith("gateway.kit") for name in of_gateway), of_gateway
