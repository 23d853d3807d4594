"""Whether memory stays flat under half of the load that the gateway can carry.

    python -m benchmarks.soak --minutes 30
    python -m benchmarks.soak --minutes 10 --rate 100

`banyan up` with both stacks in its process and every client at 50 % gets as much as wrk can ask for some
seconds, then half of that at a steady rate. Its metrics are scraped every ten seconds and its plan is edited
twice a minute (49, then 51 %). Memory is that of all its processes. After the first five minutes a line is
fitted to it by least squares: its slope, with the 95 % interval, is what is reported. Samples that follow
each other are alike, so the true interval is wider. What happens when apps fail and clients leave is the
campaign's part: `python -m tests.campaigns.soak`.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple

import uvloop

from benchmarks.page import keep, measured
from benchmarks.ports import free_port
from benchmarks.pressure import press
from benchmarks.servers import Program, Server, running
from benchmarks.steady import Seen, steady
from benchmarks.subjects import LEGACY, MODERN
from benchmarks.target import Target

_CONNECTIONS: Final = 32
_SATURATION: Final = 5  # seconds
_SAMPLE: Final = 10.0  # seconds
_EDIT: Final = 3  # samples from one edit of the plan to the next
_SETTLED: Final = 5.0  # minutes that are not fitted; of a short run, a third
_TARGET: Final = 10.0  # KiB a minute
_PLAN: Final = "phase: gradual\nroutes:\n  - {{route: GET /stack, modern: {}}}\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """The gateway at one moment, and what clients saw since the moment before."""

    minute: float
    memory: float  # KiB
    threads: int
    descriptors: int
    requests: int  # since the beginning
    p50: float  # milliseconds from when a request was due
    p99: float


class Slope(NamedTuple):
    """Of a line fitted by least squares, with half of its 95 % interval."""

    a_minute: float
    give: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument(
        "--rate", type=float, help="requests a second; default: half of what it can"
    )
    parser.add_argument("--keep", action="store_true", help="the table, in docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _gateway(Path(name)) as (server, control):
        rate = options.rate or press(server, _CONNECTIONS, _SATURATION, 0.5).rate / 2
        soak = _Soak(server, control, Path(name) / "traffic.yaml")
        samples = uvloop.run(soak.run(rate, options.minutes * 60))
    raw = {"rate": rate, "samples": [asdict(sample) for sample in samples]}
    markdown = _markdown(rate, samples)
    print(markdown)
    if options.keep:
        keep("soak", raw, markdown)


def slope(points: list[tuple[float, float]]) -> Slope:
    """Of minutes and values. Needs three points at least."""
    minutes, values = zip(*points, strict=True)
    fitted = statistics.linear_regression(minutes, values)
    rest = sum((y - fitted.intercept - fitted.slope * x) ** 2 for x, y in points)
    middle = statistics.fmean(minutes)
    spread = sum((x - middle) ** 2 for x in minutes)
    free = len(points) - 2
    return Slope(fitted.slope, _student(free) * sqrt(rest / free / spread))


def settled(samples: list[Sample]) -> list[Sample]:
    """Those of the time after the beginning, in which caches fill and threads start."""
    after = min(_SETTLED, samples[-1].minute / 3)
    return [sample for sample in samples if sample.minute >= after]


def flat(found: Slope) -> bool:
    return found.a_minute < _TARGET or found.a_minute - found.give <= 0


def targets(raw: dict[str, Any]) -> list[Target]:
    """`raw` as JSON gives it back."""
    samples = [Sample(**one) for one in raw["samples"]]
    found = _memory_slope(samples)
    what = f"memory slope of a soak, {samples[-1].minute:.0f} minutes at half load"
    want = f"0, or < {_TARGET:.0f} KiB/min"
    return [
        Target("P10", what, want, f"{found.a_minute:+.1f} ± {found.give:.1f} KiB/min", flat(found))
    ]


class _Soak:
    """Load, scrapes and edits at the same time."""

    def __init__(self, server: Server, control: int, plan: Path) -> None:
        self._server, self._control, self._plan = server, control, plan
        self._seen = Seen()

    async def run(self, rate: float, seconds: float) -> list[Sample]:
        load = asyncio.create_task(steady(self._server.port, rate, _CONNECTIONS, self._seen))
        began, samples = perf_counter(), list[Sample]()
        for number in range(1, int(seconds / _SAMPLE) + 1):
            due = began + number * _SAMPLE
            await asyncio.wait([load], timeout=due - perf_counter())
            if load.done():
                await load
            await asyncio.to_thread(self._scrape)
            samples.append(self._sample((perf_counter() - began) / 60))
            if number % _EDIT == 0:
                write_plan(self._plan, 49 if number // _EDIT % 2 else 51)
        load.cancel()
        self._check()
        return samples

    def _scrape(self) -> None:
        url = f"http://127.0.0.1:{self._control}/metrics"
        with urllib.request.urlopen(url, timeout=20) as answer:
            if b"gateway_requests_total{" not in answer.read():
                raise SystemExit("no requests in the metrics")

    def _sample(self, minute: float) -> Sample:
        server, late = self._server, sorted(self._seen.take_late())
        if not late:
            raise SystemExit(f"no answer for {_SAMPLE:.0f} seconds")
        return Sample(
            minute,
            server.memory() / 1024,
            server.threads(),
            server.descriptors(),
            self._seen.answers.total(),
            statistics.median(late) * 1000,
            late[int(len(late) * 0.99)] * 1000,
        )

    def _check(self) -> None:
        """A half of the clients goes to each stack, and so do about as many requests."""
        modern = self._seen.answers["modern"] / self._seen.answers.total()
        if not 0.4 < modern < 0.6:
            raise SystemExit(f"{modern:.0%} of the answers are modern's, not a half")


def write_plan(plan: Path, percent: int) -> None:
    """As a whole: whoever reads it never sees a half."""
    draft = plan.with_suffix(".draft")
    draft.write_text(_PLAN.format(percent))
    draft.replace(plan)


@contextmanager
def _gateway(folder: Path) -> Iterator[tuple[Server, int]]:
    """`banyan up`, and the port of its control plane."""
    port, control = free_port(), free_port()
    write_plan(folder / "traffic.yaml", 50)
    command = [sys.executable, "-m", "gateway.cli", "up", "--legacy", LEGACY, "--modern", MODERN]
    command += ["--port", str(port), "--control-port", str(control), "--access-log", os.devnull]
    program = Program(command, folder, log=folder / "banyan.log")
    with running("banyan up", port, program, "/stack") as server:
        yield server, control


def _memory_slope(samples: list[Sample]) -> Slope:
    return slope([(sample.minute, sample.memory) for sample in settled(samples)])


def _student(free: int) -> float:
    """The 97.5 % quantile of Student's t, by Cornish and Fisher's expansion: to 2 % from four on."""
    z = statistics.NormalDist().inv_cdf(0.975)
    return z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)


def _markdown(rate: float, samples: list[Sample]) -> str:
    lines = [
        "| minute | requests | MiB | threads | descriptors | p50 | p99 |",
        "|---|---|---|---|---|---|---|",
    ]
    step = max(1, len(samples) // 10)
    lines += [_row(sample) for sample in samples[step - 1 :: step]]
    found, first = _memory_slope(samples), settled(samples)[0].minute
    told = f"{found.a_minute:+.1f} ± {found.give:.1f} KiB a minute"
    lines.append(f"\n{rate:.0f} requests a second; memory from minute {first:.0f} on: {told}.\n")
    return "\n".join([*lines, measured()])


def _row(sample: Sample) -> str:
    return (
        f"| {sample.minute:.1f} | {sample.requests} | {sample.memory / 1024:.1f} | {sample.threads} "
        f"| {sample.descriptors} | {sample.p50:.1f} ms | {sample.p99:.1f} ms |"
    )


if __name__ == "__main__":
    main()
