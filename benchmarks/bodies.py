"""What bodies of 0 bytes to 16 MiB cost, up and down, beside the apps' own servers.

    python -m benchmarks.bodies
    python -m benchmarks.bodies --sizes 0 65536 --rounds 7

Four connections ask one after the other; a round is a fixed number of requests. The apps take and give
bytes as a whole, as an ordinary endpoint does: streams are measured by `benchmarks.bulk`. Reported is the
CPU time of the server's processes (of the remote stack's, too) and throughput; ratios are medians over
rounds. Lengths are checked always, contents of uploads in the first round, of downloads always.
"""

import argparse
import http.client
import json
import random
import statistics
import tempfile
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.bodies_app import CONTENT
from benchmarks.page import keep, measured
from benchmarks.servers import Server
from benchmarks.subjects import gateway, gunicorn, uvicorn

_APP: Final = "benchmarks.bodies_app"
_ROUTES: Final = ("GET /down", "POST /up")
_SIZES: Final = [0, 1 << 10, 1 << 16, 1 << 20, 16 << 20]
_CONNECTIONS: Final = 4
_ENOUGH: Final = 16 << 20  # bytes of one round, if that is not more than `_MOST` requests
_MOST: Final = 240  # requests of one round
_MIB: Final = 1 << 20
_LARGE: Final = 1 << 16  # bytes, from which on throughput tells more than the number of requests
_UVICORN, _GUNICORN = "uvicorn + FastAPI", "gunicorn gthread + Flask"
_MODERN, _LEGACY = "gateway, 100 % modern", "gateway, 0 % (Flask)"
_REMOTE: Final = "gateway, remote FastAPI"
_PEERS: Final = {_MODERN: _UVICORN, _REMOTE: _UVICORN, _LEGACY: _GUNICORN}

Raw = dict[str, dict[str, list[tuple[float, float]]]]  # seconds and CPU µs of a request


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of request."""

    way: str  # up or down
    size: int  # bytes of the body

    @property
    def name(self) -> str:
        return f"{self.way}, {_written(self.size)}"

    @property
    def requests(self) -> int:
        """Of one connection in one round."""
        return max(1, min(_MOST, _ENOUGH // (self.size or 1)) // _CONNECTIONS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=_SIZES, help="bytes; 16 MiB at most"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="the tables, in docs/performance.md")
    options = parser.parse_args()
    kinds = [Kind(way, size) for way in ("down", "up") for size in options.sizes]
    with ExitStack() as stack:
        servers = _started(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        raw = _measure(servers, kinds, options.rounds)
    markdown = _markdown(raw, kinds)
    print(markdown)
    if options.keep:
        keep("bodies", raw, markdown)


def _started(stack: ExitStack, folder: Path) -> dict[str, list[Server]]:
    """Each with the servers that work for it: its own, and the one behind it."""
    legacy, modern = f"{_APP}:legacy", f"{_APP}:modern"
    here = ("--legacy", legacy, "--modern", modern)
    bare = stack.enter_context(uvicorn(folder, modern))
    peer = stack.enter_context(gunicorn(folder, legacy))
    there = (*here, "--modern", f"http://127.0.0.1:{bare.port}")
    return {
        _UVICORN: [bare],
        _MODERN: [stack.enter_context(gateway(_MODERN, folder, 100, *here, routes=_ROUTES))],
        _REMOTE: [stack.enter_context(gateway(_REMOTE, folder, 100, *there, routes=_ROUTES)), bare],
        _GUNICORN: [peer],
        _LEGACY: [stack.enter_context(gateway(_LEGACY, folder, 0, *here, routes=_ROUTES))],
    }


def _measure(servers: dict[str, list[Server]], kinds: list[Kind], rounds: int) -> Raw:
    raw: Raw = {kind.name: defaultdict(list) for kind in kinds}
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        for kind in kinds:
            for those in servers.values():  # contents are checked, and everything is warm
                _round(pool, those, kind, check=True)
        for _ in range(rounds):
            for kind in random.sample(kinds, len(kinds)):
                for name in random.sample(list(servers), len(servers)):
                    raw[kind.name][name].append(_round(pool, servers[name], kind, check=False))
    return raw


def _round(
    pool: ThreadPoolExecutor, servers: list[Server], kind: Kind, *, check: bool
) -> tuple[float, float]:
    before, began = sum(server.cpu() for server in servers), time.perf_counter()
    runs = [pool.submit(_connection, servers[0], kind, check) for _ in range(_CONNECTIONS)]
    for run in runs:
        run.result()
    seconds = time.perf_counter() - began
    requests = kind.requests * _CONNECTIONS
    spent = sum(server.cpu() for server in servers) - before
    return seconds / requests, spent / requests / 1000


def _connection(server: Server, kind: Kind, check: bool) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    content = CONTENT[: kind.size]
    for _ in range(kind.requests):
        if kind.way == "down":
            _ask(connection, "GET", f"/down?size={kind.size}")
            good = _body(connection, server) == content
        else:
            _ask(connection, "POST", "/up?check=1" if check else "/up", content)
            told = {"size": kind.size, "check": zlib.crc32(content) if check else 0}
            good = json.loads(_body(connection, server)) == told
        if not good:
            raise SystemExit(f"{server.name}: a wrong answer, {kind.name}")
    connection.close()


def _ask(
    connection: http.client.HTTPConnection, method: str, target: str, body: bytes | None = None
) -> None:
    headers = {"X-API-Key": str(random.randrange(1000)), "Content-Type": "application/octet-stream"}
    connection.request(method, target, body, headers)


def _body(connection: http.client.HTTPConnection, server: Server) -> bytes:
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200 or answer.will_close:
        raise SystemExit(f"{server.name}: {answer.status} {body[:200]!r}")
    return body


def _markdown(raw: Raw, kinds: list[Kind]) -> str:
    return "\n".join([*_costs(raw, kinds), "", *_speeds(raw, kinds), "", measured()])


def _costs(raw: Raw, kinds: list[Kind]) -> Iterator[str]:
    names = (_UVICORN, _MODERN, _REMOTE, _GUNICORN, _LEGACY)
    yield f"| CPU µs per request | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for kind in kinds:
        costs = [statistics.median(cpu for _, cpu in raw[kind.name][name]) for name in names]
        yield f"| {kind.name} | {' | '.join(f'{cost:.0f}' for cost in costs)} |"


def _speeds(raw: Raw, kinds: list[Kind]) -> Iterator[str]:
    """Throughput and, for the gateway, its ratio to the peer's of the same rounds."""
    head = " | ".join(f"{name} | of {peer.split()[0]}" for name, peer in _PEERS.items())
    yield f"| requests/s, MiB/s | {_UVICORN} | {_GUNICORN} | {head} |"
    yield f"|---|{'---|' * (2 + 2 * len(_PEERS))}"
    for kind in kinds:
        rounds = raw[kind.name]
        cells = [_speed(kind, rounds[_UVICORN]), _speed(kind, rounds[_GUNICORN])]
        for name, peer in _PEERS.items():
            cells += [_speed(kind, rounds[name]), _ratio(rounds[name], rounds[peer])]
        yield f"| {kind.name} | {' | '.join(cells)} |"


def _speed(kind: Kind, rounds: list[tuple[float, float]]) -> str:
    rate = 1 / statistics.median(seconds for seconds, _ in rounds)
    return f"{rate:.0f}/s" if kind.size < _LARGE else f"{rate * kind.size / _MIB:.0f} MiB/s"


def _ratio(rounds: list[tuple[float, float]], peers: list[tuple[float, float]]) -> str:
    ratios = [peer / own for (own, _), (peer, _) in zip(rounds, peers, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _written(size: int) -> str:
    if size < 1024:
        return f"{size} B"
    return f"{size >> 10} KiB" if size < _MIB else f"{size >> 20} MiB"


if __name__ == "__main__":
    main()
