"""The form of a text, apart from what it says: a date of HTTP is no ISO date. Pure."""

import re
from typing import Final

from gateway.shadow.difference import Absent, Json, Shown

_DAY: Final = r"\d{4}-\d\d-\d\d"
_FORMATS: Final = {
    name: re.compile(pattern)
    for name, pattern in {
        "HTTP date": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
        "old HTTP date": r"[A-Z][a-z]{2,8}, \d\d-[A-Z][a-z]{2}-\d{2,4} \d\d:\d\d:\d\d GMT",
        "ISO date": _DAY,
        "UUID": r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    }.items()
}
_ISO_TIME: Final = re.compile(
    _DAY + r"([T ])\d\d:\d\d(:\d\d)?(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_NO_FRACTION: Final = ", 0 digits"
_FRACTION: Final = re.compile(r", \d+ digits")
_TYPES: Final = {
    bool: "bool", int: "integer", float: "float", str: "string", dict: "object", list: "list",
}  # fmt: skip


def format_of(text: str) -> str:
    """`HTTP date`, `ISO time T, 6 digits, Z`, …; `text` for what has no form that is known."""
    for name, pattern in _FORMATS.items():
        if pattern.fullmatch(text):
            return name
    time = _ISO_TIME.fullmatch(text)
    if time is None:
        return "text"
    separator, seconds, fraction, zone = time.groups()
    digits = f"{len(fraction or '')} digits" if seconds else "no seconds"
    written = "Z" if zone == "Z" else "no zone" if zone is None else f"offset of {len(zone)}"
    return f"ISO time {separator!r}, {digits}, {written}"


def same_format(one: str, other: str) -> bool:
    """Whether two texts have one form. A time on the full second may be written without its fraction."""
    first, second = format_of(one), format_of(other)
    if _NO_FRACTION in first or _NO_FRACTION in second:
        first, second = (_FRACTION.sub("", form) for form in (first, second))
    return first == second


def type_of(value: Json) -> str:
    """The type of JSON; integers and floats are two."""
    if value is None:
        return "null"
    return _TYPES.get(type(value), "repeated member")


def redacted(value: Shown) -> str:
    """Type and length of a value, and of a text its form: what may be kept of an answer."""
    match value:
        case Absent():
            return value.value
        case str():
            form = format_of(value)
            return f"string of {len(value)}" if form == "text" else form
        case list() | dict():
            return f"{type_of(value)} of {len(value)}"
    return type_of(value)
