"""When the cyclic garbage collector looks through everything: while nothing waits for it, or never.

What a start makes, modules and apps, stays for ever, and so does a plan's table until another replaces it,
when it goes without the collector. To look through them takes a tenth of a start, and later would
hold the loop up: 100 ms for a table of 10 000 routes.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_USUAL: Final = gc.get_threshold()
_STARTING: Final = 1_000_000  # objects made between two collections; a start makes 400 000
_NEVER: Final = 1_000_000  # collections of the middle generation before a full one

_makers: Final[set[object]] = set()  # those that are at it


def put_off() -> None:
    """A start begins."""
    gc.set_threshold(_STARTING)


def settle() -> None:
    """What is there now is looked at no more."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


@contextmanager
def making() -> Iterator[None]:
    """What is made meanwhile is made to stay. What dies young is collected as usual."""
    maker = object()
    _makers.add(maker)  # the file and the store are followed side by side
    _let_full_ones_begin_after(_NEVER)
    try:
        yield
    finally:
        _makers.discard(maker)
        gc.collect(1)  # half a millisecond, or what is garbage already would stay as well
        gc.freeze()
        if not _makers:
            _let_full_ones_begin_after(_USUAL[2])


def _let_full_ones_begin_after(collections: int) -> None:
    """Of the middle generation; a start that goes on keeps the others put off."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, collections)
