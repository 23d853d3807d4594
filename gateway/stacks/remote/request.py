"""A request as a remote stack gets it: the raw target, the client's headers, and nothing invented.

What is left out is for one connection only (`hops.py`). The body's framing is always ours: whatever the
client sent, the stack sees one Content-Length or one `chunked`, and never both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from gateway.edge.head import TOKEN
from gateway.head import Header, spelled
from gateway.messages import Scope
from gateway.stacks.remote.failure import Unforwardable
from gateway.stacks.remote.hops import without_hops

Introduce = Callable[[Scope, list[Header]], list[Header]]
"""Gives the headers that also say who the client is: `Forwarded` or `envelope.seal`."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 §9.2.1
_CONTENT: Final = frozenset({"POST", "PUT", "PATCH"})  # their empty body has a length (§8.6)


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

    head: bytes
    framing: Framing
    remaining: int  # bytes of the body still to come, by its Content-Length
    expects: bool  # the client waits for 100 (Continue) before it sends its body
    method: str

    @property
    def repeatable(self) -> bool:
        """Sent twice, it does what it does sent once, and nothing of it is gone."""
        return self.method in _SAFE and self.framing is Framing.NONE

    def settle(self, first: bytes, more: bool) -> None:
        """Decides the framing where the client's protocol left it open."""
        if self.framing is not Framing.UNTOLD:
            return
        if more:
            self.framing = Framing.CHUNKED
            self.head += b"transfer-encoding: chunked\r\n"
        elif first or self.method in _CONTENT:
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
    return Request(head, framing, length, expects, method)


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
    lines = b"\r\n".join(map(b": ".join, headers))
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode(), target, lines)
    breaks = len(headers) + 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise Unforwardable(400, "A line break in the request's head")
    names = dict(headers)
    if b"" in names or b"".join(names).translate(None, TOKEN):
        raise Unforwardable(400, "A header's name is no token")
    if b" " in target or not target.startswith((b"/", b"*")):
        raise Unforwardable(400, "The target is no path")
    return head


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
