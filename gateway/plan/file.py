"""The plan file, and the last plan that was accepted from it.

The last good plan is kept on disk with its version, so that a worker that starts while the file is
broken runs on, and so that all workers call one text by one version: whoever accepts a new text
first counts up, under a lock, and the others find it.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from gateway.plan.document import LIMIT, PlanRefused, Problem

Stamp = tuple[int, int, int, int, int]  # of a file: mtime and ctime in ns, size, inode, device


@dataclass(frozen=True, slots=True)
class Accepted:
    """A text that compiled, and the version it was given: 1, 2, 3, …"""

    text: str
    version: int


def stamp(path: Path) -> Stamp | None:
    """Changes when the file's content may have changed; None while there is no such file.

    It follows symbolic links, so it sees a link that is turned to another file.
    """
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev


def read_plan(path: Path) -> str:
    """The file's text. Raises PlanRefused."""
    try:
        stat = path.stat()
        if not (S_ISREG(stat.st_mode) or S_ISDIR(stat.st_mode)):
            raise PlanRefused([Problem(f"{path} is no regular file")])  # a pipe would never end
        if stat.st_size > 4 * LIMIT:
            raise PlanRefused([Problem(f"{stat.st_size} bytes; a plan has at most {4 * LIMIT}")])
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise PlanRefused([Problem(f"there is no file {path}")]) from error
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8: a plan is a text file"
        raise PlanRefused([Problem(message)]) from error
    except OSError as error:
        raise PlanRefused([Problem(f"{path} cannot be read: {error.strerror}")]) from error


class LastGood:
    """The last accepted plan, in a file that workers on one machine share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Accepted | None:
        """None if there is none, or none that can be read."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        match stored:
            case {"text": str(text), "version": int(version)} if version > 0:
                return Accepted(text, version)
            case _:
                return None

    def version_of(self, text: str) -> int:
        """The version `text` has, or would get: the same text as before keeps its version."""
        last = self.read()
        if last is None:
            return 1
        return last.version if last.text == text else last.version + 1

    def accept(self, text: str) -> Accepted:
        """Stores `text` as the last good plan. Raises OSError if the folder cannot be written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            accepted = Accepted(text, self.version_of(text))
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps({"version": accepted.version, "text": text}) + "\n")
            draft.replace(self._path)
        return accepted

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
