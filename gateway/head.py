"""What the gateway reads from a request's head: one pass over the headers. Pure.

Two kinds of client headers never reach a stack, whichever answers: `X-Banyan-*`, which are ours, and
names with `_`, which WSGI cannot tell from the same name with `-` (`X_Auth_User` would be read as
`X-Auth-User`; gunicorn and nginx drop them too).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import quote

Header = tuple[bytes, bytes]
Network = IPv4Network | IPv6Network
Scope = Mapping[str, Any]

OVERRIDE: Final = b"x-banyan-stack"
REQUEST_ID: Final = b"x-request-id"
IDEMPOTENCY_KEY: Final = b"idempotency-key"
_FORWARDED: Final = b"x-forwarded-for"
OURS: Final = b"x-banyan-"
_NAMES: Final = 1024
_harmless: Final = set[
    bytes
]()  # names that were looked at, _NAMES at most: nearly all that clients send


@dataclass(frozen=True, slots=True)
class UnitSource:
    """Where a unit is looked for: a header, a cookie, or the client's address."""

    kind: str  # header | cookie | client
    name: bytes = b"client"


@dataclass(frozen=True, slots=True)
class HeadReader:
    """Reads requests by one plan's unit sources and one process's trusted proxies."""

    sources: tuple[UnitSource, ...]
    trusted: tuple[Network, ...] = ()

    def read(
        self, headers: Sequence[Header], found: dict[bytes, bytes] | None = None
    ) -> tuple[dict[bytes, bytes], bool]:
        """The first header of each name, which the edge has `found` already, and whether some must be
        dropped: then `clean` looks at each.
        """
        if found is None:
            found = dict(reversed(headers))
        return found, not (_harmless.issuperset(found) or _are_harmless(found))

    def unit(self, found: dict[bytes, bytes], scope: Scope) -> bytes:
        """The first source that is there, tagged with its kind; `client` always is."""
        for source in self.sources:
            if source.kind == "header":
                value = found.get(source.name)
            elif source.kind == "cookie":
                value = _cookie(found.get(b"cookie", b""), source.name)
            else:
                value = self.client(scope).encode()
            if value:
                return source.name + b"=" + value
        return b"client=" + self.client(scope).encode()

    def client(self, scope: Scope) -> str:
        """The client's address: the peer's, or what the chain of trusted proxies tells.

        Of X-Forwarded-For counts the last address that is not itself a trusted proxy: everything
        left of it was written by somebody we do not trust.
        """
        peer = scope["client"][0] if scope.get("client") else ""
        if not trusts(self.trusted, peer):
            return peer
        # Each proxy may add a line of its own (RFC 9110 §5.3).
        lines = [value for name, value in scope["headers"] if name == _FORWARDED]
        chain = [hop.strip() for hop in b",".join(lines).decode("latin-1").split(",")]
        for hop in reversed([hop for hop in chain if hop]):
            peer = hop
            if not trusts(self.trusted, hop):
                break
        return peer


@lru_cache(maxsize=1024)
def trusts(networks: tuple[Network, ...], address: str) -> bool:
    """Whether an address is one of the trusted proxies'."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def has_body(found: Mapping[bytes, bytes]) -> bool:
    """Whether a request's framing says that it has a body (RFC 9112 §6.3)."""
    return b"transfer-encoding" in found or found.get(b"content-length", b"0") != b"0"


def spelled(path: str) -> bytes:
    """A decoded path as it may stand on a request line (RFC 3986 §3.3)."""
    return quote(path, safe="/:@!$&'()*+,;=~").encode()


def clean(headers: Sequence[Header]) -> list[Header]:
    """Without the headers that never reach a stack."""
    return [pair for pair in headers if b"_" not in pair[0] and not pair[0].startswith(OURS)]


def _are_harmless(names: Iterable[bytes]) -> bool:
    """Whether none of them is to be dropped."""
    text = b",".join(names)
    if b"_" in text or OURS in text:
        return False
    if len(_harmless) < _NAMES:
        _harmless.update(names)
    return True


def _cookie(header: bytes, name: bytes) -> bytes | None:
    """The raw value of the first cookie of that name (RFC 6265 §4.2.1)."""
    for pair in header.split(b";"):
        key, _, value = pair.partition(b"=")
        if key.strip() == name:
            return value.strip()
    return None
