"""Which server in front of the gateway costs what: `python -m benchmarks.fronts`.

The same gateway over the same pair of apps under `banyan serve`, `gunicorn` with the shipped configuration
and `uvicorn`, one worker each, side by side. Rounds go through them in random order; the cost is the CPU
time of all their threads per request, the rate is that of one load generator with 32 connections.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.ports import free_port
from benchmarks.servers import ROOT, Server, started

_BODY: Final = '{"hello":"world"}'
_STACKS: Final = {
    "BANYAN_LEGACY": "benchmarks.apps:legacy",
    "BANYAN_MODERN": "benchmarks.apps:modern",
}
_GUNICORN: Final = ["gunicorn", "-c", str(ROOT / "deploy/gunicorn.conf.py"), "gateway.asgi:app"]
_UVICORN: Final = ["uvicorn", "gateway.asgi:app", "--loop", "uvloop", "--no-access-log", "--http"]
_FRONTS: Final = {
    "banyan serve": ["gateway.cli", "serve", "--port", "{port}"],
    "gunicorn, deploy/gunicorn.conf.py": [*_GUNICORN, "--bind", "127.0.0.1:{port}"],
    "uvicorn --http httptools": [*_UVICORN, "httptools", "--port", "{port}"],
    "uvicorn --http h11": [*_UVICORN, "h11", "--port", "{port}"],
}


def _round(server: Server, requests: int, connections: int) -> tuple[float, float]:
    """CPU microseconds per request, and requests per second."""
    before, began = server.cpu(), time.perf_counter()
    load = [sys.executable, "-m", "benchmarks.load", str(server.port), "/json", _BODY]
    subprocess.run([*load, str(requests), str(connections)], check=True, cwd=ROOT)
    seconds = time.perf_counter() - began
    return (server.cpu() - before) / requests / 1000, requests / seconds


@contextmanager
def _front(name: str, folder: Path) -> Iterator[Server]:
    port = free_port()
    command = [part.format(port=port) for part in _FRONTS[name]]
    environ = {**_STACKS, "BANYAN_ACCESS_LOG": os.devnull}
    with started(name, port, command, folder, "/json", **environ) as server:
        yield server


def _measure(percent: int, options: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "traffic.yaml").write_text(
            f"phase: gradual\nroutes:\n  - {{route: GET /json, modern: {percent}}}\n"
        )
        servers = [stack.enter_context(_front(name, folder)) for name in _FRONTS]
        for server in servers:
            _round(server, options.requests, options.connections)  # warm-up
        for _ in range(options.rounds):
            for server in random.sample(servers, len(servers)):
                found[server.name].append(_round(server, options.requests, options.connections))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=4000, help="requests of one round")
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    print("| server | stack | CPU µs per request | requests/s |\n|---|---|---|---|")
    for stack, percent in (("modern", 100), ("legacy", 0)):
        for name, rounds in _measure(percent, options).items():
            costs, rates = zip(*rounds, strict=True)
            cost, rate = statistics.median(costs), statistics.median(rates)
            print(
                f"| {name} | {stack} | {cost:.0f} ({min(costs):.0f}-{max(costs):.0f}) | {rate:.0f} |"
            )


if __name__ == "__main__":
    main()
