"""One JSON line per exchange, written in batches: a log call per request would cost more than routing."""

import sys
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Final, TextIO

import structlog

from gateway.exchange import Exchange

_BATCH: Final = 64  # lines
_log = structlog.get_logger()


class AccessLog:
    """Lines wait in memory until `flush`, which the worker calls each second and at its end.

    Text from clients is ASCII-escaped JSON: a line break or a terminal escape in a path stays inert.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []

    def observe(self, exchange: Exchange) -> None:
        decision = exchange.decision
        self._lines.append(
            f'{{"at":{exchange.at:.3f},"request_id":{quoted(exchange.request_id)},'
            f'"method":{quoted(exchange.method)},"path":{quoted(exchange.path)},'
            f'"route":{quoted(exchange.route)},"stack":"{decision.stack.value}",'
            f'"reason":"{decision.reason.value}","bucket":{decision.bucket},'
            f'"plan_version":{exchange.plan_version},"status":{exchange.status},'
            f'"ms":{exchange.seconds * 1000:.2f}}}\n'
        )
        if len(self._lines) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Writes what waits. A full disk or a closed pipe costs these lines, not the gateway."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except OSError as error:
            _log.error("access_log.lost", lines=len(lines), error=str(error))


def open_access_log(target: str) -> AccessLog | None:
    """`-`: standard output; empty: none; else a path, appended to. Raises OSError."""
    if not target:
        return None
    if target == "-":
        return AccessLog(sys.stdout)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    return AccessLog(Path(target).open("a", encoding="utf-8", buffering=1 << 16))
