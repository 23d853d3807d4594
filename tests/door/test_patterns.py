"""A part with several variables is tested in time that grows with its length, and as the regex does."""

import re

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.door.parts import parts_of
from gateway.door.pattern import expression, fits
from gateway.door.rules import Converter, DoorRule

PIECES = [
    "{a}",
    "{b:int}",
    "{c:float}",
    "{d:path}",
    "{e:uuid}",
    "{f}",
    "{g:path}",
    "-",
    ".",
    "x",
    "v",
]
BOUNDS = {"f": Converter("string", "[^/]{2,3}"), "a": Converter("string", "[^/]{2}")}
UUID = "00000000-0000-0000-0000-00000000000a"
texts = st.lists(st.sampled_from(["a", "1", "٣", "-", ".", "/", "\n", "x", "12", UUID]), max_size=9)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5, unique=True), st.booleans(), texts)
def test_a_part_takes_what_its_regular_expression_takes(
    pieces: list[str], bounded: bool, characters: list[str]
) -> None:
    rule = DoorRule("/" + "".join(pieces), converters=BOUNDS if bounded else {})
    part = parts_of(rule)[-1]
    if part.literal is not None:
        return
    text = "".join(characters)
    assume(part.final or "/" not in text)  # then it is a segment
    assert bool(fits(part)(text)) == bool(re.fullmatch(expression(part.pieces), text))


def test_b128_a_long_path_of_hyphens_costs_its_length() -> None:
    """Counted, not timed: how often a piece looks at a character."""
    part = parts_of(DoorRule("/{a}-{b}-{c}-{d}-{e}.html"))[-1]
    looked = 0

    class Counting(str):
        def __getitem__(self, at: object) -> str:
            nonlocal looked
            looked += 1
            return super().__getitem__(at)  # type: ignore[index]

    length = 4000
    assert not fits(part)(Counting("-" * length))
    assert looked < 20 * length
