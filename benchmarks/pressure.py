"""One round of wrk with any number of connections; every answer is looked at, and so is the split."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.install import program
from benchmarks.peers import load
from benchmarks.servers import Server

_SCRIPT: Final = Path(load.__file__).with_name("wrk.lua")
_PATH: Final = "/stack"
_PATIENCE: Final = 20  # seconds until wrk calls an answer lost
_QUIET: Final = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Round:
    """What one server did under one load."""

    rate: float  # requests a second
    cpu: float  # microseconds of all its processes, for each request
    cores: float  # that it kept busy
    p50: float  # milliseconds
    p99: float


def press(server: Server, connections: int, seconds: int, modern: float) -> Round:
    """Raises `load.Wrong` if an answer is, or if FastAPI's share of the answers is not `modern`, 0 to 1."""
    command = [wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_PATIENCE}s"]
    command += ["--latency", "-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}"]
    command += ["--", str(load.CLIENTS), "0", _PATH]
    _wait_until_quiet(server)
    before, began = server.cpu(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    spent, lasted = server.cpu() - before, time.perf_counter() - began
    if done.returncode:
        raise load.Wrong(f"wrk: {done.stderr or done.stdout}")
    answers = load.answers(done.stdout)
    load.check_share(answers.fastapi, answers.flask, modern)
    cpu = spent / answers.requests / 1000
    return Round(answers.rate, cpu, spent / 1e9 / lasted, answers.p50, answers.p99)


def wrk() -> str:
    """Raises SystemExit if it is not installed."""
    found = program("wrk")
    if found is None:
        raise SystemExit("wrk is needed: python -m benchmarks.install")
    return found


def _wait_until_quiet(server: Server) -> None:
    """A server may still be busy with connections that the last round has closed."""
    for _ in range(50):
        before = server.cpu()
        time.sleep(_QUIET)
        if server.cpu() - before < _QUIET * 1e8:  # a tenth of a core
            return
