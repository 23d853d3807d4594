"""One large upload and one large download through each kind of stack, beside gunicorn with the same app.

    python -m benchmarks.bulk                # 1 GiB, 5 rounds
    python -m benchmarks.bulk --mebibytes 64 --rounds 3

All servers run at once; rounds go through them in random order. Reported: throughput (median), its ratio
to gunicorn's of the same round (median), and the most memory that the server's processes had above what
they had before the first transfer. Lengths are checked in every round, contents in the first.
"""

import argparse
import json
import platform
import random
import socket
import statistics
import tempfile
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.bulk_app import FILE, PART
from benchmarks.servers import Server, free_port, started

_MIB: Final = 1 << 20
_PEER: Final = "gunicorn gthread"
_PLAN: Final = "phase: parallel\n"
_BUFFER: Final = bytearray(_MIB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--servers", nargs="*", help="some of them; gunicorn is always there")
    options = parser.parse_args()
    size = options.mebibytes * _MIB
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        with (folder / FILE).open("wb") as file:
            for _ in range(size // len(PART)):
                file.write(PART)
        wanted = options.servers
        servers = [
            stack.enter_context(server)
            for name, server in _servers(folder).items()
            if wanted is None or name in {_PEER, *wanted}
        ]
        _report(servers, _measure(servers, size, options.rounds), options)


Transfer = Callable[[Server, int, bool], None]
Results = dict[tuple[str, str], list[tuple[float, int]]]  # MiB/s, bytes of memory above idle


def _measure(servers: list[Server], size: int, rounds: int) -> Results:
    results: Results = defaultdict(list)
    idle = {server.name: server.memory() for server in servers}
    for name, transfer in TRANSFERS.items():
        for server in servers:  # contents are checked once, and everything is warm
            transfer(server, size, True)
        for _ in range(rounds):
            for server in random.sample(servers, len(servers)):
                results[name, server.name].append(_one(server, transfer, size, idle[server.name]))
    return results


def _one(server: Server, transfer: Transfer, size: int, idle: int) -> tuple[float, int]:
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.02):
            peak = max(peak, server.memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    try:
        transfer(server, size, False)
        seconds = time.perf_counter() - began
    finally:
        over.set()
        watcher.join()
    return size / _MIB / seconds, max(peak - idle, 0)


def _download(target: str, server: Server, size: int, check: bool) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        received, seen = _head(connection)
        if f"content-length: {size}" not in received.lower():
            raise SystemExit(f"{server.name}: {received}")
        checked = zlib.crc32(seen) if check else 0
        count = len(seen)
        while got := connection.recv_into(_BUFFER):
            count += got
            if check:
                checked = zlib.crc32(memoryview(_BUFFER)[:got], checked)
    if count != size or (check and checked != _sum(size)):
        raise SystemExit(f"{server.name}: {count} of {size} bytes, or other ones, came")


def _upload(server: Server, size: int, check: bool) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"POST /upload{'?check' if check else ''} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
        connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
        block = PART * 16
        for _ in range(size // len(block)):
            connection.sendall(block)
        _, body = _head(connection)
        while got := connection.recv(4096):
            body += got
    if json.loads(body) != {"size": size, "check": _sum(size) if check else 0}:
        raise SystemExit(f"{server.name}: {body!r} of {size} bytes")


TRANSFERS: Final = {
    "upload": _upload,
    "generator, parts of 64 KiB": lambda s, n, c: _download(
        f"/generator/{n // 65536}/65536", s, n, c
    ),
    "generator, parts of 8 KiB": lambda s, n, c: _download(f"/generator/{n // 8192}/8192", s, n, c),
    "send_file": lambda s, n, c: _download("/file", s, n, c),
}


def _head(connection: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        got = connection.recv(4096)
        if not got:
            raise SystemExit(f"the answer ends in its head: {data!r}")
        data += got
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def _sum(size: int) -> int:
    check = 0
    for _ in range(size // len(PART)):
        check = zlib.crc32(PART, check)
    return check


def _servers(folder: Path) -> dict[str, AbstractContextManager[Server]]:
    peer, app = free_port(), "benchmarks.bulk_app:app"
    gunicorn = ["gunicorn", app, "-b", f"127.0.0.1:{peer}", "-k", "gthread", "--threads", "40"]
    gunicorn += ["--no-control-socket", "--log-level", "warning"]
    kinds = {
        "in process": (app,),
        "a2wsgi": (app, "--wsgi-bridge", "a2wsgi"),
        "process": (f"process:{app}",),
        "remote": (f"http://127.0.0.1:{peer}",),
    }
    return {
        _PEER: started(_PEER, peer, gunicorn, folder, "/json"),
        **{name: _gateway(name, folder, *flags) for name, flags in kinds.items()},
    }


@contextmanager
def _gateway(name: str, folder: Path, legacy: str, *flags: str) -> Iterator[Server]:
    own, port = folder / name.replace(" ", "-"), free_port()
    own.mkdir()
    (own / FILE).symlink_to(folder / FILE)
    (own / "traffic.yaml").write_text(_PLAN)
    command = ["gateway.cli", "serve", "--port", str(port), "--access-log", "", "--legacy", legacy]
    command += ["--body-limit", str(1 << 40), *flags]
    with started(name, port, command, own, "/json") as server:
        yield server


def _report(servers: list[Server], results: Results, options: argparse.Namespace) -> None:
    print(f"Python {platform.python_version()}, {options.mebibytes} MiB, {options.rounds} rounds\n")
    print("| transfer | server | MiB/s | of gunicorn | memory above idle |\n|---|---|---|---|---|")
    for name in TRANSFERS:
        base = [speed for speed, _ in results[name, _PEER]]
        for server in servers:
            speeds = [speed for speed, _ in results[name, server.name]]
            ratio = statistics.median(s / b for s, b in zip(speeds, base, strict=True))
            memory = max(memory for _, memory in results[name, server.name]) / _MIB
            median = statistics.median(speeds)
            print(f"| {name} | {server.name} | {median:.0f} | {ratio:.2f} | {memory:.0f} MiB |")


if __name__ == "__main__":
    main()
