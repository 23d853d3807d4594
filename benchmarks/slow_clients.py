"""What 200 slow clients and 200 aborted downloads do to everybody else, and what they leave behind.

    python -m benchmarks.slow_clients
    python -m benchmarks.slow_clients --seconds 5 --slow 50 --aborted 50

Somebody asks `GET /json` of the Flask app at a fixed rate, first alone, then beside clients that read
a 200 MB answer at one byte a second (half of them a generator's, a quarter a file's) or send an upload at
that speed, and beside downloads that are cut after 64 KiB. Reported: latency alone and beside them,
and threads, descriptors and memory of the server before, during and after.
"""

import argparse
import asyncio
import socket
import statistics
import struct
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from benchmarks.bulk_app import FILE, PART
from benchmarks.page import keep, measured
from benchmarks.ports import free_port
from benchmarks.servers import ROOT, Program, Server, running

_PARTS: Final = 3200  # of 64 KiB: 200 MB
_RATE: Final = 50  # requests a second
_PATIENCE: Final = 5.0  # seconds somebody waits for an answer
_TARGETS: Final = (f"/generator/{_PARTS}/65536", "/file", f"/generator/{_PARTS}/65536", "/upload")
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=12, help="of each of the two measurements")
    parser.add_argument("--slow", type=int, default=200)
    parser.add_argument("--aborted", type=int, default=200)
    parser.add_argument("--port", type=int, help="be the disturbing clients of this port")
    parser.add_argument("--keep", action="store_true", help="the tables, in docs/performance.md")
    options = parser.parse_args()
    if options.port:
        asyncio.run(_disturb(options))
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        with (folder / FILE).open("wb") as file:
            for _ in range(_PARTS):
                file.write(PART)
        (folder / "traffic.yaml").write_text("phase: parallel\n")
        port = free_port()
        command = [sys.executable, "-m", "gateway.cli", "serve", "--port", str(port)]
        command += ["--access-log", "", "--legacy", "benchmarks.bulk_app:app"]
        program = Program(command, folder, log=folder / "banyan.log")
        server = stack.enter_context(running("banyan", port, program, "/json"))
        raw = asyncio.run(_compare(server, options))
    markdown = _markdown(raw, options)
    print(markdown)
    if options.keep:
        keep("slow-clients", raw, markdown)


Raw = dict[str, dict[str, list[float]]]


async def _compare(server: Server, options: argparse.Namespace) -> Raw:
    """Latencies in seconds; threads, descriptors and MiB of the server."""
    await _ask(server.port, 5)  # warm-up
    alone = await _ask(server.port, options.seconds)
    before = _state(server)
    disturbing = [sys.executable, "-m", "benchmarks.slow_clients", "--port", str(server.port)]
    disturbing += ["--slow", str(options.slow), "--aborted", str(options.aborted)]
    disturbing += ["--seconds", str(options.seconds + 10)]
    process = await asyncio.create_subprocess_exec(*disturbing, cwd=ROOT)
    try:
        await asyncio.sleep(5)  # all of them are there
        beside = await _ask(server.port, options.seconds)
        during = _state(server)
    finally:
        process.terminate()
        await process.wait()
    after = await _settled(server, before)
    return {
        "latencies": {"alone": alone, "beside them": beside},
        "server": {"before": before, "during": during, "after": after},
    }


async def _ask(port: int, seconds: int) -> list[float]:
    """Latencies in seconds; infinite for a request that got no answer."""
    return await asyncio.gather(*(_late(port, n / _RATE) for n in range(seconds * _RATE)))


async def _late(port: int, delay: float) -> float:
    await asyncio.sleep(delay)
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /json HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return float("inf")
    good = answer.startswith(b"HTTP/1.1 200") and b"ready" in answer
    return time.perf_counter() - began if good else float("inf")


def _markdown(raw: Raw, options: argparse.Namespace) -> str:
    lines = [
        f"{options.slow} slow clients, {options.aborted} aborted downloads:\n",
        "| clients | requests | unanswered | p50 | p99 |\n|---|---|---|---|---|",
    ]
    quantiles = []
    for name, seen in raw["latencies"].items():
        lost = sum(latency == float("inf") for latency in seen)
        p50, p99 = statistics.median(seen), sorted(seen)[int(len(seen) * 0.99)]
        quantiles.append((p50, p99))
        lines.append(
            f"| {name} | {len(seen)} | {lost} | {p50 * 1000:.1f} ms | {p99 * 1000:.1f} ms |"
        )
    (a50, a99), (b50, b99) = quantiles
    lines += [
        f"\np50 {b50 / a50:.2f} times, p99 {b99 / a99:.2f} times that of alone.\n",
        "| | threads | descriptors | MiB |\n|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {' | '.join(map(str, state))} |" for name, state in raw["server"].items()
    ]
    return "\n".join([*lines, "", measured()])


def _state(server: Server) -> list[float]:
    return [server.threads(), server.descriptors(), server.memory() >> 20]


async def _settled(server: Server, before: list[float]) -> list[float]:
    """Once descriptors are back, or after 30 seconds."""
    for _ in range(300):
        if server.descriptors() <= before[1]:
            break
        await asyncio.sleep(0.1)
    return _state(server)


async def _disturb(options: argparse.Namespace) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(options.seconds):
            slow = (_slow(options.port, _TARGETS[n % len(_TARGETS)]) for n in range(options.slow))
            aborted = (_abort(options, n) for n in range(options.aborted))
            await asyncio.gather(*slow, *aborted)


async def _slow(port: int, target: str) -> None:
    """One byte a second, in the direction that has the bytes."""
    upload = target == "/upload"
    head = f"{'POST' if upload else 'GET'} {target} HTTP/1.1\r\nHost: bench\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", port))
        more = "Content-Length: 1000000\r\n\r\n" if upload else "\r\n"
        await loop.sock_sendall(connection, (head + more).encode())
        with suppress(OSError):  # it may be cut
            while upload or await loop.sock_recv(connection, 1):
                if upload:
                    await loop.sock_sendall(connection, b"x")
                await asyncio.sleep(1)


async def _abort(options: argparse.Namespace, number: int) -> None:
    await asyncio.sleep(options.seconds * number / options.aborted)
    reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
    target = _TARGETS[number % 2]
    writer.write(f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    with suppress(asyncio.IncompleteReadError, OSError):
        await reader.readexactly(1 << 16)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


if __name__ == "__main__":
    main()
