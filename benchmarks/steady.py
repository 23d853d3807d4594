"""A steady rate of requests over connections that stay; every answer is looked at."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Final

from benchmarks.peers.load import Wrong

_HEAD: Final = (
    b"GET /stack HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n"
    b"Accept-Encoding: gzip, deflate\r\nCookie: theme=dark; sid=7\r\nX-API-Key: client-%d\r\n\r\n"
)
_STACKS: Final = {b'{"stack":"fastapi"}': "modern", b'{"stack":"flask"}': "legacy"}
_CLIENTS: Final = 10_000


@dataclass(slots=True)
class Seen:
    """What the answers were since the beginning, and how late each was since somebody last took it."""

    answers: Counter[str] = field(default_factory=Counter)  # by stack
    late: list[float] = field(default_factory=list)  # seconds from when a request was due
    numbers: Iterator[int] = field(default_factory=count)  # of the requests

    def take_late(self) -> list[float]:
        late, self.late = self.late, []
        return late


async def steady(port: int, rate: float, connections: int, seen: Seen) -> None:
    """Never returns; `rate` is of all connections. Raises a group of Wrong at a wrong answer."""
    began, every = perf_counter(), connections / rate
    async with asyncio.TaskGroup() as group:
        for number in range(connections):
            group.create_task(_connection(port, began + number / rate, every, seen))


async def _connection(port: int, due: float, every: float, seen: Seen) -> None:
    """A request is due whether or not the last one was answered in time; then it goes at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            await asyncio.sleep(max(0.0, due - perf_counter()))
            writer.write(_HEAD % (next(seen.numbers) % _CLIENTS))
            seen.answers[await _stack(reader)] += 1
            seen.late.append(perf_counter() - due)
            due += every
    finally:
        writer.close()


async def _stack(reader: asyncio.StreamReader) -> str:
    """Which has answered."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    stack = _STACKS.get(body.strip())
    if not head.startswith(b"HTTP/1.1 200") or stack is None:
        raise Wrong(f"a wrong answer: {head + body!r}")
    return stack
