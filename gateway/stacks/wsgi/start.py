"""`start_response` (PEP 3333), as strict and as lenient as gunicorn's."""

import re
from collections.abc import Callable
from typing import Any, Final

from gateway.head import Header
from gateway.messages import Message

StartResponse = Callable[..., Callable[[bytes], None]]

_STATUS: Final = re.compile(r"[0-9]{3}(?: [ \t\x21-\x7e\x80-\xff]*)?")  # RFC 9112 §4
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_VALUE: Final = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")  # RFC 9110 §5.5
_HOP_BY_HOP: Final = frozenset(  # RFC 9110 §7.6.1: the server's, never the app's
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers",
        "transfer-encoding", "upgrade", "server", "date",
    }
)  # fmt: skip


class Head:
    """Status and headers of one answer; whether they are on their way, and how long its body may be."""

    def __init__(self, method: str, write: Callable[[bytes], None]) -> None:
        self._bodyless = method == "HEAD"
        self._write = write
        self._status: int | None = None
        self._headers: list[Header] = []
        self._admitted = 0  # bytes of the body so far
        self.length: int | None = None  # of the body, by its Content-Length
        self.sent = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Raises AssertionError, TypeError and ValueError for an app that breaks PEP 3333."""
        if exc_info:
            try:
                if self.sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._status is not None:
            raise AssertionError("start_response was called already")
        if not isinstance(status, str):
            raise TypeError(f"{status!r} is no string")
        if not _STATUS.fullmatch(status):
            raise ValueError(f"{status!r} is no status: three digits, a space, a reason")
        self._status, self.length = int(status[:3]), None
        self._headers = [pair for name, value in headers for pair in self._header(name, value)]
        if self.forbids_length:
            self._headers = [pair for pair in self._headers if pair[0] != b"content-length"]
            self.length = None
        return self._write

    @property
    def omits_body(self) -> bool:
        """HEAD, 1xx, 204 and 304 have none, whatever the app sends (RFC 9110 §6.4.1)."""
        return self._bodyless or self._status in {204, 304} or self.forbids_length

    @property
    def forbids_length(self) -> bool:
        """RFC 9110 §8.6."""
        return self._status is not None and (self._status == 204 or self._status < 200)

    def send(self) -> None:
        """From now on the head cannot be taken back."""
        if self._status is None:
            raise RuntimeError("the app answered without calling start_response")
        self.sent = True

    def message(self) -> Message:
        return {
            "type": "http.response.start",
            "status": self._status,
            "headers": self._headers,
        }

    def admit(self, part: bytes) -> tuple[bytes, bool]:
        """What of `part` belongs to the body, and whether the body is complete with it."""
        if self.omits_body:
            return b"", False
        if self.length is None:
            return part, False
        part = part[: self.length - self._admitted]
        self._admitted += len(part)
        return part, self._admitted == self.length

    def check_complete(self) -> None:
        """The app has ended. Raises RuntimeError if its body is shorter than it declared."""
        if self.length is not None and self._admitted < self.length and not self.omits_body:
            raise RuntimeError(f"the app declared {self.length} bytes and sent {self._admitted}")

    def _header(self, name: str, value: str) -> list[Header]:
        """A header as it is sent; empty for one that is the server's."""
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"header {name!r}: name and value must be strings")
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no header name")
        if not _VALUE.fullmatch(value):  # not shown: it may be a secret
            raise ValueError(f"header {name!r} has a value with control characters")
        lower = name.lower()
        if lower in _HOP_BY_HOP:
            return []
        value = value.strip(" \t")
        if lower == "content-length":
            self.length = int(value)
        return [(lower.encode("latin-1"), value.encode("latin-1"))]
