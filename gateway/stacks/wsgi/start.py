"""`start_response` and `write` (PEP 3333), as strict and as lenient as gunicorn's."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from gateway.head import Header
from gateway.messages import Message
from gateway.stacks.wsgi.outbox import Outbox
from gateway.stacks.wsgi.threads import Threads

StartResponse = Callable[..., Callable[[bytes], None]]

_STATUS: Final = re.compile(r"[0-9]{3}(?: [ \t\x21-\x7e\x80-\xff]*)?")  # RFC 9112 §4
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_VALUE: Final = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")  # RFC 9110 §5.5
_KEPT: Final = 1024
_names: Final[dict[str, bytes]] = {}  # of the headers seen last, in lower case
_LENGTH: Final = b"content-length"
_HOP_BY_HOP: Final = frozenset(  # RFC 9110 §7.6.1: the server's, never the app's
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers",
        "transfer-encoding", "upgrade", "server", "date",
    }
)  # fmt: skip


class Reply(Outbox):
    """One answer as the app gives it: status, headers, and a body that goes into the outbox."""

    __slots__ = ("_headers", "_is_head", "_missing", "_status", "length", "omits_body", "sent")

    def __init__(self, method: str, threads: Threads) -> None:
        Outbox.__init__(self, threads)  # `super()` costs as much again
        self._status = 0  # none yet
        self._headers: list[Header]
        self.length: int | None = None  # of the body, by its Content-Length
        self.omits_body = self._is_head = method == "HEAD"  # whatever the app sends
        self.sent = False  # the head cannot be taken back

    def start_response(
        self, status: Any, headers: Any, exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Raises AssertionError, TypeError and ValueError for an app that breaks PEP 3333.

        What apps give is `Any`: compiled code would refuse in words of its own what gunicorn takes.
        """
        if exc_info:
            try:
                if self.sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._status:
            raise AssertionError("start_response was called already")
        self._status = code = _code(status)
        self._read(headers)
        self.omits_body = self._is_head
        if code < 200 or code in {204, 304}:  # RFC 9110 §6.4.1
            self.omits_body = True
            if code != 304:  # RFC 9110 §8.6
                self.length = None
                self._headers = [pair for pair in self._headers if pair[0] != _LENGTH]
        return self.write

    def write(self, part: Any) -> None:
        """Sends the head, and what of `part` belongs to the body."""
        if not self.sent:
            self.begin()
        if not isinstance(part, bytes):
            raise TypeError(f"the app's answer has a part that is {type(part).__name__}, not bytes")
        if self.omits_body:
            return
        if self.length is not None:
            if len(part) > self._missing:
                part = part[: self._missing]
            self._missing -= len(part)
            if not self._missing:
                self.end(part)
                return
        if part:
            self.put(part)

    def begin(self) -> None:
        """From now on the head cannot be taken back."""
        if not self._status:
            raise RuntimeError("the app answered without calling start_response")
        self.sent = True

    def start(self) -> Message:
        """What the server is told first."""
        return {"type": "http.response.start", "status": self._status, "headers": self._headers}

    def check_complete(self) -> None:
        """The app has ended. Raises RuntimeError if its body is shorter than it declared."""
        if not self.sent:
            self.begin()
        if self.length is not None and self._missing > 0 and not self.omits_body:
            sent = self.length - self._missing
            raise RuntimeError(f"the app declared {self.length} bytes and sent {sent}")

    def _read(self, headers: Any) -> None:
        """Names are remembered; values never, for they may be secrets."""
        kept: list[Header] = []
        together = ""
        self._headers, self.length = kept, None
        name = ""
        try:
            for name, value in headers:
                together += value
                lower = _names.get(name) or _field_name(name)
                if lower:
                    kept.append((lower, value.strip(" \t").encode("latin-1")))
                    if lower == _LENGTH:
                        self.length = self._missing = int(value)
        except TypeError:
            raise TypeError(f"header {name!r}: name and value must be strings") from None
        except UnicodeEncodeError:
            raise ValueError(f"header {name!r} has a value that is not latin-1") from None
        if not together.isprintable():
            _check(headers)


def _check(headers: Iterable[Any]) -> None:
    for name, value in headers:
        if not _VALUE.fullmatch(value):  # not shown: it may be a secret
            raise ValueError(f"header {name!r} has a value with control characters")


@lru_cache(maxsize=256)
def _code(status: Any) -> int:
    if not isinstance(status, str):
        raise TypeError(f"{status!r} is no string")
    if not _STATUS.fullmatch(status):
        raise ValueError(f"{status!r} is no status: three digits, a space, a reason")
    return int(status[:3])


def _field_name(name: Any) -> bytes:
    """In lower case, empty for what is the server's; apps may think of any number of names."""
    if not isinstance(name, str):
        raise TypeError(name)
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no header name")
    lower = name.lower()
    if lower in _HOP_BY_HOP:
        return b""
    if len(_names) >= _KEPT:
        _names.clear()
    _names[name] = kept = lower.encode("latin-1")
    return kept
