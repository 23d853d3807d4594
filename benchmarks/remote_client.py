"""Ways to ask a remote stack, side by side: `python -m benchmarks.remote_client [--keep]`.

Ours (an asyncio transport with a pool of its own), aiohttp, httpx and a bare socket ask the same GET of the
same server, at 32 concurrent, in one process and one interleaved run; ours does besides all that forwarding
needs. The cost is this process's CPU time, so the server's is not in it; reported are medians over rounds.
"""

import argparse
import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp
import httpx
import uvloop

from benchmarks.page import keep, measured
from gateway.settings import Settings
from gateway.stacks.address import Remote
from gateway.stacks.process.envelope import Envelope
from gateway.stacks.remote.connection import Connection
from gateway.stacks.remote.forwarded import Forwarded
from gateway.stacks.remote.http import HTTPStack
from gateway.stacks.remote.pool import Pool
from gateway.stacks.remote.reach import connector
from gateway.stacks.remote.request import Introduce

_BODY: Final = b'{"hello":"world"}'
_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_HEADERS: Final = [
    (b"host", b"127.0.0.1"),
    (b"user-agent", b"bench/1"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"cookie", b"theme=dark; sid=1"),
    (b"x-api-key", b"client-1"),
]
_SHARES: Final = {"httpx": 8}  # what is slow asks that much less in a round
_OURS: Final = "**ours**, as an ASGI app"
Ask = Callable[[], Awaitable[bytes]]
Rounds = dict[str, list[tuple[float, float]]]
"""CPU and wall time, in µs for one request, of each round."""


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where the server listens."""

    port: int
    path: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--requests", type=int, default=3200, help="requests of one round")
    parser.add_argument("--concurrent", type=int, default=32)
    parser.add_argument("--keep", action="store_true", help="write into docs/performance.md")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(_serve(options.serve))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/stack.sock"
        command = [sys.executable, "-m", "benchmarks.remote_client", "--serve", path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None
                stand = _Stand(int(server.stdout.readline()), path)
                found = uvloop.run(_compare(stand, options))
            finally:
                server.kill()
    table = _table(found, options.concurrent)
    print(table)
    if options.keep:
        keep("remote-client", found, f"{table}\n\n{measured()}")


async def _compare(stand: _Stand, options: argparse.Namespace) -> Rounds:
    port, concurrent = stand.port, options.concurrent
    forwarded = Forwarded(Settings().trusted_proxies)
    ours, pool = _ours(Remote("", "127.0.0.1", port), concurrent, forwarded)
    nearer, socket_pool = _ours(Remote("", path=stand.path), concurrent, Envelope())
    theirs, session = _aiohttp(port, concurrent)
    bare = await _bare(port, concurrent)
    async with session, _httpx(concurrent) as client:
        asks: dict[str, Ask] = {
            "a bare socket, no HTTP": bare,
            _OURS: ours,
            "ours, on the unix socket of a `process:` stack": nearer,
            f"aiohttp {aiohttp.__version__}": theirs,
            f"httpx {httpx.__version__}": partial(_through, client, port),
        }
        found = await _measure(asks, options)
    pool.close()
    socket_pool.close()
    return found


async def _measure(asks: dict[str, Ask], options: argparse.Namespace) -> Rounds:
    concurrent = options.concurrent
    requests = {
        name: options.requests // _SHARES.get(name.partition(" ")[0], 1) // concurrent * concurrent
        for name in asks
    }
    for name, ask in asks.items():
        await _round(ask, max(requests[name] // 4, concurrent), concurrent)  # warm-up
    found: Rounds = {name: [] for name in asks}
    for _ in range(options.rounds):
        for name in random.sample(list(asks), len(asks)):
            found[name].append(await _round(asks[name], requests[name], concurrent))
    return found


async def _round(ask: Ask, requests: int, concurrent: int) -> tuple[float, float]:
    async def one() -> None:
        for _ in range(requests // concurrent):
            answer = await ask()
            if answer != _BODY:
                raise SystemExit(f"a wrong answer: {answer!r}")

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(concurrent)))
    asked = requests // concurrent * concurrent
    return (
        (time.process_time() - cpu) / asked * 1e6,
        (time.perf_counter() - wall) / asked * 1e6,
    )


def _table(found: Rounds, concurrent: int) -> str:
    lines = [
        f"| {concurrent} concurrent | CPU µs per request | min to max | times ours | wall µs |",
        "|---|---|---|---|---|",
    ]
    for name, rounds in found.items():
        cpu = sorted(cpu for cpu, _ in rounds)
        ratios = [a / b for (a, _), (b, _) in zip(rounds, found[_OURS], strict=True)]
        wall = statistics.median(wall for _, wall in rounds)
        lines.append(
            f"| {name} | {statistics.median(cpu):.0f} | {cpu[0]:.0f} to {cpu[-1]:.0f} "
            f"| {statistics.median(ratios):.2f} | {wall:.0f} |"
        )
    return "\n".join(lines)


async def _bare(port: int, concurrent: int) -> Ask:
    """What the system takes for writing a request and reading an answer: nobody can be below that."""
    loop = asyncio.get_running_loop()
    free = [
        (await loop.create_connection(_Socket, "127.0.0.1", port))[1] for _ in range(concurrent)
    ]
    lines = b"".join(b"%b: %b\r\n" % header for header in _HEADERS)
    request = b"GET /json HTTP/1.1\r\n" + lines + b"\r\n"

    async def ask() -> bytes:
        one = free.pop()
        one.answer = loop.create_future()
        one.transport.write(request)
        answer = await one.answer
        free.append(one)
        return answer[-len(_BODY) :]

    return ask


def _ours(address: Remote, concurrent: int, introduce: Introduce) -> tuple[Ask, Pool]:
    settings = Settings()
    dial = connector(address, settings.connect_timeout)
    pool = Pool(partial(dial, Connection), concurrent)
    stack = HTTPStack("legacy", pool, introduce, settings)
    waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def ask() -> bytes:
        parts = []

        async def receive() -> dict[str, Any]:
            return await waiting

        async def send(message: Any) -> None:
            if message.get("status", 200) != 200:
                raise SystemExit(f"a wrong status: {message['status']}")
            parts.append(message.get("body", b""))

        await stack(_scope(), receive, send)
        return b"".join(parts)

    return ask, pool


def _scope() -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/json",
        "raw_path": b"/json",
        "query_string": b"",
        "headers": _HEADERS,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def _aiohttp(port: int, concurrent: int) -> tuple[Ask, Any]:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrent),
        auto_decompress=False,
        headers={name.decode(): value.decode() for name, value in _HEADERS},
    )
    url = f"http://127.0.0.1:{port}/json"

    async def ask() -> bytes:
        async with session.get(url, allow_redirects=False) as answer:
            return await answer.read()

    return ask, session


def _httpx(concurrent: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=concurrent, max_keepalive_connections=concurrent)
    return httpx.AsyncClient(limits=limits, headers=_HEADERS)


async def _through(client: httpx.AsyncClient, port: int) -> bytes:
    async with client.stream("GET", f"http://127.0.0.1:{port}/json") as answer:
        return b"".join([part async for part in answer.aiter_raw()])


class _Socket(asyncio.Protocol):
    """Takes what comes for an answer."""

    answer: asyncio.Future[bytes]

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.answer.set_result(data)


class _Server(asyncio.Protocol):
    """As little as answers."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))


async def _serve(path: str) -> None:
    loop = asyncio.get_running_loop()
    near = await loop.create_unix_server(_Server, path)  # whom nobody holds, the collector closes
    server = await loop.create_server(_Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.gather(near.serve_forever(), server.serve_forever())


if __name__ == "__main__":
    main()
