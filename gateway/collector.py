"""What a start, and a change of the plan, takes from those who wait for the interpreter.

When the cyclic garbage collector looks through everything: while nothing waits for it, or never.

What a start makes, modules and apps, stays for ever: to look through it takes a tenth of a start. What a
change of the plan makes is looked at while it is little, 20 ns for each object (10 000 routes that change
are 30 000 objects, 10 000 rules 50 000); a collection in the middle of making it would look at much more.
What it replaces is freed some at a time, for the same reason: in one go that takes as long. And while a
plan is made, threads change places more often: a p99 of 3.5 ms instead of 6 (`benchmarks.reload`).
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from sys import getallocatedblocks, getswitchinterval, setswitchinterval
from time import sleep
from typing import Any, Final

_USUAL: Final = gc.get_threshold()
_STARTING: Final = 1_000_000  # objects made between two collections; a start makes 400 000
_NEVER: Final = 1_000_000  # collections of the middle generation before a full one
_LITTLE: Final = 200_000  # blocks of memory; half are objects, looked at in two milliseconds
_TURN: Final = 256  # objects that are freed until others have their turn
_SHORT: Final = 0.0001  # seconds that a thread goes on while another waits

_makers: Final[set[object]] = set()  # those that are at it
_turn: Final = [getswitchinterval()]  # seconds that it goes on while nobody makes anything
_made: Final = [0]  # blocks, what was freed subtracted, since all is looked at no more


def put_off() -> None:
    """A start begins."""
    gc.set_threshold(_STARTING)


def settle() -> None:
    """What is there now is looked at no more."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


@contextmanager
def making() -> Iterator[None]:
    """No full collection meanwhile, and threads take shorter turns: nobody waits for a plan, clients do.

    What dies young is collected as usual. If it was much, what is there now is looked at no more. What is
    garbage by then, and young, is collected before; other garbage stays for ever, and so does what is alive
    and will be cyclic garbage.
    """
    maker, before = object(), getallocatedblocks()
    _makers.add(maker)  # the file and the store are followed side by side
    _let_full_ones_begin_after(_NEVER)
    setswitchinterval(min(_SHORT, _turn[0]))
    try:
        yield
    finally:
        _makers.discard(maker)
        if gc.get_threshold()[0] != _STARTING:  # a start ends with all of it
            gc.collect(1)
            _made[0] += getallocatedblocks() - before
            if _made[0] > _LITTLE:
                gc.freeze()
                _made[0] = 0
        if not _makers:
            _let_full_ones_begin_after(_USUAL[2])
            setswitchinterval(_turn[0])


def take_turns(seconds: float) -> None:
    """How long a thread goes on while another waits, from now on."""
    _turn[0] = seconds
    setswitchinterval(seconds)


def let_go(parts: Iterable[list[Any]]) -> None:
    """Frees what the lists hold, one list after the other, if nobody else does; in a thread.

    A table of 10 000 routes that is freed in one go holds the interpreter's lock for two milliseconds.
    """
    before = getallocatedblocks()
    for part in parts:
        while part:
            del part[-_TURN:]
            sleep(0)
    _made[0] += getallocatedblocks() - before


def _let_full_ones_begin_after(collections: int) -> None:
    """Of the middle generation; a start that goes on keeps the others put off."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, collections)
