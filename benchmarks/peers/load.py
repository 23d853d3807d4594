"""One round of load by wrk, and what may be believed of it: `wrk.lua` has looked at every answer."""

import random
import subprocess
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Final

CONNECTIONS: Final = 32
CLIENTS: Final = 10_000  # keys that a split is made by
_SIGMAS: Final = 5  # a right split is outside these bounds once in two million rounds
_PATIENCE: Final = 20  # seconds until wrk calls an answer lost
_SCRIPT: Final = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a round's answers were."""

    requests: int
    fastapi: int
    flask: int
    seconds: float
    p50: float  # milliseconds
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class Wrong(Exception):
    """A round that measures nothing: an answer is wrong, a socket failed, or the split is another."""


def load(
    wrk: str, port: int, paths: tuple[str, ...], seconds: float, connections: int = CONNECTIONS
) -> Answers:
    """Raises Wrong if any answer is."""
    first = str(random.randrange(CLIENTS))
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds:g}s", f"--timeout={_PATIENCE}s"]
    command += ["--latency", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}"]
    command += ["--", str(CLIENTS), first, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Wrong(f"wrk: {done.stderr or done.stdout}")
    return answers(done.stdout)


def answers(report: str) -> Answers:
    """What `wrk.lua` has printed at the end. Raises Wrong."""
    lines = [line.split(maxsplit=2)[1:] for line in report.splitlines() if line[:6] == "bench "]
    found = {name: rest[0] if rest else "" for name, *rest in lines}
    if not found:
        raise Wrong(f"wrk reported nothing: {report}")
    number = {name: float(value) for name, value in found.items() if name != "sample"}
    failed = {name: n for name, n in number.items() if name.startswith("errors.") and n}
    if failed or number["wrong"]:
        raise Wrong(f"{number['wrong']:.0f} wrong answers {found['sample']}, {failed}")
    if number["fastapi"] + number["flask"] != number["requests"] or not number["requests"]:
        raise Wrong(f"of {number['requests']:.0f} answers not all were looked at: {found}")
    return Answers(
        int(number["requests"]),
        int(number["fastapi"]),
        int(number["flask"]),
        number["microseconds"] / 1e6,
        number["p50"] / 1e3,
        number["p99"] / 1e3,
    )


def check_share(fastapi: int, flask: int, modern: float) -> None:
    """Raises Wrong if FastAPI's share of the answers is not `modern`, 0 to 1.

    A client always goes to the same stack: it is the clients that are drawn, not the requests.
    """
    clients = min(fastapi + flask, CLIENTS)
    tolerance = _SIGMAS * sqrt(modern * (1 - modern) / clients)
    share = fastapi / (fastapi + flask)
    if abs(share - modern) > tolerance:
        raise Wrong(
            f"FastAPI has {share:.2%} of {clients} clients, not {modern:.0%} ± {tolerance:.2%}"
        )
