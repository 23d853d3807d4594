"""What is known of a failure: one word, or an exception's fingerprint.

A fingerprint is an exception's type and the innermost frame of the app's own code, `KeyError at
shop.orders.place`: it is the same for every request that fails alike, and holds nothing of the request.
"""

import os
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

NOBODYS: Final = "nobodys"  # the request cannot be passed on: no stack is to blame
UNREACHABLE: Final = "unreachable"  # the stack could not be connected to
CUT: Final = "cut"  # it closed the connection in the middle of a request
TIMEOUT: Final = "timeout"  # it gave no answer in time
WORDS: Final = frozenset({NOBODYS, UNREACHABLE, CUT, TIMEOUT})
LONGEST: Final = 200  # characters of a fingerprint; an app may name things as it likes
_FRAMEWORKS: Final = frozenset(
    {
        "a2wsgi",
        "anyio",
        "fastapi",
        "flask",
        "gateway",
        "pydantic",
        "starlette",
        "uvicorn",
        "werkzeug",
    }
)


def fingerprint(error: BaseException) -> str:
    """Of an exception that was raised and caught; of a group, its first one's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    where = place(list(_frames(error.__traceback__)))
    return _plain(f"{module}{kind.__qualname__} at {where}"[:LONGEST])


def place(frames: Sequence[FrameType]) -> str:
    """The innermost frame that is the app's own; the innermost comes last.

    An app may be installed beside its libraries: then it is the innermost one of no framework.
    """
    for wanted in (_is_own, _is_no_framework, lambda _: True):
        for frame in reversed(frames):
            if wanted(frame):
                return f"{_module(frame)}.{frame.f_code.co_qualname}"
    return "?"


def _plain(text: str) -> str:
    """No store takes a lone surrogate, nor PostgreSQL a null: one such name would be told for ever."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _frames(traceback: TracebackType | None) -> Iterator[FrameType]:
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))


def _is_own(frame: FrameType) -> bool:
    return _is_no_framework(frame) and not frame.f_code.co_filename.startswith(_libraries())


def _is_no_framework(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    standard = file.startswith(("<", *_standard())) and not file.startswith(_libraries())
    return not standard and _module(frame).partition(".")[0] not in _FRAMEWORKS


@cache
def _libraries() -> tuple[str, ...]:
    return _folders("purelib", "platlib")


@cache
def _standard() -> tuple[str, ...]:
    return _folders("stdlib", "platstdlib")


def _folders(*names: str) -> tuple[str, ...]:
    return tuple({f"{Path(sysconfig.get_path(name))}{os.sep}" for name in names})
