"""What many connections at once cost, 1 to 2 000, beside the apps' own servers.

    python -m benchmarks.connections
    python -m benchmarks.connections --connections 32 500 --rounds 5

wrk asks for a JSON route of uvicorn + FastAPI, of the gateway with the same app at 100 %, of gunicorn
(gthread, 40 threads) + Flask and of the gateway at 0 %, each with one process, as fast as it gets answers.
All servers run at once; rounds go through them in random order. Latency at saturation is queueing: it is
there to be compared, and to show that nobody waits for ever.
"""

import argparse
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.page import keep, measured
from benchmarks.peers.load import Wrong
from benchmarks.pressure import press
from benchmarks.servers import Server
from benchmarks.subjects import gateway, gunicorn, raise_open_files, uvicorn

_MANY: Final = 1000  # connections, from which on a round takes two seconds
_MODERN, _LEGACY = "gateway, 100 % modern", "gateway, 0 % (Flask)"
_UVICORN, _GUNICORN = "uvicorn + FastAPI", "gunicorn gthread + Flask"
_PAIRS: Final = ((_UVICORN, _MODERN), (_GUNICORN, _LEGACY))

Raw = dict[str, dict[str, list[dict[str, float]]]]  # of each number of connections and each server


class Subject(NamedTuple):
    """A server, and FastAPI's share of its answers."""

    start: Callable[[Path], AbstractContextManager[Server]]
    modern: float


_SUBJECTS: Final = {
    _UVICORN: Subject(uvicorn, 1),
    _MODERN: Subject(lambda folder: gateway(_MODERN, folder, 100), 1),
    _GUNICORN: Subject(gunicorn, 0),
    _LEGACY: Subject(lambda folder: gateway(_LEGACY, folder, 0), 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = [1, 2, 8, 32, 128, 500, 2000]
    parser.add_argument("--connections", type=int, nargs="*", default=default)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="the tables, in docs/performance.md")
    options = parser.parse_args()
    raise_open_files(max(options.connections) + 200)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [stack.enter_context(one.start(folder)) for one in _SUBJECTS.values()]
        raw = _measure(servers, options.connections, options.rounds)
    markdown = _markdown(raw)
    print(markdown)
    if options.keep:
        keep("connections", raw, markdown)


def _measure(servers: list[Server], counts: list[int], rounds: int) -> Raw:
    raw: Raw = {str(count): defaultdict(list) for count in counts}
    for server in servers:
        _press(server, 32)  # warm-up
    for _ in range(rounds):
        for count in random.sample(counts, len(counts)):
            for server in random.sample(servers, len(servers)):
                if (found := _press(server, count)) is not None:
                    raw[str(count)][server.name].append(found)
    return raw


def _press(server: Server, connections: int) -> dict[str, float] | None:
    """None, with the reason on standard error, if a peer fails; a gateway that does ends the run."""
    seconds = 2 if connections >= _MANY else 1
    try:
        return asdict(press(server, connections, seconds, _SUBJECTS[server.name].modern))
    except Wrong as wrong:
        if server.name in (_MODERN, _LEGACY):
            raise SystemExit(f"{server.name}, {connections} connections: {wrong}") from wrong
        sys.stderr.write(f"{server.name}, {connections} connections, left out: {wrong}\n")
        return None


def _markdown(raw: Raw) -> str:
    return "\n\n".join([*("\n".join(_table(raw, *pair)) for pair in _PAIRS), measured()])


def _table(raw: Raw, peer: str, ours: str) -> Iterator[str]:
    yield f"The {ours}, beside {peer}:\n"
    yield (
        f"| connections | requests/s: {peer} | gateway | ratio (min to max) | CPU µs: {peer} | gateway "
        f"| p50, p99 ms: {peer} | gateway |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for count, servers in raw.items():
        theirs, own = servers.get(peer, []), servers[ours]
        cells = [_cells(theirs), _cells(own)]
        columns = [f"{a} | {b}" for a, b in zip(*cells, strict=True)]
        columns.insert(1, _ratio(theirs, own))
        yield f"| {count} | {' | '.join(columns)} |"


def _cells(rounds: list[dict[str, float]]) -> tuple[str, str, str]:
    """Requests a second, CPU, latencies."""
    if not rounds:
        return "failed", "-", "-"
    rate, cpu, p50, p99 = (
        statistics.median(one[key] for one in rounds) for key in ("rate", "cpu", "p50", "p99")
    )
    return f"{rate:.0f}", f"{cpu:.0f}", f"{p50:.1f}, {p99:.1f}"


def _ratio(theirs: list[dict[str, float]], own: list[dict[str, float]]) -> str:
    """Of rates in the same round, with the least and the most; nothing if the peer failed in one."""
    if len(theirs) != len(own):
        return "-"
    ratios = sorted(b["rate"] / a["rate"] for a, b in zip(theirs, own, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


if __name__ == "__main__":
    main()
