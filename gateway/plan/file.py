"""The plan file, and what a host remembers of plans on its own disk.

The last good plan is kept with its version, so that a worker that starts while file and store are out
of reach runs on.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from gateway.atomic import replace_file
from gateway.plan.document import LIMIT, PlanRefused, Problem

Stamp = tuple[int, int, int, int, int]  # of a file: mtime and ctime in ns, size, inode, device


@dataclass(frozen=True, slots=True)
class Accepted:
    """A text that ran on this host, and the version it has in the store."""

    text: str
    version: int
    store: str = ""  # the id of that store; empty: not known


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
    """The newest plan that ran here, in a file that workers on one machine share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Accepted | None:
        """None if there is none, or none that can be read."""
        match _stored(self._path):
            case {"text": str(text), "version": int(version), "store": str(store)} if version > 0:
                return Accepted(text, version, store)
            case _:
                return None

    def keep(self, accepted: Accepted) -> None:
        """Stores it, unless a newer one of its store is there. Raises OSError if nothing can be written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            last = self.read()
            newer = last is None or last.version <= accepted.version
            if last != accepted and (newer or (last is not None and last.store != accepted.store)):
                _store(self._path, asdict(accepted))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class FileBase:
    """The text that was last applied from a plan file on this host: where the next merge starts."""

    def __init__(self, path: Path, plan: Path) -> None:
        self._path = path
        self._plan = str(plan.absolute())

    def read(self) -> str | None:
        """None if nothing was applied from this very file here."""
        match _stored(self._path):
            case {"file": self._plan, "text": str(text)}:
                return text
            case _:
                return None

    def keep(self, text: str) -> None:
        """Raises OSError."""
        _store(self._path, {"file": self._plan, "text": text})


def _stored(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _store(path: Path, document: Mapping[str, object]) -> None:
    replace_file(path, json.dumps(document).encode() + b"\n")
