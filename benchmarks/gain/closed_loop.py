"""A load generator in a process of its own: so many clients, each with one request at a time.

It reads a `Task` a line, as JSON, and writes what it found. Each client asks again as soon as it is
answered. Measured is what is answered after every client had its first answer, when as many requests
are under way as there are clients, up to a whole number of answers for each. In the end what was asked
is waited for: no round leaves work to the next. Each answer is compared, byte by byte.

Connections stay open from task to task. They are opened one after the other, each with a request:
gunicorn gives a thread to each new connection until it has asked, and uvloop accepts one connection in
each turn of its loop, so that a loop under load takes seconds to accept hundreds.
"""

import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from time import perf_counter
from typing import IO, Final, cast

import uvloop

from benchmarks.servers import ROOT

PATIENCE: Final = 60.0  # seconds for one task
FEWEST: Final = 3  # answers that are measured


@dataclass(frozen=True, slots=True)
class Task:
    """`request` and the `body` it must be answered with, as latin-1; measured for `seconds`."""

    port: int
    request: str
    body: str
    clients: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """Answers a second and their latencies in ms, while it was measured; `answers` are all of them."""

    rate: float
    p50: float
    p99: float
    measured: int
    answers: int


class WrongAnswer(Exception):
    """Not what was expected."""


class Generator:
    """The process, from the side that gives it tasks."""

    def __init__(self, tasks: IO[str], found: IO[str]) -> None:
        self._tasks = tasks
        self._found = found

    def run(self, task: Task) -> Found:
        """Raises SystemExit if an answer was wrong or did not come."""
        self._tasks.write(json.dumps(asdict(task)) + "\n")
        self._tasks.flush()
        found = json.loads(self._found.readline() or '"the load generator has ended"')
        if isinstance(found, str):
            raise SystemExit(f"{task.clients} clients, {task.request.splitlines()[0]}: {found}")
        return Found(**found)


@contextmanager
def generator() -> Iterator[Generator]:
    command = [sys.executable, "-m", "benchmarks.gain.closed_loop"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        yield Generator(cast("IO[str]", process.stdin), cast("IO[str]", process.stdout))
        cast("IO[str]", process.stdin).close()


@dataclass(slots=True)
class Measuring:
    """What all clients of one task share; times are those of `perf_counter`."""

    task: Task
    ended: asyncio.Future[None]
    warm: int = 0  # clients that had their first answer
    asked: int = 0
    answers: int = 0
    began: float = 0.0
    stopped: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def answered(self, latency: float, now: float, *, first: bool) -> None:
        self.answers += 1
        if self.began and not self.stopped:
            self.latencies.append(latency)
            if self._is_enough(now):
                self.stopped = now
        self.warm += first
        if self.warm == self.task.clients and not self.began:
            self.began = now
        if self.stopped and self.answers == self.asked and not self.ended.done():
            self.ended.set_result(None)

    def failed(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_exception(WrongAnswer(reason))

    def found(self) -> Found:
        ordered = sorted(self.latencies)
        p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
        rate = len(ordered) / (self.stopped - self.began)
        return Found(rate, p50, p99, len(ordered), self.answers)

    def _is_enough(self, now: float) -> bool:
        """Also for answers that come in bursts: only after a whole number of them for each client."""
        measured = len(self.latencies)
        whole = measured % self.task.clients == 0
        return whole and measured >= FEWEST and now - self.began >= self.task.seconds


class _Client(asyncio.Protocol):
    """One connection; it asks until its `measuring` has stopped."""

    def __init__(self, measuring: Measuring) -> None:
        self.measuring = measuring
        self._transport: asyncio.Transport | None = None
        self._request, self._body = b"", b""
        self._received = b""
        self._asked_at = 0.0
        self._first = True

    def begin(self, measuring: Measuring) -> None:
        self.measuring = measuring
        self._request = measuring.task.request.encode("latin-1")
        self._body = measuring.task.body.encode("latin-1")
        self._first = True
        self._ask()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self.measuring.failed("the server closed a connection")

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < min(_length(head), len(self._body)):
            return
        if body != self._body or not head.startswith(b"HTTP/1.1 200 "):
            self.measuring.failed(f"a wrong answer: {self._received!r}")
            return
        self._received = b""
        now = perf_counter()
        self.measuring.answered(now - self._asked_at, now, first=self._first)
        self._first = False
        if not self.measuring.stopped:
            self._ask()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _ask(self) -> None:
        if self._transport is not None:
            self.measuring.asked += 1
            self._asked_at = perf_counter()
            self._transport.write(self._request)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


class Load:
    """The clients of each port, and what they are given to do."""

    def __init__(self) -> None:
        self._clients: dict[int, list[_Client]] = defaultdict(list)

    async def run(self, task: Task) -> Found:
        """Raises WrongAnswer and TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            await self._open(task)
            measuring = Measuring(task, asyncio.get_running_loop().create_future())
            for client in self._clients[task.port][: task.clients]:
                client.begin(measuring)
            await measuring.ended
        return measuring.found()

    def close(self) -> None:
        for client in chain.from_iterable(self._clients.values()):
            client.close()

    async def _open(self, task: Task) -> None:
        loop, clients = asyncio.get_running_loop(), self._clients[task.port]
        while len(clients) < task.clients:
            measuring = Measuring(task, loop.create_future(), began=1.0, stopped=1.0)
            _, client = await loop.create_connection(
                partial(_Client, measuring), "127.0.0.1", task.port
            )
            clients.append(client)
            client.begin(measuring)
            await measuring.ended


async def _serve() -> None:
    load = Load()
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            found: object = asdict(await load.run(Task(**json.loads(line))))
        except (WrongAnswer, TimeoutError) as error:
            found = str(error) or f"not all answered within {PATIENCE:.0f} seconds"
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    uvloop.run(_serve())
