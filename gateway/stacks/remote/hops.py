"""The headers that are meant for one connection only (RFC 9110 §7.6.1), in both directions."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from gateway.head import Header

HOPS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade"}
)
# Where a message ends and whom it is for is not the sender's to make hop-by-hop.
_KEPT: Final = frozenset({b"content-length", b"host"})


def nominated(headers: Iterable[Header]) -> frozenset[bytes]:
    """The names that `Connection` holds, in lower case."""
    return _tokens(b",".join([value for name, value in headers if name == b"connection"]))


def without_hops(headers: Sequence[Header], found: Mapping[bytes, bytes]) -> list[Header]:
    """The end-to-end headers, in their order and as often as they come; `found` is a dict of them."""
    if HOPS.isdisjoint(found):
        return list(headers)
    dropped = HOPS | (nominated(headers) - _KEPT) if b"connection" in found else HOPS
    return [header for header in headers if header[0] not in dropped]


@lru_cache(maxsize=64)
def _tokens(value: bytes) -> frozenset[bytes]:
    return frozenset(token.strip().lower() for token in value.split(b","))
