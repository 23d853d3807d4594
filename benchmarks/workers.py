"""What a second worker brings, at 100, 50 and 0 % modern, beside uvicorn with a second one.

    python -m benchmarks.workers
    python -m benchmarks.workers --workers 1 2 4 --rounds 9

wrk asks with 32 connections. On a machine with two cores wrk needs a part of one, so twice the rate cannot
be seen: uvicorn, whose workers share nothing but the listening port, shows what can. What does tell is the
CPU time of one request: as long as it stays, workers do not wait for each other, and another core brings
what the first brought.
"""

import argparse
import random
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.page import keep, measured
from benchmarks.peers.load import Wrong
from benchmarks.pressure import press
from benchmarks.servers import Server
from benchmarks.subjects import gateway, uvicorn

_CONNECTIONS: Final = 32
_UVICORN: Final = "uvicorn + FastAPI"
_SHARES: Final = {"gateway, 100 % modern": 100, "gateway, 50 %": 50, "gateway, 0 % (Flask)": 0}
_WARM_UP: Final = 1  # seconds

Raw = dict[str, dict[str, list[dict[str, float]]]]  # of each subject and each number of workers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--keep", action="store_true", help="the table, in docs/performance.md")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = _started(stack, folder, options.workers)
        raw = _measure(servers, options.rounds)
    markdown = _markdown(raw)
    print(markdown)
    if options.keep:
        keep("workers", raw, markdown)


Subjects = dict[tuple[str, int], Server]


def _started(stack: ExitStack, folder: Path, counts: list[int]) -> Subjects:
    servers: Subjects = {}
    for workers in counts:
        bare = stack.enter_context(uvicorn(folder, workers=workers))
        servers[_UVICORN, workers] = bare
        for name, percent in _SHARES.items():
            one = gateway(f"{name}, {workers}", folder, percent, "--workers", str(workers))
            servers[name, workers] = stack.enter_context(one)
    return servers


def _measure(servers: Subjects, rounds: int) -> Raw:
    raw: Raw = {name: {} for name, _ in servers}
    for name, workers in servers:
        raw[name][str(workers)] = []
    try:
        for (name, _), server in servers.items():
            press(server, _CONNECTIONS, _WARM_UP, _modern(name))
        for _ in range(rounds):
            for name, workers in random.sample(list(servers), len(servers)):
                found = press(servers[name, workers], _CONNECTIONS, 1, _modern(name))
                raw[name][str(workers)].append(asdict(found))
    except Wrong as wrong:
        raise SystemExit(f"{name}: {wrong}") from wrong
    return raw


def _modern(name: str) -> float:
    """FastAPI's share of the answers."""
    return _SHARES.get(name, 100) / 100


def _markdown(raw: Raw) -> str:
    lines = [
        "| server | workers | requests/s | of one (min to max) | CPU µs | of one | cores busy |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, counts in raw.items():
        first = next(iter(counts.values()))
        lines += [_row(name, workers, rounds, first) for workers, rounds in counts.items()]
    return "\n".join([*lines, "", measured()])


def _row(
    name: str, workers: str, rounds: list[dict[str, float]], first: list[dict[str, float]]
) -> str:
    rate, cpu, cores = (
        statistics.median(one[key] for one in rounds) for key in ("rate", "cpu", "cores")
    )
    gained, grown = (_ratios(rounds, first, key) for key in ("rate", "cpu"))
    return (
        f"| {name} | {workers} | {rate:.0f} "
        f"| {statistics.median(gained):.2f} ({gained[0]:.2f} to {gained[-1]:.2f}) "
        f"| {cpu:.0f} | {statistics.median(grown):.2f} | {cores:.2f} |"
    )


def _ratios(rounds: list[dict[str, float]], base: list[dict[str, float]], key: str) -> list[float]:
    return sorted(a[key] / b[key] for a, b in zip(rounds, base, strict=True))


if __name__ == "__main__":
    main()
