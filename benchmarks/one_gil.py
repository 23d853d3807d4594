"""What Flask views that compute do to a FastAPI route of the same gateway: `python -m benchmarks.one_gil`.

Somebody asks a trivial FastAPI route at a fixed rate while 0, 1, 4 and 10 clients ask a Flask view that
computes for 5 ms, one request after the other. Three gateways run side by side: Flask in this process with
Python's own switch interval of 5 ms, with Banyan's of 0.5 ms, and Flask as `process:`. Rounds go through
gateways and numbers of clients in random order; every answer is checked.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from benchmarks.page import keep, measured
from benchmarks.ports import free_port
from benchmarks.servers import Program, Server, running

_BUSY: Final = (0, 1, 4, 10)  # clients of the view that computes
_RATE: Final = 160  # requests a second of the trivial route
_CONNECTIONS: Final = 8
_OWN, _OURS, _APART = "in process, 5 ms", "in process, 0.5 ms", "`process:`"
_APP: Final = "benchmarks.gil_app"
_PLAN: Final = "phase: gradual\nroutes:\n  - {route: GET /json, modern: 100}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.8, help="of each measurement")
    parser.add_argument("--keep", action="store_true", help="the table, in docs/performance.md")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [stack.enter_context(server) for server in _servers(folder)]
        raw = asyncio.run(_measure(servers, options))
    markdown = _markdown(raw, options)
    print(markdown)
    if options.keep:
        keep("one-gil", raw, markdown)


Cell = dict[str, list[float]]  # of each round: p50 and p99 in ms, answers a second of Flask
Raw = dict[str, dict[str, Cell]]  # by gateway and number of busy clients


async def _measure(servers: list[Server], options: argparse.Namespace) -> Raw:
    raw: Raw = {server.name: {str(busy): defaultdict(list) for busy in _BUSY} for server in servers}
    for server in servers:
        await _beside(server.port, max(_BUSY), 1.0)  # warm-up
    cells = [(server, busy) for server in servers for busy in _BUSY]
    for _ in range(options.rounds):
        for server, busy in random.sample(cells, len(cells)):
            late, answers = await _beside(server.port, busy, options.seconds)
            cell = raw[server.name][str(busy)]
            cell["p50"].append(statistics.median(late) * 1000)
            cell["p99"].append(sorted(late)[int(len(late) * 0.99)] * 1000)
            cell["flask"].append(answers / options.seconds)
    return raw


async def _beside(port: int, busy: int, seconds: float) -> tuple[list[float], int]:
    """How late the answers of FastAPI were, and how many there were of Flask."""
    answers = [0]
    clients = [asyncio.create_task(_busy(port, answers)) for _ in range(busy)]
    every = _CONNECTIONS / _RATE
    asked = (_ask(port, number / _RATE, every, seconds) for number in range(_CONNECTIONS))
    try:
        late = await asyncio.gather(*asked)
    finally:
        for client in clients:
            client.cancel()
        for client in clients:
            with suppress(asyncio.CancelledError):
                await client  # raises what went wrong
    return [one for several in late for one in several], answers[0]


async def _busy(port: int, answers: list[int]) -> None:
    """One request after the other, until it is cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            await _answer(reader, writer, b"/busy", b'{"busy":true}')
            answers[0] += 1
    finally:
        writer.close()


async def _ask(port: int, after: float, every: float, seconds: float) -> list[float]:
    """Seconds from when each request was due to its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    late, due = [], time.perf_counter() + after
    end = due + seconds
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await _answer(reader, writer, b"/json", b'{"hello":"fastapi"}')
        late.append(time.perf_counter() - due)
        due += every
    writer.close()
    return late


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: bytes, body: bytes
) -> None:
    writer.write(b"GET %b HTTP/1.1\r\nHost: bench\r\n\r\n" % path)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    got = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200") or got.strip() != body:
        raise SystemExit(f"a wrong answer: {head + got!r}")


def _servers(folder: Path) -> list[AbstractContextManager[Server]]:
    return [
        _gateway(_OWN, folder / "own", f"{_APP}:legacy", "0.005"),
        _gateway(_OURS, folder / "ours", f"{_APP}:legacy", "0.0005"),
        _gateway(_APART, folder / "apart", f"process:{_APP}:legacy", "0.005"),
    ]


@contextmanager
def _gateway(name: str, folder: Path, legacy: str, interval: str) -> Iterator[Server]:
    folder.mkdir()
    (folder / "traffic.yaml").write_text(_PLAN)
    port = free_port()
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", str(port)]
    command += ["--access-log", "", "--legacy", legacy, "--modern", f"{_APP}:modern"]
    environ = {"BANYAN_SWITCH_INTERVAL": interval}
    program = Program(command, folder, environ, folder / "banyan.log")
    with running(name, port, program, "/json") as server:
        yield server


def _markdown(raw: Raw, options: argparse.Namespace) -> str:
    what = f"Latency of a trivial FastAPI route at {_RATE} requests a second"
    lines = [
        f"{what}, {options.rounds} rounds of {options.seconds:g} s; medians, min to max in brackets:\n",
        "| Flask clients that compute | Flask | p50 | p99 | p99, to 5 ms | Flask's answers a second |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(raw, busy, name) for busy in map(str, _BUSY) for name in raw]
    return "\n".join([*lines, "", measured()])


def _row(raw: Raw, busy: str, name: str) -> str:
    cell, peer = raw[name][busy], raw[_OWN][busy]
    ratio = statistics.median(a / b for a, b in zip(cell["p99"], peer["p99"], strict=True))
    p99 = f"{_median(cell, 'p99'):.1f} ms ({min(cell['p99']):.1f} to {max(cell['p99']):.1f})"
    return (
        f"| {busy} | {name} | {_median(cell, 'p50'):.1f} ms | {p99} | {ratio:.2f} "
        f"| {_median(cell, 'flask'):.0f} |"
    )


def _median(cell: Cell, figure: str) -> float:
    return statistics.median(cell[figure])


if __name__ == "__main__":
    main()
