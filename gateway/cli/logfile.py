"""Access logs as lines of text: plain or gzip, from a file or standard input."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import Final

from gateway.errors import BanyanError

_GZIP: Final = b"\x1f\x8b"  # RFC 1952 §2.3.1
_LONGEST: Final = 1 << 21  # bytes; of a longer line the rest counts as another one


class LogUnreadable(BanyanError):
    """A file is not there, or damaged."""


def lines_of(name: str, standard_input: BufferedReader) -> Iterator[str]:
    """Line by line, whatever the bytes are; `-` is standard input. Raises LogUnreadable."""
    count = 0
    try:
        with _opened(name, standard_input) as raw:
            # By its first bytes: a rotated log is not always called `.gz`.
            file = gzip.open(raw) if raw.peek(2)[:2] == _GZIP else raw  # noqa: SIM115 (`raw` closes)
            while line := file.readline(_LONGEST):
                count += 1
                yield line.decode(errors="replace")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise LogUnreadable(f"{name}: damaged gzip after line {count} ({error})") from error
    except OSError as error:
        raise LogUnreadable(f"{name}: {error.strerror or error}") from error


def _opened(name: str, standard_input: BufferedReader) -> AbstractContextManager[BufferedReader]:
    return nullcontext(standard_input) if name == "-" else Path(name).open("rb")
