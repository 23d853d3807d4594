"""Bodies before they are compared: decoded, and read as JSON. Pure, total on any bytes."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.shadow.difference import Json

_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib's names for the containers
_DIGITS: Final = 4000  # of an integer; Python reads no longer ones (CVE-2020-10735)


class Repeated(list[Json]):
    """The values of a member that a JSON object has more than once."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON document, which may be null."""

    value: Json
    has_repeated: bool = False

    def says(self, other: "Parsed") -> bool:
        """Whether both are equal, at a tenth of what a walk costs; False also if that cannot be said."""
        if self.has_repeated or other.has_repeated:  # they would be written as lists
            return False
        try:
            first, second = (json.dumps(one.value, sort_keys=True) for one in (self, other))
        except RecursionError:
            return False
        return first == second


def decoded(body: bytes, codings: Iterable[str], cap: int) -> bytes:
    """The body without its Content-Encoding; as it is where that is unknown, broken, or unpacks to more
    than `cap` bytes.
    """
    names = [name.strip().lower() for line in codings for name in line.split(",")]
    for name in reversed([name for name in names if name not in {"", "identity"}]):
        plain = _unpacked(body, name, cap)
        if plain is None:
            return body
        body = plain
    return body


def parsed(body: bytes) -> Parsed | None:
    """None for what is no JSON, or is nested deeper than Python reads."""
    try:
        text, repeated = body.decode("utf-8"), list[str]()
        members = partial(_members, repeated)
        value = json.loads(text, object_pairs_hook=members, parse_int=_integer)
        return Parsed(value, bool(repeated))
    except (ValueError, RecursionError):
        return None


def _unpacked(body: bytes, coding: str, cap: int) -> bytes | None:
    if coding not in _WINDOWS:
        return None
    unpacker = zlib.decompressobj(_WINDOWS[coding])
    try:
        plain = unpacker.decompress(body, cap)
    except zlib.error:
        return None
    return plain if unpacker.eof else None


def _members(repeated: list[str], pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """An object; the names that it has more than once are told."""
    members = dict(pairs)
    if len(members) < len(pairs):
        for key in members:
            values = [value for name, value in pairs if name == key]
            if len(values) > 1:
                members[key] = Repeated(values)
                repeated.append(key)
    return members


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _DIGITS else float(digits)
