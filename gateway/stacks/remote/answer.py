"""A remote stack's answer, from bytes to a status, headers and parts of a body. No I/O.

llhttp (httptools) parses chunks and every head that is not `plain`, strictly: no folded lines, no bare LF,
no Content-Length beside Transfer-Encoding, no two of either. What it leaves open is decided here: how large
a head may be, which answers have no body (it knows no HEAD), where a body ends, and what comes after.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.head import Header
from gateway.stacks.remote.hops import nominated, without_hops
from gateway.stacks.remote.plain import Plain, read_plain

HEAD_LIMIT: Final = 64 * 1024  # bytes of a head with its 1xx answers, and of trailers
INTERIM_LIMIT: Final = 16  # 1xx answers before the final one
_END: Final = b"\r\n\r\n"


class Malformed(Exception):
    """The stack's bytes are no HTTP/1.1 answer, or one that could be read in two ways."""


class Answer:
    """Fed with bytes until `complete`; what it holds of the body is taken with `take`."""

    __slots__ = (
        "_chunked", "_excess", "_fields", "_head_only", "_headed", "_interim", "_last_chunk", "_parser",
        "_parts", "_remaining", "_seam", "_size",
        "buffered", "complete", "continued", "headers", "reusable", "status",
    )  # fmt: skip

    def __init__(self, *, head_only: bool = False) -> None:
        self.status = 0  # until the head of the final answer is there
        self.headers: list[Header] = []  # end-to-end, names in lower case
        self.complete = False
        self.reusable = False  # the connection may carry another exchange
        self.continued = False  # it asks for the body: 100 (Continue)
        self.buffered = 0  # bytes of the body that nobody has taken
        self._head_only = head_only
        self._parser: HttpResponseParser  # once something is not plain
        self._fields: list[Header] = []
        self._seam = b""  # the last bytes of a head that is not complete
        self._size = 0
        self._interim = 0
        self._headed = self._chunked = self._last_chunk = self._excess = False
        self._remaining: int | None = None  # bytes of the body by Content-Length
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Raises Malformed; the answer is of no use then, and neither is the connection."""
        if not self.status:
            data = self._feed_heads(data)
        if self.complete:
            self.reusable = self.reusable and not data  # what follows is nobody's answer
        elif data and self._chunked:
            self._feed_chunks(data)
        elif data:
            self._feed_body(data)

    @property
    def presentable(self) -> bool:
        """The head is there, and the first of a body that is known to come: most stacks send both at once."""
        return bool(self.status) and (not self._remaining or self.complete or self.buffered > 0)

    def end(self) -> bool:
        """The stack has closed: whether that is the end of a body without a length."""
        if self.status and not self._chunked and self._remaining is None:
            self.complete = True
        return self.complete

    def take(self) -> bytes:
        """What of the body came since the last call."""
        parts = self._parts
        if not parts:
            return b""
        self._parts, self.buffered = [], 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def rest(self) -> int:
        """Bytes of the body that are still to come; 0 if that is not known."""
        return self._remaining or 0

    def skip(self, count: int) -> None:
        """`count` bytes of the body went another way."""
        if self._remaining is not None:
            self._remaining -= count
            self.complete = not self._remaining

    def _feed_heads(self, data: bytes) -> bytes:
        """Feeds heads until the final one; gives what comes after it."""
        if not self._size:
            end = data.find(_END)
            plain = read_plain(data[:end]) if end > 0 else None
            if plain is not None:
                self._take_over(plain)
                return data[end + len(_END) :]
            self._parser = HttpResponseParser(self)
        while data and not self.status:
            data = self._feed_head(data)
        return data

    def _take_over(self, plain: Plain) -> None:
        self.status, self.headers, length, self.reusable = plain
        if self._head_only or not length or self.status == 304:
            self.complete = True
        else:
            self._remaining = length

    def _feed_head(self, data: bytes) -> bytes:
        """Feeds at most one head; gives what comes after it."""
        seam = self._seam + data
        end = seam.find(_END)
        cut = len(data) if end < 0 else end + len(_END) - len(self._seam)
        self._seam = seam[1 - len(_END) :] if end < 0 else b""
        self._size += cut
        if self._size > HEAD_LIMIT:
            raise Malformed(f"a head of more than {HEAD_LIMIT} bytes")
        self._parse(data[:cut])
        if end >= 0:
            if not self._headed:
                raise Malformed("an empty head")
            self._begin()
        return data[cut:]

    def _begin(self) -> None:
        """The head is there: an interim one is forgotten, the final one says how the body ends."""
        status, version = self._parser.get_status_code(), self._parser.get_http_version()
        if version not in {"1.1", "1.0"} or not 100 <= status <= 599 or status == 101:
            raise Malformed(f"an answer of HTTP/{version} with status {status}")
        if status >= 200:
            self.status = status
            self._frame(old=version == "1.0")
            return
        self._interim += 1
        if self._interim > INTERIM_LIMIT:
            raise Malformed(f"more than {INTERIM_LIMIT} answers of status 1xx")
        self.continued = self.continued or status == 100
        self._headed, self._fields = False, []

    def _frame(self, *, old: bool) -> None:
        """Where the body ends: RFC 9112 §6.3."""
        fields = self._fields
        found = dict(fields)
        coding, length = found.get(b"transfer-encoding"), found.get(b"content-length")
        if coding is not None and (old or _codings(fields) != b"chunked"):
            raise Malformed("a Transfer-Encoding other than one `chunked`")
        self.headers = without_hops(fields, found)
        if self.status == 204:  # RFC 9110 §8.6: it has no length to tell
            self.headers = [field for field in self.headers if field[0] != b"content-length"]
        if self._head_only or self.status in {204, 304}:
            self.complete = True
        elif coding is not None:
            self._chunked = True
        elif length is not None:
            self._remaining = int(length)
            self.complete = not self._remaining
        tokens = nominated(fields) if b"connection" in found else ()
        framed = self.complete or self._chunked or self._remaining is not None
        self.reusable = framed and (b"keep-alive" in tokens if old else b"close" not in tokens)

    def _feed_body(self, data: bytes) -> None:
        if self._remaining is not None:
            if len(data) > self._remaining:
                data, self.reusable = data[: self._remaining], False
            self._remaining -= len(data)
            self.complete = not self._remaining
        self._parts.append(data)
        self.buffered += len(data)

    def _feed_chunks(self, data: bytes) -> None:
        self._parse(data)
        # llhttp takes a blank line before the next answer for granted; nobody asked for a next answer.
        if self.complete and (self._excess or data.endswith(_END + b"\r\n")):
            raise Malformed("bytes after the last chunk")
        if self._size > HEAD_LIMIT:
            raise Malformed(f"trailers of more than {HEAD_LIMIT} bytes")

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as error:
            raise Malformed("a switch of protocols that nobody asked for") from error
        except HttpParserError as error:
            raise Malformed(str(error)) from error

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._excess = self._last_chunk

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status:
            self._size += len(name) + len(value)  # a trailer: dropped, it must not become a header
        else:
            self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._headed = True

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self.buffered += len(body)

    def on_message_complete(self) -> None:
        if self._chunked:
            self._last_chunk = self.complete = True


def _codings(fields: list[Header]) -> bytes:
    """All that is said about the transfer coding, in lower case."""
    return b",".join(value for name, value in fields if name == b"transfer-encoding").lower()
