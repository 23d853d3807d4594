"""One large upload and one large download through each kind of stack, beside gunicorn with the same app.

    python -m benchmarks.bulk
    python -m benchmarks.bulk --mebibytes 1024 --servers a2wsgi

All servers run at once; rounds go through them in random order. Reported: throughput (median), its ratio
to gunicorn's of the same round (median), and the most memory that the server's processes had above what
they had before the first transfer. Small parts come as answers of 4 096 parts of 1 KiB, an eighth of the
bytes in all. Lengths are checked in every round, contents in the first.
"""

import argparse
import json
import random
import socket
import statistics
import sys
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
from benchmarks.page import keep, measured
from benchmarks.ports import free_port
from benchmarks.servers import Program, Server, running, started
from benchmarks.target import Target

_MIB: Final = 1 << 20
_SMALL, _PARTS = 1024, 4096  # bytes of a small part, and parts of an answer of them
_SHARE: Final = 8  # of the size is as much as small parts carry: they are slow
_PEER: Final = "gunicorn gthread"
_OURS: Final = "in process"
_DEFAULT: Final = (_OURS, "process", "remote")
_NAMES: Final = (_PEER, *_DEFAULT, "a2wsgi")
_TARGET: Final = 0.8  # of gunicorn's throughput
_PLAN: Final = "phase: parallel\n"
_BUFFER: Final = bytearray(_MIB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mebibytes", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--servers", nargs="*", default=_DEFAULT, help="or a2wsgi, beside gunicorn")
    parser.add_argument("--keep", action="store_true", help="the table, in docs/performance.md")
    options = parser.parse_args()
    size = options.mebibytes * _MIB
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        with (folder / FILE).open("wb") as file:
            for _ in range(size // len(PART)):
                file.write(PART)
        servers = [
            stack.enter_context(server)
            for name, server in _servers(folder).items()
            if name in {_PEER, *options.servers}
        ]
        raw = _measure(servers, size, options.rounds)
    markdown = _markdown(raw, options)
    print(markdown)
    if options.keep:
        keep("bulk", raw, markdown)


Transfer = Callable[[Server, int, bool], None]
Rounds = dict[str, list[tuple[float, int]]]  # of each server: MiB/s, bytes of memory above idle
Raw = dict[str, Rounds]


def targets(raw: Raw) -> list[Target]:
    return [
        Target(
            "P9",
            f"{name}, in process, of gunicorn's MiB/s",
            f"≥ {_TARGET}",
            f"{got:.2f}",
            got >= _TARGET,
        )
        for name in _TARGETS
        for got in [_ratio(raw[name], _OURS)]
    ]


def _measure(servers: list[Server], size: int, rounds: int) -> Raw:
    raw: Raw = {name: defaultdict(list) for name in TRANSFERS}
    idle = {server.name: server.memory() for server in servers}
    for name, transfer in TRANSFERS.items():
        for server in servers:  # contents are checked once, and everything is warm
            transfer(server, size, True)
        for _ in range(rounds):
            for server in random.sample(servers, len(servers)):
                found = _one(server, transfer, size, idle[server.name])
                raw[name][server.name].append((_carried(name, size) / _MIB / found[0], found[1]))
    return raw


def _carried(name: str, size: int) -> int:
    """Bytes that a transfer moves."""
    return size // _SHARE if name == _SMALL_PARTS else size


def _one(server: Server, transfer: Transfer, size: int, idle: int) -> tuple[float, int]:
    """Seconds, and bytes of memory above idle."""
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
    return seconds, max(peak - idle, 0)


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


def _small_parts(server: Server, size: int, check: bool) -> None:
    for _ in range(size // _SHARE // (_PARTS * _SMALL)):
        _download(f"/generator/{_PARTS}/{_SMALL}", server, _PARTS * _SMALL, check)


_SMALL_PARTS: Final = "generator, 4 096 parts of 1 KiB"
_TARGETS: Final = ("upload", _SMALL_PARTS, "send_file")
TRANSFERS: Final[dict[str, Transfer]] = {
    "upload": _upload,
    "generator, parts of 64 KiB": lambda s, n, c: _download(
        f"/generator/{n // 65536}/65536", s, n, c
    ),
    "generator, parts of 8 KiB": lambda s, n, c: _download(f"/generator/{n // 8192}/8192", s, n, c),
    _SMALL_PARTS: _small_parts,
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
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", str(port)]
    command += ["--access-log", "", "--legacy", legacy, "--body-limit", str(1 << 40), *flags]
    program = Program(command, own, log=own / "banyan.log")
    with running(name, port, program, "/json") as server:
        yield server


def _markdown(raw: Raw, options: argparse.Namespace) -> str:
    lines = [
        f"{options.mebibytes} MiB, {options.rounds} rounds:\n",
        "| transfer | server | MiB/s | of gunicorn (min to max) | memory above idle |",
        "|---|---|---|---|---|",
    ]
    for name, servers in raw.items():
        lines += [_row(name, server, servers) for server in _NAMES if server in servers]
    return "\n".join([*lines, "", measured()])


def _row(name: str, server: str, servers: Rounds) -> str:
    ratios = _ratios(servers, server)
    speed = statistics.median(speed for speed, _ in servers[server])
    memory = max(memory for _, memory in servers[server]) / _MIB
    ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return f"| {name} | {server} | {speed:.0f} | {ratio} | {memory:.0f} MiB |"


def _ratio(servers: Rounds, server: str) -> float:
    return statistics.median(_ratios(servers, server))


def _ratios(servers: Rounds, server: str) -> list[float]:
    """Of throughput, to gunicorn's in the same round."""
    pairs = zip(servers[server], servers[_PEER], strict=True)
    return [own / peer for (own, _), (peer, _) in pairs]


if __name__ == "__main__":
    main()
