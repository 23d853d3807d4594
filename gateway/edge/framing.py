"""How long a request's body is, and whether the connection lives on (RFC 9112 §6 and §9.3). Pure."""

import re
from collections.abc import Iterable
from typing import Final

from gateway.edge.refusal import Reason, Refused

CHUNKED: Final = -1
_LENGTH: Final = re.compile(rb"[0-9]{1,19}")
_PLAIN: Final = frozenset({b"chunked", b"identity"})
_KNOWN: Final = _PLAIN | {b"gzip", b"deflate", b"compress"}


def body_length(lengths: list[bytes], codings: list[bytes], *, http_1_0: bool) -> int:
    """The number of bytes, or CHUNKED, from all values of Content-Length and Transfer-Encoding.

    Whatever two servers could read differently is refused, not interpreted: stricter than gunicorn,
    which takes `identity, chunked` and hands `gzip, chunked` to the app undecoded.
    """
    if codings:
        _only_chunked(codings)
        if lengths:
            raise Refused(Reason.FRAMING, "Content-Length and Transfer-Encoding exclude each other")
        if http_1_0:
            raise Refused(Reason.FRAMING, "HTTP/1.0 knows no Transfer-Encoding")
        return CHUNKED
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused(Reason.FRAMING, "Content-Length is one number of at most 19 digits")
    return int(lengths[0])


def _only_chunked(codings: Iterable[bytes]) -> None:
    """Raises Refused for anything but one `chunked`: 501 for codings that we cannot decode."""
    names = [name.strip(b" \t").lower() for value in codings for name in value.split(b",")]
    if names == [b"chunked"]:
        return
    framed = names[-1] == b"chunked" and names.count(b"chunked") == 1
    if not _KNOWN.issuperset(names) or (framed and not _PLAIN.issuperset(names)):
        raise Refused(Reason.CODING, "the only Transfer-Encoding here is chunked")
    raise Refused(Reason.FRAMING, "Transfer-Encoding is chunked, once")


def stays_open(connection: list[bytes], *, http_1_0: bool) -> bool:
    """Whether the client wants another request on this connection; HTTP/1.0 must ask for it."""
    options = {option.strip(b" \t").lower() for value in connection for option in value.split(b",")}
    if b"close" in options:
        return False
    return not http_1_0 or b"keep-alive" in options
