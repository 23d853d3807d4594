"""One round of wrk with any number of connections; every answer is looked at, and so is the split."""

import time
from dataclasses import dataclass
from typing import Final

from benchmarks.install import program
from benchmarks.peers import load
from benchmarks.servers import Server

_PATH: Final = "/stack"
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
    _wait_until_quiet(server)
    before, began = server.cpu(), time.perf_counter()
    answers = load.load(wrk(), server.port, (_PATH,), seconds, connections)
    spent, lasted = server.cpu() - before, time.perf_counter() - began
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
