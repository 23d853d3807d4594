"""The cookies that two answers set, by name. Pure, total."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.shadow.difference import ABSENT, Difference, Kind
from gateway.shadow.formats import same_format

_PAST: Final = (" 1970 ", "-1970 ", "-70 ")  # what is deleted expires with the epoch
_SIGNED_PARTS: Final = 3  # payload, time and signature: itsdangerous; likewise a JWT


@dataclass(frozen=True, slots=True)
class _Cookie:
    value: str
    attributes: dict[str, str]


def compare_cookies(ours: list[str], theirs: list[str]) -> Iterator[Difference]:
    """By name, and where a name is set several times (for several paths) in their order."""
    first, second = _by_name(ours), _by_name(theirs)
    for name in sorted({*first, *second}):
        path = f"cookie:{name}"
        old, new = first.get(name, []), second.get(name, [])
        if len(old) != len(new):
            yield _counted(path, len(old), len(new))
        for one, other in zip(old, new, strict=False):
            yield from _cookie(path, one, other)


def _by_name(lines: list[str]) -> dict[str, list[_Cookie]]:
    cookies: dict[str, list[_Cookie]] = {}
    for line in lines:
        pair, *rest = line.split(";")
        name, _, value = pair.partition("=")
        attributes = {}
        for attribute in rest:
            key, _, setting = attribute.partition("=")
            attributes[key.strip().lower()] = setting.strip()
        cookies.setdefault(name.strip(), []).append(_Cookie(value.strip(), attributes))
    return cookies


def _counted(path: str, old: int, new: int) -> Difference:
    if old and new:
        return Difference(path, Kind.LENGTH, old, new)
    return Difference(path, Kind.MISSING, old) if old else Difference(path, Kind.EXTRA, got=new)


def _cookie(path: str, one: _Cookie, other: _Cookie) -> Iterator[Difference]:
    if _unsigned(one.value) != _unsigned(other.value):
        yield Difference(path, Kind.VALUE, one.value, other.value)
    for name in sorted({*one.attributes, *other.attributes}):
        below = f"{path};{name}"
        if name not in other.attributes:
            yield Difference(below, Kind.MISSING, one.attributes[name])
        elif name not in one.attributes:
            yield Difference(below, Kind.EXTRA, ABSENT, other.attributes[name])
        else:
            yield from _attribute(below, one.attributes[name], other.attributes[name])


def _attribute(path: str, ours: str, theirs: str) -> Iterator[Difference]:
    if not same_format(ours, theirs):
        yield Difference(path, Kind.FORMAT, ours, theirs)
    elif _settled(path, ours) != _settled(path, theirs):
        yield Difference(path, Kind.VALUE, ours, theirs)


def _settled(path: str, value: str) -> str:
    """A date to come is as good as another: it follows the clock."""
    if not path.endswith(";expires"):
        return value.lower()
    return "past" if any(mark in value for mark in _PAST) else "to come"


def _unsigned(value: str) -> str:
    """The payload of what is signed: the rest follows the clock."""
    parts = value.strip('"').rsplit(".", _SIGNED_PARTS - 1)
    return parts[0] if len(parts) == _SIGNED_PARTS and len(parts[-1]) > 20 else value
