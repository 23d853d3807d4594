"""What a benchmark found, kept: raw rounds in `results/`, tables in docs/performance.md."""

import json
import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks.servers import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
RESULTS: Final = ROOT / "benchmarks" / "results"
_LIBRARIES: Final = ("uvicorn", "uvloop", "httptools", "fastapi", "flask", "gunicorn", "a2wsgi")


def keep(name: str, raw: object, markdown: str) -> None:
    """Writes `results/NAME.json` and the page's block NAME."""
    found = {"measured": datetime.now(UTC).date().isoformat(), "machine": machine(), "raw": raw}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    put(name, markdown)


def put(name: str, markdown: str) -> None:
    """Writes the block NAME: what stands between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.

    Raises SystemExit if the page has no such block, or two.
    """
    block = f"<!-- bench:{name} -->\n{markdown.strip()}\n<!-- /bench:{name} -->"
    pattern = rf"<!-- bench:{re.escape(name)} -->.*?<!-- /bench:{re.escape(name)} -->"
    page, count = re.subn(pattern, lambda _: block, PAGE.read_text(), flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{PAGE} has {count} blocks named bench:{name}; one is needed")
    PAGE.write_text(page)


def compiled() -> bool:
    """Whether the hot path is (`make compile`)."""
    spec = find_spec("gateway.turn")
    return spec is not None and not str(spec.origin).endswith(".py")


def machine() -> dict[str, str]:
    """What the figures depend on."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return {
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "processor": cpu[1] if cpu else platform.machine(),
        "kernel": platform.release(),
        "hot path": f"compiled by mypyc {version('mypy')}" if compiled() else "interpreted",
        **{library: version(library) for library in _LIBRARIES},
    }


def measured() -> str:
    """The line below a table: when, and on what."""
    one = machine()
    versions = ", ".join(f"{library} {one[library]}" for library in _LIBRARIES)
    return (
        f"Measured on {datetime.now(UTC).date()}: Python {one['python']}, {one['cores']} cores "
        f"({one['processor']}), the gateway's hot path {one['hot path']}, {versions}."
    )
