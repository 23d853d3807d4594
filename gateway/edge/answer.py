"""One answer on the wire, framed as gunicorn frames it (RFC 9112 §6, §7 and §9). Pure.

The server's framing is the only one: what an app says about the connection or about transfer codings
is dropped, except that it may ask for the connection to be closed.
"""

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from gateway.edge.head import TOKEN, VALUE, Field

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"
_OURS_UNLESS_GIVEN: Final = frozenset({b"date", b"server"})
_HOP_BY_HOP: Final = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
        b"te", b"trailers", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
_LOOKED_AT: Final = _OURS_UNLESS_GIVEN | _HOP_BY_HOP | {b"content-length"}


class BadAnswer(Exception):
    """The app's answer cannot be sent."""


class Answer:
    """Turns what an app sends into bytes; `keep_alive` tells whether the connection outlives it."""

    __slots__ = ("_bodyless", "_chunked", "_head_only", "_http_1_0", "_left", "keep_alive")

    def __init__(self, *, head_only: bool, http_1_0: bool, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self._head_only = head_only  # the answer to HEAD
        self._http_1_0 = http_1_0
        self._bodyless = self._chunked = False
        self._left: int | None = None  # bytes that Content-Length still promises

    def start(
        self, status: int, headers: Iterable[Any], ours: Iterable[Field], lines: bytes = b""
    ) -> bytes:
        """The head, with `ours` (Date and Server) where the app has none of its own, and with `lines` that
        need no check. An app's `headers` are pairs of bytes, tuples or not.

        Raises BadAnswer, before anything has changed, for what could split the answer in two.
        """
        first = _status_line(status, self._http_1_0)
        kept, looked_at = _sort(headers)
        length = _length(looked_at)
        if status < 200 or status == 204:  # RFC 9110 §8.6
            length = None
        self._left = length
        self._bodyless = self._head_only or status < 200 or status in {204, 304}
        self._chunked = length is None and not self._http_1_0 and not self._bodyless
        until_close = length is None and not self._chunked and not self._bodyless
        if until_close or (b"connection" in looked_at and _wants_close(looked_at[b"connection"])):
            self.keep_alive = False
        framing, given = self._framing(length), _lines(tuple(ours), looked_at)
        return b"".join((first, framing, given, lines, *kept, b"\r\n"))

    def body(self, data: bytes, *, more: bool) -> bytes:
        """The next part of the body, cut where Content-Length ends.

        Raises BadAnswer if it ends too early: the client can only be told by closing.
        """
        if self._bodyless:
            return b""
        if self._chunked:
            return _chunk(data) if more else _chunk(data) + _LAST_CHUNK
        if self._left is None:
            return data
        if len(data) > self._left:
            data = data[: self._left]
        self._left -= len(data)
        if self._left and not more:
            raise BadAnswer(f"the body ends {self._left} bytes before its Content-Length")
        return data

    def promise(self, count: int) -> None:
        """`count` bytes of the body are sent by somebody else, and more may follow.

        Raises BadAnswer where the framing of the body needs more than its bytes.
        """
        if self._bodyless or self._left is None or count > self._left:
            raise BadAnswer(f"{count} bytes that no Content-Length promises")
        self._left -= count

    def _framing(self, length: int | None) -> bytes:
        line = b"connection: keep-alive\r\n" if self.keep_alive else b"connection: close\r\n"
        if length is not None:
            return b"%bcontent-length: %d\r\n" % (line, length)
        return line + b"transfer-encoding: chunked\r\n" if self._chunked else line


def _sort(headers: Iterable[Any]) -> tuple[list[bytes], dict[bytes, bytes]]:
    """Lines to send as they are, and the fields that concern us."""
    kept: list[bytes] = []
    given: list[bytes] = []
    looked_at: dict[bytes, bytes] = {}
    for name, value in headers:
        lower = _field_name(name)
        given.append(value)
        if lower in _LOOKED_AT:
            again = lower in looked_at
            if looked_at.setdefault(lower, value) != value and lower == b"content-length":
                raise BadAnswer("two different Content-Length")
            if again or lower not in _OURS_UNLESS_GIVEN:
                continue
        kept += lower, b": ", value.strip(b" \t"), b"\r\n"
    if b"".join(given).translate(None, VALUE):
        raise BadAnswer("a header's value holds a control character")
    return kept, looked_at


def _length(looked_at: dict[bytes, bytes]) -> int | None:
    value = looked_at.get(b"content-length")
    if value is None:
        return None
    if not value.strip(b" \t").isdigit():
        raise BadAnswer("Content-Length is no number")
    return int(value)


def _wants_close(connection: bytes) -> bool:
    return b"close" in [option.strip(b" \t") for option in connection.lower().split(b",")]


def _lines(ours: tuple[Field, ...], looked_at: dict[bytes, bytes]) -> bytes:
    if _OURS_UNLESS_GIVEN.isdisjoint(looked_at):
        return _joined(ours)
    return _joined(tuple(field for field in ours if field[0] not in looked_at))


@lru_cache(maxsize=16)
def _joined(fields: tuple[Field, ...]) -> bytes:
    """Lines; the date changes once a second."""
    return b"".join(b"%b: %b\r\n" % field for field in fields)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


@lru_cache(maxsize=1024)
def _field_name(name: bytes) -> bytes:
    if not name or name.translate(None, TOKEN):
        raise BadAnswer("the name of a header is no token")
    return name.lower()


@lru_cache(maxsize=1024)
def _status_line(status: int, http_1_0: bool) -> bytes:
    if not 100 <= status <= 999:
        raise BadAnswer(f"{status} is no status: it has three digits")
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.{0 if http_1_0 else 1} {status} {phrase}\r\n".encode()
