"""The headers of two answers, by the rules of `compare.py`. Pure, total."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit

from gateway.shadow.cookies import compare_cookies
from gateway.shadow.difference import ABSENT, Answer, Asked, Difference, Json, Kind
from gateway.shadow.formats import same_format

_IGNORED: Final = frozenset({"date", "server", "connection", "keep-alive", "content-length"})
_APART: Final = frozenset({"content-type", "set-cookie", "location", "transfer-encoding"})
_SETS: Final = frozenset({"allow", "vary"})
_PRESENCE: Final = frozenset({"last-modified"})
_BODILESS: Final = frozenset({204, 304})
_HEX: Final = str.maketrans(dict.fromkeys("123456789abcdefABCDEF", "0"))


def compare_heads(expected: Answer, got: Answer, asked: Asked) -> Iterator[Difference]:
    """All but the status."""
    if (ours := content_type(expected)) != (theirs := content_type(got)):
        yield Difference("header:content-type", Kind.CONTENT_TYPE, ours[2], theirs[2])
    names = {name.lower() for answer in (expected, got) for name, _ in answer.headers}
    for name in sorted(names - _IGNORED - _APART):
        yield from _header(name, expected.lines(name), got.lines(name))
    yield from _locations(expected.lines("location"), got.lines("location"), asked.url)
    yield from _streams(expected, got)
    yield from compare_cookies(expected.lines("set-cookie"), got.lines("set-cookie"))


def content_type(answer: Answer) -> tuple[str, str, str]:
    """Type, charset, and both as one text; all empty where there is none."""
    kind, *parameters = ",".join(answer.lines("content-type")).lower().split(";")
    charset = next(
        (
            value.strip(' "')
            for name, _, value in (parameter.partition("=") for parameter in parameters)
            if name.strip() == "charset"
        ),
        "",
    )
    text = kind.strip() + (f"; charset={charset}" if charset else "")
    return kind.strip(), charset, text


def _header(name: str, ours: list[str], theirs: list[str]) -> Iterator[Difference]:
    path = f"header:{name}"
    if bool(ours) != bool(theirs):
        yield _one_sided(path, ours, theirs)
    elif name in _SETS or name.startswith("access-control-"):
        if (first := _parts(ours)) != (second := _parts(theirs)):
            yield Difference(path, Kind.HEADER, list[Json](first), list[Json](second))
    elif name == "etag":
        if (form := _etag_form(ours[0])) != (other := _etag_form(theirs[0])):
            yield Difference(path, Kind.FORMAT, form, other)
    elif name not in _PRESENCE and ours != theirs:
        alike = same_format(", ".join(ours), ", ".join(theirs))
        kind = Kind.HEADER if alike else Kind.FORMAT
        yield Difference(path, kind, ", ".join(ours), ", ".join(theirs))


def _one_sided(path: str, ours: list[str], theirs: list[str]) -> Difference:
    if ours:
        return Difference(path, Kind.MISSING, expected=", ".join(ours))
    return Difference(path, Kind.EXTRA, got=", ".join(theirs))


def _parts(lines: list[str]) -> list[str]:
    return sorted({part.strip().lower() for line in lines for part in line.split(",")} - {""})


def _etag_form(line: str) -> str:
    """`W/"5f-1a2"` → `W/"00-000"`, runs of any length alike: what tells one server's tags from another's."""
    zeros = line.strip().translate(_HEX)
    while "00" in zeros:
        zeros = zeros.replace("00", "0")
    return zeros


def _locations(ours: list[str], theirs: list[str], url: str) -> Iterator[Difference]:
    path = "header:location"
    if not ours or not theirs:
        if ours or theirs:
            yield _one_sided(path, ours, theirs)
        return
    (scheme, first), (other_scheme, second) = _resolved(ours[0], url), _resolved(theirs[0], url)
    if scheme != other_scheme:
        yield Difference(f"{path};scheme", Kind.HEADER, scheme, other_scheme)
    if first != second:
        yield Difference(path, Kind.HEADER, first, second)


def _resolved(location: str, url: str) -> tuple[str, str]:
    """The scheme, and what follows it."""
    try:
        parts = urlsplit(urljoin(url, location))
        return parts.scheme, parts._replace(scheme="").geturl()
    except ValueError:  # a host in brackets that is no address
        return "", location


def _streams(expected: Answer, got: Answer) -> Iterator[Difference]:
    """An answer that may have a body and names no length is a stream."""
    ours, theirs = _is_stream(expected), _is_stream(got)
    if ours != theirs:
        values = ("chunked", ABSENT) if ours else (ABSENT, "chunked")
        kind = Kind.MISSING if ours else Kind.EXTRA
        yield Difference("header:transfer-encoding", kind, *values)


def _is_stream(answer: Answer) -> bool:
    if answer.lines("transfer-encoding"):
        return True
    return answer.status not in _BODILESS and not answer.lines("content-length")
