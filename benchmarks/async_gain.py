"""What asynchronous services gain: `python -m benchmarks.async_gain`.

The same endpoints over exchanges that take `--latency` milliseconds a call, in four ways side by side:
the trading system's FastAPI app with its asynchronous services; the same app with `def` endpoints in
anyio's 40 threads, whose calls block, one after the other; the Flask app under gunicorn with 40 threads
over the same blocking services; and the Flask app as it is, in 40 threads over the asynchronous ones.

One process each. Rounds go through endpoints, numbers of clients and servers in random order, the first
with a rising number of clients: what that takes of threads and memory is its own. Medians are reported.
"""

import argparse
import json
import random
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import anyio

from benchmarks import page
from benchmarks.gain.closed_loop import Generator, Task, generator
from benchmarks.gain.endpoints import AGGREGATE, SNAPSHOT, STATUS, TICKER, ZONES, Endpoint
from benchmarks.gain.rounds import FASTAPI, FASTAPI_THREADS, FLASK_ASYNC, FLASK_THREADS, Rounds, Row
from benchmarks.gain.tables import markdown
from benchmarks.gain.wiring import THREADS, World, prepare
from benchmarks.ports import free_port
from benchmarks.servers import Server, started

CLIENTS: Final = (1, 8, 32, 100, 500)
PLAN: Final = {
    AGGREGATE: CLIENTS,
    STATUS: (1, 32, 500),
    TICKER: (1, 200),
    SNAPSHOT: (1, 32),
    ZONES: (1, 32),
}
_APPS: Final = "benchmarks.gain.apps"
_IDLE: Final = "600"  # seconds that a connection may be idle: longer than all rounds
_UVICORN: Final = [
    *("uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log"),
    *("--log-level", "warning", "--timeout-keep-alive", _IDLE, "--port", "{port}", "--factory"),
]
_GUNICORN: Final = [
    *("gunicorn", "--worker-class", "gthread", "--threads", str(THREADS)),
    *("--log-level", "warning", "--keep-alive", _IDLE, "--bind", "127.0.0.1:{port}"),
]
_SERVERS: Final = {
    FASTAPI: [*_UVICORN, f"{_APPS}:fastapi_async"],
    FASTAPI_THREADS: [*_UVICORN, f"{_APPS}:fastapi_threads"],
    FLASK_THREADS: [*_GUNICORN, f"{_APPS}:flask_threads()"],
    FLASK_ASYNC: [*_GUNICORN, f"{_APPS}:flask_async()"],
}
_TYPE: Final = "application/json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=30, help="milliseconds a call")
    parser.add_argument("--venues", type=int, default=3, help="exchanges that have order books")
    parser.add_argument("--seconds", type=float, default=0.2, help="measured in a round, at least")
    parser.add_argument("--keep", action="store_true", help="in docs/performance.md, with plots")
    options = parser.parse_args()
    found = measure(options)
    text = markdown(found)
    if not options.keep:
        print(text)
        return
    from benchmarks.gain import plots  # noqa: PLC0415 - matplotlib takes a second

    plots.draw(found, plots.FOLDER)
    page.keep("async-gain", asdict(found), text)


def measure(options: argparse.Namespace) -> Rounds:
    rows: list[Row] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = []
        for number, name in enumerate(_SERVERS):
            world = World(folder / f"{number}.db", options.venues, options.latency / 1000)
            servers.append(stack.enter_context(_started(name, folder, world)))
        load, answers = stack.enter_context(generator()), _answers(servers)
        bench = Bench(load, servers, answers, options.seconds)
        idle = {one.name: (one.threads(), one.memory()) for one in servers}
        bench.open()
        for number in range(options.rounds):
            for asked, clients in _order(rising=number == 0):
                rows += bench.round(asked, clients)
    return Rounds(options.latency, options.venues, idle, rows)


def _order(*, rising: bool) -> list[tuple[Endpoint, int]]:
    """What one round goes through."""
    pairs = [(asked, clients) for asked in PLAN for clients in PLAN[asked]]
    mixed = random.sample(pairs, len(pairs))
    return sorted(mixed, key=lambda pair: pair[1]) if rising else mixed


@dataclass(frozen=True, slots=True)
class Bench:
    """All servers and the load; `answers` are bodies by the names of server and endpoint."""

    load: Generator
    servers: Sequence[Server]
    answers: Mapping[tuple[str, str], str]
    seconds: float

    def open(self) -> None:
        """Connect all clients to each server, at its cheapest endpoint, and warm it up."""
        for server in self.servers:
            self.load.run(self._task(server, STATUS, max(CLIENTS)))

    def round(self, asked: Endpoint, clients: int) -> Iterator[Row]:
        """Each server, in random order."""
        for server in random.sample(self.servers, len(self.servers)):
            before = _cpu(server)
            found = self.load.run(self._task(server, asked, clients))
            yield Row(
                server=server.name,
                endpoint=asked.name,
                clients=clients,
                rate=found.rate,
                p50=found.p50,
                p99=found.p99,
                cpu=(_cpu(server) - before) / found.answers / 1000,
                threads=server.threads(),
                memory=server.memory(),
            )

    def _task(self, server: Server, asked: Endpoint, clients: int) -> Task:
        body = self.answers[server.name, asked.name]
        return Task(server.port, _request(asked), body, clients, self.seconds)


def _cpu(server: Server) -> int:
    """Nanoseconds that its processes have run, with all threads that have ended."""
    # Linux's clock of another process (CPUCLOCK_SCHED), for which Python has no name
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in server.pids())


@contextmanager
def _started(name: str, folder: Path, world: World) -> Iterator[Server]:
    anyio.run(prepare, world)
    port = free_port()
    command = [part.format(port=port) for part in _SERVERS[name]]
    with started(name, port, command, folder, STATUS.target, **world.environment) as server:
        yield server


def _answers(servers: Sequence[Server]) -> dict[tuple[str, str], str]:
    """What each server answers, byte by byte; raises SystemExit if they do not mean the same."""
    answers = {(one.name, asked.name): _answer(one, asked) for asked in PLAN for one in servers}
    for asked in PLAN:
        meant = [json.loads(answers[one.name, asked.name]) for one in servers]
        if any(one != meant[0] for one in meant):
            raise SystemExit(f"{asked.name}: the servers answer differently")
    return answers


def _answer(server: Server, asked: Endpoint) -> str:
    url = f"http://127.0.0.1:{server.port}{asked.target}"
    request = urllib.request.Request(url, asked.body or None, {"Content-Type": _TYPE})
    with urllib.request.urlopen(request, timeout=20) as answer:
        body: bytes = answer.read()
    return body.decode("latin-1")


def _request(asked: Endpoint) -> str:
    lines = [f"{asked.method} {asked.target} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*"]
    if asked.body:
        lines += [f"Content-Type: {_TYPE}", f"Content-Length: {len(asked.body)}"]
    return "\r\n".join([*lines, "", asked.body.decode()])


if __name__ == "__main__":
    main()
