"""The head of an ordinary answer, read without a parser: most of its lines are those of the last one.

What is read here, llhttp would read alike; whatever is unusual in any way is left to it.
"""

import re
from functools import lru_cache
from operator import itemgetter
from typing import Final

from gateway.head import Header
from gateway.stacks.remote.hops import HOPS

_LIMIT: Final = 4096  # bytes of a head, and so of a line that is remembered
_LENGTH: Final = b"content-length"
_CONNECTION: Final = b"connection"
_UNUSUAL: Final = HOPS - {_CONNECTION}
_STAYS: Final = {b"keep-alive": True, b"close": False}
_STATUS: Final = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) [\t\x20-\x7e\x80-\xff]*")
_FIELD: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): "
    rb"([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)"
)
_name: Final = itemgetter(0)
_DIGITS: Final = re.compile(rb"\d{1,18}")


Plain = tuple[int, list[Header], int, bool]
"""Status, end-to-end fields with names in lower case, Content-Length, and whether the connection stays."""


class _Unusual(Exception):
    """llhttp knows whether it is right."""


def read_plain(head: bytes) -> Plain | None:
    """A head with one Content-Length, given without the empty line at its end; None: ask llhttp."""
    if len(head) > _LIMIT:
        return None
    lines = head.split(b"\r\n")
    try:
        status = _read_status(lines.pop(0))
        fields = list(map(_read_field, lines))
        length, connection = _places(tuple(map(_name, fields)))
        size, stays = int(fields[length][1]), True
        if connection >= 0:
            stays = _stays(fields.pop(connection)[1])
    except _Unusual:
        return None
    return status, fields, size, stays


@lru_cache(maxsize=256)
def _read_status(line: bytes) -> int:
    matched = _STATUS.fullmatch(line)
    if matched is None or matched[1] == b"204":  # which has no length to tell
        raise _Unusual
    return int(matched[1])


@lru_cache(maxsize=1024)
def _read_field(line: bytes) -> Header:
    matched = _FIELD.fullmatch(line)
    if matched is None:
        raise _Unusual
    name, value = matched[1].lower(), matched[2]
    if name == _LENGTH and not _DIGITS.fullmatch(value):
        raise _Unusual
    return name, value


@lru_cache(maxsize=256)
def _places(names: tuple[bytes, ...]) -> tuple[int, int]:
    """Where Content-Length and Connection stand; -1: there is none."""
    connections = names.count(_CONNECTION)
    if names.count(_LENGTH) != 1 or connections > 1 or not _UNUSUAL.isdisjoint(names):
        raise _Unusual
    return names.index(_LENGTH), names.index(_CONNECTION) if connections else -1


def _stays(connection: bytes) -> bool:
    stays = _STAYS.get(connection.lower())
    if stays is None:
        raise _Unusual
    return stays
