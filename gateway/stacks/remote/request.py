"""A request as a remote stack gets it: the raw target, the client's headers, and nothing invented.

What is left out is for one connection only (`hops.py`). The body's framing is always ours: whatever the
client sent, the stack sees one Content-Length or one `chunked`, and never both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple, Protocol

from gateway.edge.head import TOKEN
from gateway.head import OURS, Header, spelled
from gateway.messages import Scope
from gateway.stacks.remote.failure import Unforwardable
from gateway.stacks.remote.forwarded import tells
from gateway.stacks.remote.hops import HOPS, without_hops


class Introduce(Protocol):
    """Says in a request who the client is: `Forwarded` or `envelope.Envelope`."""

    def __call__(self, scope: Scope, headers: list[Header]) -> list[Header]:
        """The headers with what is added."""

    def lines(self, scope: Scope, host: bytes) -> bytes:
        """What is added where the request itself says nothing of the kind, each line with its end."""


_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 §9.2.1
_CONTENT: Final = frozenset({"POST", "PUT", "PATCH"})  # their empty body has a length (§8.6)
_USUAL: Final = _SAFE | _CONTENT | {"DELETE"}
_DECISIVE: Final = HOPS | {b"expect"}
_NAMES: Final = 1024  # bytes of a request's names that are remembered
_name: Final = itemgetter(0)
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_DIGITS: Final = 18  # of a Content-Length: no body is that long


class Framing(Enum):
    """How the end of a request's body is told."""

    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    UNTOLD = auto()  # HTTP/2 and later need not say; known with the first part


@dataclass(slots=True)
class Request:
    """`head` lacks its last blank line; `frame` gives the bytes of the body's next part."""

    scope: Scope
    head: bytes
    framing: Framing = Framing.NONE
    remaining: int = 0  # bytes of the body still to come, by its Content-Length
    expects: bool = False  # the client waits for 100 (Continue) before it sends its body

    @property
    def repeatable(self) -> bool:
        """Sent twice, it does what it does sent once, and nothing of it is gone."""
        return self.scope["method"] in _SAFE and self.framing is Framing.NONE

    def settle(self, first: bytes, more: bool) -> None:
        """Decides the framing where the client's protocol left it open."""
        if self.framing is not Framing.UNTOLD:
            return
        if more:
            self.framing = Framing.CHUNKED
            self.head += b"transfer-encoding: chunked\r\n"
        elif first or self.scope["method"] in _CONTENT:
            self.framing, self.remaining = Framing.LENGTH, len(first)
            self.head += b"content-length: %d\r\n" % len(first)
        else:
            self.framing = Framing.NONE

    def frame(self, part: bytes, more: bool) -> bytes:
        """Raises Unforwardable for a body that is not as long as declared."""
        if self.framing is Framing.CHUNKED:
            chunk = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        self.remaining -= len(part)
        if self.remaining < 0 or (self.remaining and not more):
            raise Unforwardable(400, "The body is not as long as its Content-Length says")
        return part


def request_of(scope: Scope, introduce: Introduce) -> Request:
    """Raises Unforwardable for what could be read as another request, or as two."""
    headers: Sequence[Header] = scope["headers"]
    method: str = scope["method"]
    plain = _plain(tuple(map(_name, headers))) if scope["http_version"] == "1.1" else None
    if plain is not None and method in _USUAL:
        told = introduce.lines(scope, headers[plain.host][1])
        head = _head(method, target_of(scope), headers, told)
        if plain.bare:
            return Request(scope, head)
        return Request(scope, head, *_framing(headers, dict(headers), "1.1"))
    found = dict(headers)
    if method == "CONNECT" or not method or method.encode().translate(None, TOKEN):
        raise Unforwardable(501, "This method is not supported")
    framing, length = _framing(headers, found, scope["http_version"])
    kept = without_hops(headers, found)
    expects = b"expect" in found and any(map(_continues, headers))
    if expects and (framing is Framing.NONE or scope["http_version"] == "1.0"):
        kept, expects = [header for header in kept if not _continues(header)], False
    if expects and framing is Framing.UNTOLD:
        framing = Framing.CHUNKED
    kept = introduce(scope, with_host(scope, kept, found))
    if framing is Framing.CHUNKED:
        kept.append((b"transfer-encoding", b"chunked"))
    head = head_of(method, target_of(scope), kept)
    return Request(scope, head, framing, length, expects)


def with_host(scope: Scope, headers: list[Header], found: Mapping[bytes, bytes]) -> list[Header]:
    """HTTP/1.1 demands one Host; a client of HTTP/1.0 need not send it (RFC 9112 §3.2)."""
    if b"host" in found:
        if len(found) != len(headers) and sum(name == b"host" for name, _ in headers) > 1:
            raise Unforwardable(400, "More than one Host")
        return headers
    host, port = scope.get("server") or ("localhost", None)
    bare = f"[{host}]" if ":" in host else host
    return [(b"host", (f"{bare}:{port}" if port else bare).encode()), *headers]


def target_of(scope: Scope) -> bytes:
    """The path as the client spelled it, where the server tells (ASGI calls that optional)."""
    raw: bytes = (scope.get("raw_path") or b"").partition(b"?")[0]
    if not raw:
        raw = spelled(scope["path"]) or b"/"
    query: bytes = scope.get("query_string") or b""
    return raw + b"?" + query if query else raw


def head_of(method: str, target: bytes, headers: list[Header]) -> bytes:
    """Request line and headers without the blank line; Unforwardable if they could be read as other ones."""
    names = dict(headers)
    if b"" in names or b"".join(names).translate(None, TOKEN):
        raise Unforwardable(400, "A header's name is no token")
    return _head(method, target, headers)


def _head(method: str, target: bytes, headers: Sequence[Header], told: bytes = b"") -> bytes:
    """With `told`, which is our own, at its end."""
    lines = b"\r\n".join(map(b": ".join, headers))
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode(), target, lines)
    ours = 2 * len(headers) + 2
    if len(head) - len(head.translate(None, b"\r\n\0")) != ours:
        raise Unforwardable(400, "A line break in the request's head")
    if target.find(b" ") >= 0 or not target.startswith((b"/", b"*")):
        raise Unforwardable(400, "The target is no path")
    return head + told


class _Plain(NamedTuple):
    """Headers that go through as they are."""

    host: int  # which of them is Host
    bare: bool  # there is no body


def _plain(names: tuple[bytes, ...]) -> _Plain | None:
    try:
        return _known(names)
    except _Unusual:
        return None


class _Unusual(Exception):
    """Has to be looked at closely; nothing is remembered of it."""


@lru_cache(maxsize=1024)
def _known(names: tuple[bytes, ...]) -> _Plain:
    """Most clients send the same names in the same order again and again."""
    text = b"".join(names)
    if (
        len(text) > _NAMES
        or text.translate(None, TOKEN)
        or b"" in names
        or names.count(b"host") != 1
        or not _DECISIVE.isdisjoint(names)
        or any(tells(name) or name.startswith(OURS) for name in names)
    ):
        raise _Unusual
    return _Plain(names.index(b"host"), b"content-length" not in names)


def _framing(
    headers: Sequence[Header], found: Mapping[bytes, bytes], version: str
) -> tuple[Framing, int]:
    """RFC 9112 §6.3; what the server let through and has two readings is refused."""
    coding, length = found.get(b"transfer-encoding"), found.get(b"content-length")
    if coding is None and length is None:
        return (Framing.NONE if version in {"1.0", "1.1"} else Framing.UNTOLD), 0
    if sum(name in _FRAMING for name, _ in headers) > 1:
        raise Unforwardable(400, "Content-Length and Transfer-Encoding: one of them, once")
    if coding is not None:
        if coding.strip().lower() != b"chunked":
            raise Unforwardable(501, "A Transfer-Encoding other than `chunked` is not supported")
        return Framing.CHUNKED, 0
    if length is None or not length.isdigit() or len(length) > _DIGITS:
        raise Unforwardable(400, "Content-Length is no number of bytes")
    return (Framing.LENGTH if int(length) else Framing.NONE), int(length)


def _continues(header: Header) -> bool:
    return header[0] == b"expect" and header[1].strip().lower() == b"100-continue"
