"""From a template to the parts a table is built of, with Werkzeug's weights. Pure.

A part is a segment, or, where a variable may hold slashes, all the rest of the path. After
`werkzeug.routing.rules.Rule._parse_rule` (3.1), which is the oracle in the tests.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.door.rules import VARIABLE, Converter, DoorRule


class Weight(NamedTuple):
    """A smaller one is tried first: more literal text, longer literals, more variables."""

    literals: int = 0
    literal_sizes: tuple[tuple[int, int], ...] = ()
    variables: int = 0
    variable_weights: tuple[int, ...] = ()


class Part(NamedTuple):
    """A literal segment, or a pattern."""

    literal: str | None
    pieces: tuple[str | Converter, ...] = ()  # of a pattern: literal text and variables
    final: bool = False  # takes all that is left of the path
    suffixed: bool = False  # a final one that a slash follows
    weight: Weight = Weight()


@dataclass(slots=True)
class _Draft:
    """A part while its pieces are read."""

    pieces: list[str | Converter] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    final: bool = False

    def part(self, *, suffixed: bool = False) -> Part:
        if not self.weights:
            return Part("".join(str(piece) for piece in self.pieces))
        weight = Weight(
            -len(self.sizes), tuple(self.sizes), -len(self.weights), tuple(self.weights)
        )
        return Part(None, tuple(self.pieces), self.final, suffixed, weight)


def parts_of(rule: DoorRule) -> tuple[Part, ...]:
    """The domain's parts, then the path's; the first of the path is the empty one before its slash."""
    domain = tuple(_parts(rule.domain, rule)) if rule.domain else (Part(""),)
    return domain + tuple(_parts(rule.template, rule))


def _parts(template: str, rule: DoorRule) -> Iterator[Part]:
    draft = _Draft()
    for piece in _pieces(template, rule):
        if piece == "/":
            if draft.final:
                draft.pieces.append(piece)
            else:
                yield draft.part()
                draft = _Draft()
        elif isinstance(piece, str):
            draft.sizes.append((len(draft.sizes), -len(piece)))
            draft.pieces.append(piece)
        else:
            draft.final = draft.final or not piece.isolating
            draft.weights.append(piece.weight)
            draft.pieces.append(piece)
    suffixed = draft.final and draft.pieces[-1] == "/"
    if suffixed:
        draft.pieces.pop()
    yield draft.part(suffixed=suffixed)
    if suffixed:
        yield Part("")


def _pieces(template: str, rule: DoorRule) -> Iterator[str | Converter]:
    """Slashes, literal texts between them, and variables."""
    at = 0
    for found in VARIABLE.finditer(template):
        yield from _literals(template[at : found.start()])
        # Its bounds are asked when the rule is found: to the search they make no difference.
        known = rule.converter(found["name"], found["kind"])
        yield Converter("", known.regex, known.weight, known.isolating)
        at = found.end()
    yield from _literals(template[at:])


def _literals(text: str) -> Iterator[str]:
    return (piece for piece in re.split("(/)", text) if piece)
