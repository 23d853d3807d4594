"""A load at a fixed rate, in a process of its own: `python -m benchmarks.peers.steady --help`.

Requests are due at even distances, whatever the answers do, and each one's time counts from when it was
due: one that has to wait for a free connection has waited (wrk, hey and h2load count from when they send:
a slow answer then delays the requests that would have shown it). h2load's rate is fixed, too, but its
requests are all the same, and a split needs many clients. Every answer is looked at.
"""

import argparse
import gc
import json
import os
import random
import select
import socket
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from benchmarks.peers.load import CLIENTS, CONNECTIONS

_STATUS: Final = b"HTTP/1.1 200 "
_BODIES: Final = {  # FastAPI ends its JSON without a line's end
    b'{"stack":"fastapi"}': "fastapi",
    b'{"stack":"flask"}\n': "flask",
    b'{"hello":"world"}': "fastapi",
    b'{"hello":"world"}\n': "flask",
}
_WARM: Final = 0.3  # seconds whose answers are not counted
_PATIENCE: Final = 5.0  # seconds after the last request
_REQUEST: Final = (
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n"
    "Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nCookie: theme=dark; sid=7\r\n"
    "X-API-Key: client-%d\r\n\r\n"
)
Target = tuple[int, str]  # port and path


@dataclass(slots=True)
class Connection:
    """One that carries one request at a time."""

    socket: socket.socket
    port: int
    due: float = 0.0
    received: bytes = b""


@dataclass(slots=True)
class Offer:
    """Requests that are offered to `targets` in turn; what came of them."""

    targets: tuple[Target, ...]
    rate: float  # requests a second
    seconds: float
    # Milliseconds of each counted answer, by stack, and after its time that each request was sent
    times: dict[str, list[float]] = field(default_factory=lambda: {"fastapi": [], "flask": []})
    late: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Raises SystemExit if an answer is wrong or does not come."""
        first, total = random.randrange(CLIENTS), int(self.rate * (self.seconds + _WARM))
        loop = _Loop.open(self.targets)
        began, sent, answered = time.perf_counter() + 0.05, 0, 0
        warm = began + _WARM
        end = began + total / self.rate + _PATIENCE
        while answered < total:
            now = time.perf_counter()
            due = began + sent / self.rate
            while sent < total and due <= now and self._send(loop, sent, first, due):
                sent += 1
                due = began + sent / self.rate
            if now > end:
                raise SystemExit(f"{total - answered} answers did not come: {loop.unfinished()}")
            pause = max(due - time.perf_counter(), 0.0) if sent < total and due > now else 0.1
            for done, stack in loop.answers(pause):
                answered += 1
                if done.due >= warm:
                    self.times[stack].append((time.perf_counter() - done.due) * 1000)

    def _send(self, loop: "_Loop", number: int, first: int, due: float) -> bool:
        port, path = self.targets[number % len(self.targets)]
        free = loop.free[port]
        if not free:
            return False
        connection = free.popleft()
        connection.due, connection.received = due, b""
        request = _REQUEST % (path, port, (first + number) % CLIENTS)
        connection.socket.send(request.encode())
        self.late.append((time.perf_counter() - due) * 1000)
        return True


@dataclass(slots=True)
class _Loop:
    """Keep-alive connections. `select` waits for them: its timeout is exact, epoll's whole milliseconds."""

    epoll: select.epoll
    connections: dict[int, Connection]  # by descriptor
    free: dict[int, deque[Connection]]  # by port

    @classmethod
    def open(cls, targets: tuple[Target, ...]) -> "_Loop":
        ports = {port for port, _ in targets}
        loop = cls(select.epoll(), {}, {port: deque() for port in ports})
        for port in ports:
            for _ in range(CONNECTIONS // len(ports)):
                opened = socket.create_connection(("127.0.0.1", port))
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                loop.epoll.register(opened.fileno(), select.EPOLLIN)
                connection = loop.connections[opened.fileno()] = Connection(opened, port)
                loop.free[port].append(connection)
        return loop

    def answers(self, pause: float) -> list[tuple[Connection, str]]:
        """The connections whose answer is complete and who gave it, after at most `pause` seconds."""
        if not select.select([self.epoll], [], [], pause)[0]:
            return []
        found = []
        for descriptor, _ in self.epoll.poll(0):
            connection = self.connections[descriptor]
            stack = read(connection)
            if stack is not None:
                self.free[connection.port].append(connection)
                found.append((connection, stack))
        return found

    def unfinished(self) -> list[bytes]:
        idle = {id(one) for free in self.free.values() for one in free}
        return [one.received[-200:] for one in self.connections.values() if id(one) not in idle]


def read(connection: Connection) -> str | None:
    """The stack, once its answer is there to its end. Raises SystemExit if it is wrong."""
    got = connection.socket.recv(65536)
    connection.received += got
    received = connection.received
    _, _, body = received.partition(b"\r\n\r\n")
    if not got or not received.startswith(_STATUS[: len(received)]):
        raise SystemExit(f"a wrong answer: {received!r}")
    if body in _BODIES:
        return _BODIES[body]
    if not any(right.startswith(body) for right in _BODIES):
        raise SystemExit(f"a wrong answer: {received!r}")
    return None


def percentile(times: list[float], percent: float) -> float:
    """By the nearest rank."""
    return sorted(times)[max(ceil(len(times) * percent / 100) - 1, 0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("targets", nargs="+", help="PORT/PATH, in turn")
    options = parser.parse_args()
    parts = [target.partition("/") for target in options.targets]
    targets = tuple((int(port), f"/{path}") for port, _, path in parts)
    gc.disable()
    with suppress(
        PermissionError
    ):  # clients are elsewhere: the servers do not keep them from asking
        os.nice(-10)
    offer = Offer(targets, options.rate, options.seconds)
    offer.run()
    json.dump({"times": offer.times, "late": offer.late}, sys.stdout)


if __name__ == "__main__":
    main()
