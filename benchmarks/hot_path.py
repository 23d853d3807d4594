"""What one request costs in the gateway over the bare FastAPI app: `make bench`.

Two servers run side by side, uvicorn with the FastAPI app alone and the gateway with the same app at
100 %, both with httptools and uvloop, metrics and access log on in the gateway. Rounds alternate; the
CPU time of a server's threads (`/proc/<pid>/task/*/schedstat`, nanoseconds) divided by the requests of
the round is its cost. Reported are medians over rounds, and the median of the differences per round.
"""

import argparse
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.servers import ROOT, Server, free_port, started

_BODY: Final = '{"hello":"world"}'
_PLAN: Final = "phase: gradual\nroutes:\n  - {route: GET /json, modern: 100}\n"


def _cost(server: Server, requests: int, connections: int) -> float:
    """CPU microseconds per request of one round."""
    before = server.cpu()
    load = [sys.executable, "-m", "benchmarks.load", str(server.port), "/json", _BODY]
    subprocess.run([*load, str(requests), str(connections)], check=True, cwd=ROOT)
    return (server.cpu() - before) / requests / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=13)
    parser.add_argument("--requests", type=int, default=8000, help="requests of one round")
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bare = stack.enter_context(_bare(folder))
        gateway = stack.enter_context(_gateway(folder))
        costs = _measure((bare, gateway), options)
    _report(costs[bare.name], costs[gateway.name])


def _measure(servers: tuple[Server, Server], options: argparse.Namespace) -> dict[str, list[float]]:
    costs: dict[str, list[float]] = {server.name: [] for server in servers}
    for server in servers:
        _cost(server, options.requests, options.connections)  # warm-up
    for _ in range(options.rounds):
        for server in random.sample(servers, len(servers)):
            costs[server.name].append(_cost(server, options.requests, options.connections))
    return costs


def _report(bare: list[float], gateway: list[float]) -> None:
    added = [g - b for b, g in zip(bare, gateway, strict=True)]
    ratio = statistics.median(g / b for b, g in zip(bare, gateway, strict=True))
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {len(bare)} rounds\n")
    print("| CPU µs per request | median | min | max |\n|---|---|---|---|")
    for name, costs in (("uvicorn + FastAPI", bare), ("gateway, 100 %", gateway), ("added", added)):
        print(f"| {name} | {statistics.median(costs):.1f} | {min(costs):.1f} | {max(costs):.1f} |")
    print(f"\nratio {ratio:.3f}")


@contextmanager
def _bare(folder: Path) -> Iterator[Server]:
    port = free_port()
    command = ["uvicorn", "benchmarks.apps:modern", "--port", str(port), "--http", "httptools"]
    command += ["--loop", "uvloop", "--no-access-log"]
    with started("bare", port, command, folder, "/json") as server:
        yield server


@contextmanager
def _gateway(folder: Path) -> Iterator[Server]:
    port = free_port()
    (folder / "traffic.yaml").write_text(_PLAN)
    stacks = ["--legacy", "benchmarks.apps:legacy", "--modern", "benchmarks.apps:modern"]
    command = ["gateway.cli", "serve", "--port", str(port), "--access-log", os.devnull, *stacks]
    with started("gateway", port, command, folder, "/json") as server:
        yield server


if __name__ == "__main__":
    main()
