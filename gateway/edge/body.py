"""A request's body on the wire: counted, or in chunks (RFC 9112 §6 and §7). Pure, and linear in its bytes.

A reader is fed what arrives until it is `done`; what then follows belongs to the next request and
stands in `rest`.
"""

import re
from typing import Final, Protocol

from gateway.edge.framing import CHUNKED
from gateway.edge.head import long_field, read_fields
from gateway.edge.limits import Limits
from gateway.edge.refusal import Reason, Refused

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED: Final = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+"'
_SIZE_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,16}+)"
    rb"(?:[ \t]*+;[ \t]*+%b(?:[ \t]*+=[ \t]*+(?:%b|%b))?+)*+" % (_TOKEN, _TOKEN, _QUOTED)
)
_PLAIN_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
_SIZE, _DATA, _DATA_END, _TRAILERS = range(4)  # what a chunked body goes on with


class BodyReader(Protocol):
    """Takes a body off the wire."""

    done: bool
    rest: bytes  # once done

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body in `data`. Raises Refused, and is then of no more use."""

    def remaining(self) -> int | None:
        """Bytes that must still come; None if nobody can know."""


def body_reader(length: int, limits: Limits) -> BodyReader:
    """For a `Head.length`."""
    return ChunkedBody(limits) if length == CHUNKED else CountedBody(length)


class CountedBody:
    """A body with a Content-Length."""

    __slots__ = ("_left", "done", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        left = self._left
        if len(data) < left:
            self._left = left - len(data)
            return data
        self._left, self.done, self.rest = 0, True, data[left:]
        return data[:left] if self.rest else data

    def remaining(self) -> int | None:
        return self._left


class ChunkedBody:
    """A body in chunks. Trailers are checked and dropped: they never become header fields."""

    def __init__(self, limits: Limits) -> None:
        self.done = False
        self.rest = b""
        self._limits = limits
        self._line = b""  # of an incomplete line
        self._left = 0  # bytes of the chunk that must still come
        self._state = _SIZE
        self._trailers: list[bytes] = []
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> bytes:
        out: list[bytes] = []
        at = 0
        while at < len(data):
            if self._state == _DATA:
                at = self._read_data(data, at, out)
                continue
            if self._state == _SIZE and not self._line:
                at = _whole_chunks(data, at, out)
            at = self._read_line(data, at)
            if self.done:
                self.rest = data[at:]
                break
        return out[0] if len(out) == 1 else b"".join(out)

    def remaining(self) -> int | None:
        return None

    def _read_data(self, data: bytes, at: int, out: list[bytes]) -> int:
        piece = data[at : at + self._left]
        out.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._state = _DATA_END
        return at + len(piece)

    def _read_line(self, data: bytes, at: int) -> int:
        """Reads up to the end of a line, or keeps what there is of it; gives where it got to."""
        end = data.find(b"\n", at)
        line = self._line + data[at : len(data) if end < 0 else end]
        if len(line) > self._longest():
            raise self._too_long()
        if end < 0:
            self._line = line
            return len(data)
        self._line = b""
        if not line.endswith(b"\r"):
            raise Refused(Reason.CHUNK, "lines of a chunked body end with CRLF")
        self._take(line[:-1])
        return end + 1

    def _take(self, line: bytes) -> None:
        if self._state == _SIZE:
            self._begin_chunk(line)
        elif self._state == _DATA_END:
            if line:
                raise Refused(Reason.CHUNK, "a chunk ends with CRLF")
            self._state = _SIZE
        elif line:
            self._keep_trailer(line)
        else:
            read_fields(self._trailers, self._limits)
            self.done = True

    def _begin_chunk(self, line: bytes) -> None:
        matched = _SIZE_LINE.fullmatch(line)
        if matched is None:
            raise Refused(Reason.CHUNK, "a chunk begins with its size, 1 to 16 hexadecimal digits")
        self._left = int(matched[1], 16)
        self._state = _DATA if self._left else _TRAILERS

    def _keep_trailer(self, line: bytes) -> None:
        self._trailers.append(line)
        self._trailer_bytes += len(line) + 2
        if self._trailer_bytes > self._limits.head:
            raise long_field(self._limits)

    def _longest(self) -> int:
        """Bytes of the line that is being read, with its CR."""
        return 1 if self._state == _DATA_END else self._limits.field

    def _too_long(self) -> Refused:
        if self._state == _TRAILERS:
            return long_field(self._limits)
        return Refused(Reason.CHUNK, "a chunk ends with CRLF and begins with a short line")


def _whole_chunks(data: bytes, at: int, out: list[bytes]) -> int:
    """Takes the chunks that have arrived as a whole, which most have; gives where it got to."""
    while matched := _PLAIN_SIZE.match(data, at):
        begin = matched.end()
        end = begin + int(matched[1], 16)
        if begin == end or data[end : end + 2] != b"\r\n":
            break
        out.append(data[begin:end])
        at = end + 2
    return at
