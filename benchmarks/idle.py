"""What an idle keep-alive connection costs: memory while it is open, and what remains of it.

    python -m benchmarks.idle
    python -m benchmarks.idle --connections 500 --rounds 1

In each round the servers start anew, because a heap that has grown once shows no second growth. After a
warm-up, connections are opened, each asks once and then stays. The cost is what resident memory has grown
by, divided by their number. They ask again, so that none was closed meanwhile, and close; then as many
come again: what the second crowd needs above the first is what the first has left behind.
"""

import argparse
import socket
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final

from benchmarks.page import keep, measured
from benchmarks.servers import Server
from benchmarks.subjects import BODY, PATH, gateway, raise_open_files, uvicorn
from benchmarks.target import Target

_REQUEST: Final = f"GET {PATH} HTTP/1.1\r\nHost: bench\r\nX-API-Key: somebody\r\n\r\n".encode()
_WARM_UP: Final = 500  # connections
_TARGET: Final = 40.0  # KiB
_SETTLED: Final = 1.1  # seconds; what follows an answer or a close is flushed each second

Subject = Callable[[Path], AbstractContextManager[Server]]
Raw = dict[str, list[dict[str, float]]]  # of each server, a dict of each round

_SUBJECTS: Final[tuple[Subject, ...]] = (
    uvicorn,
    lambda folder: gateway("gateway, 100 % modern", folder, 100),
    lambda folder: gateway("gateway, 0 % (Flask)", folder, 0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="the tables, in docs/performance.md")
    options = parser.parse_args()
    raise_open_files(options.connections * len(_SUBJECTS) + 200)
    raw: Raw = defaultdict(list)
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, found in _round(Path(folder), options.connections).items():
                raw[name].append(found)
    markdown = _markdown(raw, options.connections)
    print(markdown)
    if options.keep:
        keep("idle", raw, markdown)


def targets(raw: Raw) -> list[Target]:
    ours = [rounds for name, rounds in raw.items() if name.startswith("gateway")]
    most = max(_median(rounds, "open") for rounds in ours)
    what = "memory of an idle keep-alive connection"
    return [Target("P10", what, f"≤ {_TARGET:.0f} KiB", f"{most:.1f} KiB", most <= _TARGET)]


def _round(folder: Path, connections: int) -> dict[str, dict[str, float]]:
    """KiB of memory per connection, above what a server had before the first of them; CPU in ms/s."""
    with ExitStack() as stack:
        servers = [stack.enter_context(subject(folder)) for subject in _SUBJECTS]
        _warm_up(servers)
        cpu_alone, before = _look(servers)
        crowds = _crowds(servers, connections)
        cpu, opened = _look(servers)
        _close(crowds)
        _, closed = _look(servers)
        crowds = _crowds(servers, connections)
        _, again = _look(servers)
        _close(crowds)
    found = {"open": opened, "closed": closed, "again": again}
    return {
        server.name: {
            **{key: (m[at] - before[at]) / connections / 1024 for key, m in found.items()},
            "cpu": cpu[at],
            "cpu alone": cpu_alone[at],
        }
        for at, server in enumerate(servers)
    }


def _warm_up(servers: list[Server]) -> None:
    """One at a time: the memory for a crowd is not to be there already."""
    for server in servers:
        for _ in range(_WARM_UP):
            _close([_open(server)])


def _look(servers: list[Server]) -> tuple[list[float], list[int]]:
    """CPU milliseconds a second of servers that nobody asks, and their memory in bytes."""
    time.sleep(_SETTLED)
    before, began = [server.cpu() for server in servers], time.perf_counter()
    time.sleep(_SETTLED)
    seconds = time.perf_counter() - began
    spent = [server.cpu() - cpu for server, cpu in zip(servers, before, strict=True)]
    return [cpu / 1e6 / seconds for cpu in spent], [server.memory() for server in servers]


def _crowds(servers: list[Server], connections: int) -> list[socket.socket]:
    """Connections to each server; each has asked once."""
    return [_open(server) for server in servers for _ in range(connections)]


def _open(server: Server) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    _ask(connection)
    return connection


def _close(crowd: list[socket.socket]) -> None:
    for connection in crowd:
        _ask(connection)
        connection.close()


def _ask(connection: socket.socket) -> None:
    connection.sendall(_REQUEST)
    answer = b""
    while not answer.rstrip().endswith(BODY):
        got = connection.recv(4096)
        answer += got
        if not got:
            raise SystemExit(f"a connection ended: {answer!r}")
    if not answer.startswith(b"HTTP/1.1 200") or b"connection: close" in answer.lower():
        raise SystemExit(f"a wrong answer: {answer!r}")


def _median(rounds: list[dict[str, float]], key: str) -> float:
    return statistics.median(one[key] for one in rounds)


def _markdown(raw: Raw, connections: int) -> str:
    lines = [
        f"| {connections} connections | open, KiB each | closed | again | CPU, idle | CPU, alone |",
        "|---|---|---|---|---|---|",
    ]
    for name, rounds in raw.items():
        kib = " | ".join(f"{_median(rounds, key):.1f}" for key in ("open", "closed", "again"))
        cpu, alone = _median(rounds, "cpu"), _median(rounds, "cpu alone")
        lines.append(f"| {name} | {kib} | {cpu:.1f} ms/s | {alone:.1f} ms/s |")
    return "\n".join([*lines, "", measured()])


if __name__ == "__main__":
    main()
