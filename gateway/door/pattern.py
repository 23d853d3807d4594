"""Whether a text fits a part with variables, in time that grows with its length only. Pure.

Werkzeug's regular expressions go back for every pair, triple … of variables (`<a>-<b>-<c>`), so that a
path of hyphens costs the power of their number. Here the ends that a piece can reach are a set, and a
run of characters is walked once, from the first place in it that can be reached.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from gateway.door.parts import Part
from gateway.door.rules import CONVERTERS, Converter

Fits = Callable[[str], object]  # something true, or false
Step = Callable[[str, set[int]], set[int]]  # from the places that can be reached to the next ones

_LENGTHS: Final = re.compile(r"\[\^/\]\{(\d+)(,?)(\d*)\}")
_QUICK: Final[Mapping[str, Fits]] = {
    CONVERTERS["string"].regex: bool,  # the segment is not empty
    CONVERTERS["int"].regex: str.isdecimal,
}
_UUID: Final = re.compile(CONVERTERS["uuid"].regex)


def fits(part: Part) -> Fits:
    """The test for a part's text; of a suffixed one without its slash."""
    variables = [piece for piece in part.pieces if isinstance(piece, Converter)]
    if len(part.pieces) == 1 and variables[0].regex in _QUICK:
        return _QUICK[variables[0].regex]
    steps = [_steps(piece) for piece in part.pieces]
    if len(variables) > 1 and all(steps):
        flat = [step for some in steps for step in some]
        return lambda text: _reaches(flat, text)
    return re.compile(expression(part.pieces)).fullmatch


def expression(pieces: Iterable[str | Converter]) -> str:
    """The regular expression of the pieces, with a group for each variable."""
    return "".join(
        f"(?P<v{number}>{piece.regex})" if isinstance(piece, Converter) else re.escape(piece)
        for number, piece in enumerate(pieces)
    )


def _reaches(steps: Sequence[Step], text: str) -> bool:
    places = {0}
    for step in steps:
        places = step(text, places)
    return len(text) in places


def _steps(piece: str | Converter) -> list[Step]:
    """None for a converter whose expression is the app's own."""
    if isinstance(piece, str):
        return [_literal(piece)]
    regex = piece.regex.removeprefix("-?")
    sign = [_optional_minus] if regex != piece.regex else []
    if regex in _STEPS:
        return [*sign, *_STEPS[regex]]
    lengths = _LENGTHS.fullmatch(regex)
    if lengths:
        least = int(lengths[1])
        return [_segment(least, int(lengths[3] or 0) if lengths[2] else least)]
    return []


def _literal(piece: str) -> Step:
    return lambda text, at: {p + len(piece) for p in at if text.startswith(piece, p)}


def _optional_minus(text: str, at: set[int]) -> set[int]:
    return at | {p + 1 for p in at if text.startswith("-", p)}


def _digits(text: str, at: set[int]) -> set[int]:
    return _runs(text, at, lambda text, p: text[p].isdecimal())


def _path(text: str, at: set[int]) -> set[int]:
    """One character that is no slash, then anything up to a line end."""
    starts = {p for p in at if p < len(text) and text[p] != "/"}
    rest = _runs(text, {p + 1 for p in starts}, lambda text, p: text[p] != "\n")
    return rest | {p + 1 for p in starts}


def _segment(least: int, most: int) -> Step:
    """So many characters that are no slash; `most` 0: any number."""

    def step(text: str, at: set[int]) -> set[int]:
        if most:
            return {end for p in at for end in _bounded(text, p, least, most)}
        starts = {
            p + least for p in at if "/" not in text[p : p + least] and p + least <= len(text)
        }
        return starts | _runs(text, starts, lambda text, p: text[p] != "/")

    return step


def _bounded(text: str, start: int, least: int, most: int) -> Iterator[int]:
    slash = text.find("/", start)
    last = min(start + most, len(text) if slash < 0 else slash)
    yield from range(start + least, last + 1)


def _runs(text: str, starts: set[int], takes: Callable[[str, int], bool]) -> set[int]:
    """The ends of runs of one or more characters that begin at one of the places."""
    ends: set[int] = set()
    at = 0
    for start in sorted(starts):
        at = max(at, start)
        while at < len(text) and takes(text, at):
            at += 1
            ends.add(at)
    return ends


def _uuid(text: str, at: set[int]) -> set[int]:
    return {p + 36 for p in at if _UUID.match(text, p)}


_STEPS: Final[Mapping[str, list[Step]]] = {
    CONVERTERS["path"].regex: [_path],
    CONVERTERS["int"].regex: [_digits],
    CONVERTERS["float"].regex: [_digits, _literal("."), _digits],
    CONVERTERS["uuid"].regex: [_uuid],
}
