"""Traded volume as a pure function of (key, time), summable over any span. Pure.

A multiplicative cascade (Mandelbrot 1974): every cell of 2**LEVELS ticks has a volume drawn at random,
and each half of a cell gets a drawn share of it, down to one tick. So what one tick trades costs LEVELS
draws, what a year trades costs as few, and the sum over ticks is exactly the volume of the span.
"""

from typing import Final

from shared_services.exchange.paper.path import LEVELS, PricePath

UNIT: Final = 10**8
"""A volume v means v / UNIT lots."""

_CELL: Final = 1_000 * UNIT  # traded in 18.2 hours, on average
_CELL_SPREAD: Final = 300 * UNIT
_SHARE_SPREAD: Final = 150  # thousandths: a half gets 35 % to 65 % of its whole


def volume(path: PricePath, start: int, end: int) -> int:
    """What is traded in the ticks from `start` up to `end`, in UNITs of a lot."""
    whole = sum(_of_cell(path, index) for index in range(start >> LEVELS, end >> LEVELS))
    return whole - _before(path, start) + _before(path, end)


def _of_cell(path: PricePath, index: int) -> int:
    return _CELL + path.draw(f"volume {index}", _CELL_SPREAD)


def _before(path: PricePath, tick: int) -> int:
    """What is traded in the cell of `tick` before it."""
    index = tick >> LEVELS
    total, before = _of_cell(path, index), 0
    for level in reversed(range(LEVELS)):
        share = 500 + path.draw(f"volume {level} {index}", _SHARE_SPREAD)
        left = total * share // 1_000
        index *= 2
        if tick >> level > index:
            index += 1
            before, total = before + left, total - left
        else:
            total = left
    return before
