"""`X-Forwarded-*` and `Forwarded` (RFC 7239): who the client is, told to a remote stack.

What an untrusted peer says about it is a lie until shown otherwise: it is replaced. A trusted proxy's
word is kept, and its own address appended.
"""

from functools import lru_cache
from typing import Final

from gateway.head import Header, Network, trusts
from gateway.messages import Scope

_FOR: Final = b"x-forwarded-for"
_PROTO: Final = b"x-forwarded-proto"
_HOST: Final = b"x-forwarded-host"
_PREFIX: Final = b"x-forwarded-"
_STANDARD: Final = b"forwarded"
_SECURE: Final = {"ws": b"http", "wss": b"https"}


class Forwarded:
    """Knows the trusted proxies; adds to a request's headers what its peer is."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted

    def lines(self, scope: Scope, host: bytes) -> bytes:
        client = scope.get("client")
        return _alone(client[0] if client else "", scope.get("scheme", "http"), host)

    def __call__(self, scope: Scope, headers: list[Header]) -> list[Header]:
        client = scope.get("client")
        peer: str = client[0] if client else ""
        scheme, host = scope.get("scheme", "http"), dict(headers).get(b"host", b"")
        kept = [header for header in headers if not tells(header[0])]
        told = (
            [header for header in headers if tells(header[0])]
            if trusts(self._trusted, peer)
            else []
        )
        return [*kept, *_told(told, peer.encode("latin-1"), _proto(scheme), host)]


def tells(name: bytes) -> bool:
    """Whether a header of this name says who the client is."""
    return name == _STANDARD or name.startswith(_PREFIX)


@lru_cache(maxsize=1024)
def _alone(peer: str, scheme: str, host: bytes) -> bytes:
    """The same for all requests of a client that came without a proxy."""
    told = _told([], peer.encode("latin-1"), _proto(scheme), host)
    return b"".join([b"%b: %b\r\n" % header for header in told])


def _proto(scheme: str) -> bytes:
    return _SECURE.get(scheme) or scheme.encode()


def _told(told: list[Header], peer: bytes, proto: bytes, host: bytes) -> list[Header]:
    """`told` by a trusted proxy, or empty, with our own part of it."""
    hops = [value for name, value in told if name == _FOR]
    forwarded = [value for name, value in told if name == _STANDARD]
    names = {name for name, _ in told}
    ours = [header for header in told if header[0] not in {_FOR, _STANDARD}]
    if peer or hops:
        ours.append((_FOR, b", ".join([*hops, peer] if peer else hops)))
    if _PROTO not in names:
        ours.append((_PROTO, proto))
    if _HOST not in names and host:
        ours.append((_HOST, host))
    if forwarded:
        node = b'"[%b]"' % peer if b":" in peer else peer or b"unknown"
        ours.append((_STANDARD, b", ".join([*forwarded, b"for=" + node])))
    return ours
