"""One JSON line per exchange, written in batches by a thread of its own.

A log call per request would cost more than routing, and a reader of standard output that stands still
would stop the loop. What the thread cannot write in time is dropped and counted. It only writes: were the
lines made there too, the loop would wait for the interpreter's lock more often than it saves time.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from os import fstat
from pathlib import Path
from queue import SimpleQueue
from select import PIPE_BUF
from stat import S_ISCHR, S_ISREG
from threading import Thread
from typing import Final, TextIO

from gateway.exchange import Exchange
from gateway.observe.metrics import ACCESS_LINES_DROPPED

_BATCH: Final = 1024  # lines: each hand-over makes two threads wait for the interpreter's lock
_WAITING: Final = 16  # batches that wait for the thread; about 4 MB
_TO_FILE: Final = 1 << 20  # characters; longer than the buffer, they go past it in one write
_HUNDREDTHS: Final = tuple(f"{number:02}" for number in range(100))
_THOUSANDTHS: Final = tuple(f"{number:03}" for number in range(1000))
_LAST: Final = 2.0  # seconds the last batches get at the end


class AccessLog:
    """Lines wait in memory until `flush`, which the worker calls each second and at its end.

    Text from clients is ASCII-escaped JSON: a line break or a terminal escape in a path stays inert.
    """

    def __init__(self, stream: TextIO, *, owned: bool = False) -> None:
        self._stream = stream
        self._owned = owned  # nobody else needs it: `close` closes it
        self._most = _written_as_one(stream)  # characters
        self._lines: list[str] = []
        self._batches: SimpleQueue[list[str] | None] = SimpleQueue()
        self._writer: Thread | None = None

    def observe(self, exchange: Exchange) -> None:
        self._lines.append(_line(exchange))
        if len(self._lines) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Hands what waits to the thread, which is started by the first batch."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        if self._batches.qsize() >= _WAITING:
            ACCESS_LINES_DROPPED.inc(len(lines))
            return
        self._batches.put(lines)
        if self._writer is None:
            self._writer = Thread(target=self._write, name="access-log", daemon=True)
            self._writer.start()

    def close(self) -> None:
        """Writes the last lines, unless nobody takes them within two seconds."""
        self.flush()
        self._batches.put(None)
        if self._writer is not None:
            self._writer.join(_LAST)
            if self._writer.is_alive():  # it holds the stream, whose reader stands still
                return
        if self._owned:
            self._stream.close()

    def _write(self) -> None:
        while (batch := self._batches.get()) is not None:
            lost = len(batch)
            try:
                for lines in _pieces(batch, self._most):
                    self._stream.write("".join(lines))
                    self._stream.flush()
                    lost -= len(lines)
            except OSError:  # a full disk, a closed pipe: the next batch may have more luck
                ACCESS_LINES_DROPPED.inc(lost)


def _written_as_one(stream: TextIO) -> int:
    """How much no other worker's lines come in between of; more than one write takes is two."""
    try:
        mode = fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # it has no descriptor
        return PIPE_BUF
    return _TO_FILE if S_ISREG(mode) or S_ISCHR(mode) else PIPE_BUF


def _pieces(lines: Iterable[str], most: int) -> Iterator[list[str]]:
    """Whole lines, together at most so long."""
    piece, size = list[str](), 0
    for line in lines:
        if piece and size + len(line) > most:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield piece


def _line(exchange: Exchange) -> str:
    """As safe as json.dumps of a dict: what clients wrote is quoted by json.

    The digits of a float take longer than all the rest, those of integers do not.
    """
    stack, reason, bucket = exchange.decision
    asked, decided, answered = _alike(
        exchange.method, exchange.route, stack, reason,
        exchange.plan_version, exchange.status, exchange.failed,
    )  # fmt: skip
    at, spent = int(exchange.at * 1_000 + 0.5), int(exchange.seconds * 100_000 + 0.5)
    return (
        f'{{"at":{at // 1000}.{_THOUSANDTHS[at % 1000]},"request_id":{quoted(exchange.request_id)},'
        f'{asked},"path":{quoted(exchange.path)},{decided},"bucket":{bucket},{answered},'
        f'"ms":{spent // 100}.{_HUNDREDTHS[spent % 100]}}}\n'
    )


@lru_cache(maxsize=1024)
def _alike(  # noqa: PLR0913, PLR0917 (arguments are what a cache goes by)
    method: str, route: str, stack: str, reason: str, version: int, status: int, failed: int
) -> tuple[str, str, str]:
    """What a line has in common with many others, in three parts."""
    kept_back = f',"failed":{failed}' if failed else ""
    return (
        f'"method":{quoted(method)}',
        f'"route":{quoted(route)},"stack":"{stack}","reason":"{reason}"',
        f'"plan_version":{version},"status":{status}{kept_back}',
    )


def open_access_log(target: str) -> AccessLog | None:
    """`-`: standard output; empty: none; else a path, appended to. Raises OSError."""
    if not target:
        return None
    if target == "-":
        return AccessLog(sys.stdout)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    file = Path(target).open("a", encoding="utf-8", buffering=1 << 16)  # noqa: SIM115 (its owner closes)
    return AccessLog(file, owned=True)
