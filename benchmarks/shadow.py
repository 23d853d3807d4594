"""What clients notice of shadows: `python -m benchmarks.shadow`.

One gateway with both stacks in its process, every client at 50 %, at half of the rate that it can carry.
Rounds of two windows in random order: no shadows, and a tenth of the requests asked of the other stack too.
The answers are equal but for the way they are written. A request's time counts from when it was due.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.page import keep, measured
from benchmarks.peers.steady import percentile
from benchmarks.ports import free_port
from benchmarks.pressure import press
from benchmarks.servers import ROOT, Program, Server, running
from benchmarks.subjects import LEGACY, MODERN, PATH
from benchmarks.target import Target
from gateway.atomic import replace_file

_ROUNDS, _SECONDS = 9, 4.0
_CONNECTIONS, _SATURATION = 32, 4  # and seconds
_SAMPLE: Final = 10  # percent
_TOLD: Final = 1.2  # seconds until the last shadow is counted: metrics are up to one behind
_PATIENCE: Final = 20.0  # seconds
_LIMIT: Final = 1.05
_PLAN: Final = """\
phase: gradual
defaults: {{shadow: {{sample: {}}}}}
routes:
  - {{route: GET /json, modern: 50}}
  - {{route: GET /stack, modern: 50}}
"""
Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Some seconds with shadows or without; milliseconds."""

    sample: int  # percent
    requests: int
    p50: float
    p99: float
    cpu: float  # microseconds of the gateway's, for each request
    equal: int  # shadows whose answers were
    dropped: int  # for want of room


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="of a window")
    parser.add_argument("--rate", type=float, help="requests a second")
    parser.add_argument("--keep", action="store_true", help="in results/ and docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, port, probes = Path(name), free_port(), free_port()
        (folder / "traffic.yaml").write_text(_PLAN.format(0))
        with running("banyan serve", port, _gateway(folder, port, probes), PATH) as server:
            raw = _measured(server, probes, folder / "traffic.yaml", options)
    print(_markdown(raw))
    if options.keep:
        keep("shadow", raw, _markdown(raw))


def targets(raw: Raw) -> list[Target]:
    ratio = statistics.median(_ratios(raw, "p99"))
    what = f"client p99 with {_SAMPLE} % of reads shadowed, at half load, against none"
    return [Target("P8", what, f"≤ {_LIMIT:g} times", f"{ratio:.2f}", met=ratio <= _LIMIT)]


def _measured(server: Server, probes: int, plan: Path, options: argparse.Namespace) -> Raw:
    rate = options.rate or press(server, _CONNECTIONS, _SATURATION, 0.5).rate / 2
    rounds = []
    for number in range(-1, options.rounds):
        windows = {}
        for sample in random.sample((0, _SAMPLE), 2):
            _take(plan, probes, sample)
            windows[sample] = _window(server, probes, sample, rate, options.seconds)
        if number >= 0:  # the first warms up
            rounds.append([asdict(windows[sample]) for sample in (0, _SAMPLE)])
    return {"rate": rate, "rounds": rounds}


def _window(server: Server, probes: int, sample: int, rate: float, seconds: float) -> Window:
    command = [sys.executable, "-m", "benchmarks.peers.steady", f"--rate={rate}"]
    command += [f"--seconds={seconds}", f"{server.port}{PATH}"]
    before, spent = _shadows(probes), server.cpu()
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    spent = server.cpu() - spent
    time.sleep(_TOLD)
    equal, other, dropped = (b - a for a, b in zip(before, _shadows(probes), strict=True))
    times = [one for each in json.loads(done.stdout)["times"].values() for one in each]
    if other or (equal + dropped > 0) != (sample > 0):
        raise SystemExit(f"{equal} shadows equal, {other} not, at {sample} %")
    cuts = percentile(times, 50), percentile(times, 99)
    return Window(sample, len(times), *cuts, spent / len(times) / 1000, equal, dropped)


def _take(plan: Path, probes: int, sample: int) -> None:
    """Puts a plan into force. Raises SystemExit if the gateway does not take it."""
    if plan.read_text() == _PLAN.format(sample):
        return
    before = _sum(probes, r"gateway_plan_version")
    replace_file(plan, _PLAN.format(sample).encode())
    end = time.monotonic() + _PATIENCE
    while _sum(probes, r"gateway_plan_version") == before:
        if time.monotonic() > end:
            raise SystemExit(f"the plan did not come into force within {_PATIENCE:g} seconds")
        time.sleep(0.1)  # a worker tells its version nowhere but there


def _shadows(probes: int) -> tuple[int, int, int]:
    """Equal, not equal, dropped; all since the gateway's start."""
    every = _sum(probes, r"gateway_shadow_total\{.*\}")
    equal = _sum(probes, r'gateway_shadow_total\{.*outcome="equal".*\}')
    return equal, every - equal, _sum(probes, r"gateway_shadow_dropped_total\{.*\}")


def _sum(probes: int, pattern: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{probes}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return sum(int(float(found)) for found in re.findall(rf"(?m)^{pattern} (\S+)$", text))


def _gateway(folder: Path, port: int, probes: int) -> Program:
    argv = [sys.executable, "-m", "gateway.cli", "serve", "--access-log", os.devnull]
    argv += ["--port", str(port), "--probe-port", str(probes)]
    argv += ["--legacy", LEGACY, "--modern", MODERN]
    return Program(argv, folder, log=folder / "log")


def _ratios(raw: Raw, figure: str) -> list[float]:
    return [shadowed[figure] / without[figure] for without, shadowed in raw["rounds"]]


def _markdown(raw: Raw) -> str:
    ratios = ", ".join(f"{name} {_told(_ratios(raw, name))}" for name in ("p50", "p99"))
    table = "\n".join(
        [
            "| | p50 | p99 | CPU per request | shadows | dropped |",
            "|---|---|---|---|---|---|",
            *(_row(raw, number) for number in range(2)),
        ]
    )
    return (
        f"{table}\n\n{raw['rate']:.0f} requests a second, medians of {len(raw['rounds'])} rounds. With "
        f"shadows, against without, in the same round: {ratios}.\n\n{measured()}"
    )


def _row(raw: Raw, number: int) -> str:
    windows = [each[number] for each in raw["rounds"]]
    p50, p99, cpu = (
        statistics.median(one[name] for one in windows) for name in ("p50", "p99", "cpu")
    )
    equal, dropped = (sum(one[name] for one in windows) for name in ("equal", "dropped"))
    name = f"{windows[0]['sample']} % shadowed"
    return f"| {name} | {p50:.2f} ms | {p99:.2f} ms | {cpu:.0f} µs | {equal} | {dropped} |"


def _told(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
