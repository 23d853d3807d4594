"""A price path that is a pure function of (key, time), with bounds that make it searchable. Pure.

The path is a midpoint-displacement fractal (Fournier, Fussell, Carpenter 1982): anchors every
2**LEVELS ticks are drawn at random, and each midpoint is the mean of its neighbours plus a draw
whose bound shrinks by √2 per level, as in a random walk. So the value at one tick costs LEVELS + 2
draws, and inside a cell the path can leave the range of its ends by a known slack only: a search
for the first tick beyond a price skips every cell that cannot reach it. Everything is integer
arithmetic, so that every machine sees the same prices.
"""

from dataclasses import dataclass
from hashlib import blake2b
from math import isqrt
from typing import Final

LEVELS: Final = 16  # a tick is one second: anchors are 18.2 hours apart
UNIT: Final = 10**9
"""A value x means x / UNIT above the base price, e.g. 50 000 000 is 5 % above."""

_ANCHOR_BOUND: Final = UNIT * 6 // 100
_TOP_BOUND: Final = UNIT * 3 // 100


def _bounds() -> tuple[int, ...]:
    """The largest displacement of the midpoint of a cell of 2**level ticks; level 0 has none."""
    squares = (_TOP_BOUND**2 >> (LEVELS - level) for level in range(1, LEVELS + 1))
    return (0, *(isqrt(square) for square in squares))


_BOUNDS: Final = _bounds()
_SLACK: Final = tuple(sum(_BOUNDS[: level + 1]) for level in range(LEVELS + 1))

LOWEST: Final = -_ANCHOR_BOUND - _SLACK[LEVELS]
HIGHEST: Final = -LOWEST


@dataclass(frozen=True, slots=True)
class Cell:
    """The ticks from `index << level` up to the next cell, and the values at both ends."""

    level: int
    index: int
    left: int
    right: int

    @property
    def start(self) -> int:
        return self.index << self.level

    @property
    def end(self) -> int:
        """The first tick of the next cell."""
        return (self.index + 1) << self.level


class PricePath:
    """`key` (up to 64 bytes) picks one path of many."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def value(self, tick: int) -> int:
        """The path at `tick`, in UNITs above the base price."""
        cell = self._anchor_cell(tick >> LEVELS)
        while cell.level:
            left, right = self._halves(cell)
            cell = right if tick >= right.start else left
        return cell.left

    def first_within(self, ceiling: int, after: int, until: int, *, sign: int = 1) -> int | None:
        """The first tick in (after, until] where `sign` times the value is at most `ceiling`."""
        for index in range((after + 1) >> LEVELS, (until >> LEVELS) + 1):
            pending = [self._anchor_cell(index)]  # a stack, the earliest cell on top
            while pending:
                cell = pending.pop()
                lowest = min(sign * cell.left, sign * cell.right) - _SLACK[cell.level]
                if cell.end <= after + 1 or cell.start > until or lowest > ceiling:
                    continue
                if cell.level:
                    pending.extend(reversed(self._halves(cell)))
                elif sign * cell.left <= ceiling:
                    return cell.index
        return None

    def extremes(self, start: int, end: int) -> tuple[int, int]:
        """The lowest and the highest value at the ticks from `start` up to `end`."""
        return -self._highest(start, end, sign=-1), self._highest(start, end, sign=1)

    def draw(self, name: str, bound: int) -> int:
        """A number in [-bound, bound] that depends on `name` and the key alone."""
        digest = blake2b(name.encode(), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest) % (2 * bound + 1) - bound

    def _highest(self, start: int, end: int, *, sign: int) -> int:
        """The highest of `sign` times the values; a cell that cannot hold it is never opened."""
        highest = sign * self.value(start)
        cells = range(start >> LEVELS, ((end - 1) >> LEVELS) + 1)
        pending = [self._anchor_cell(index) for index in cells]
        while pending:
            cell = pending.pop()
            ends = sign * cell.left, sign * cell.right
            outside = cell.end <= start or cell.start >= end
            if outside or max(ends) + _SLACK[cell.level] <= highest:
                continue
            if cell.start >= start:
                highest = max(highest, ends[0])
            if cell.level:
                halves = self._halves(cell)
                pending.extend(halves if ends[1] > ends[0] else reversed(halves))
        return highest

    def _anchor_cell(self, index: int) -> Cell:
        return Cell(LEVELS, index, self._anchor(index), self._anchor(index + 1))

    def _anchor(self, index: int) -> int:
        return self.draw(f"anchor {index}", _ANCHOR_BOUND)

    def _halves(self, cell: Cell) -> tuple[Cell, Cell]:
        level = cell.level - 1
        shift = self.draw(f"{cell.level} {cell.index}", _BOUNDS[cell.level])
        middle = (cell.left + cell.right) // 2 + shift
        return (
            Cell(level, 2 * cell.index, cell.left, middle),
            Cell(level, 2 * cell.index + 1, middle, cell.right),
        )
