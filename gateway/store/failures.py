"""What drivers raise, as errors that name the store, what happened and the next step."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC
from typing import Final

import sqlalchemy as sa

from gateway.store.errors import StoreUnavailable

DAMAGED: Final = "move the file away: a new one begins with the last good plan"
_WRITABLE: Final = "this user must be able to read and write the file and its folder"
_NEXT_SQLITE: Final = {  # by SQLite's primary result code
    sqlite3.SQLITE_PERM: _WRITABLE,
    sqlite3.SQLITE_READONLY: _WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _WRITABLE,
    sqlite3.SQLITE_BUSY: "another process writes for too long",
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_IOERR: "look at its disk: room, quota, limit of a file's size, defects",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
_NEXT_POSTGRES: Final = {  # by SQLSTATE; none: nobody answered
    "": "is the server up, and is BANYAN_STORE right?",
    "25006": "name the primary, not a standby",
    "3D000": "create the database, or correct BANYAN_STORE",
    "28P01": "correct the password in BANYAN_STORE",
    "3F000": "grant USAGE of its schema to the user that BANYAN_STORE names",
    "42501": "grant it to the user that BANYAN_STORE names",
    "53100": "make room on the server's disk",
    "53300": "raise max_connections, or put a pooler in front",
    "55P03": "another transaction holds what this one needs",
}


@contextmanager
def translated(store: str) -> Iterator[None]:
    """Raises StoreUnavailable for what drivers and files raise; IntegrityError passes."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as error:
        raise StoreUnavailable(f"store {store}: {why(error.orig)}") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"store {store}: {why(error)}") from error
    except sa.exc.TimeoutError as error:
        raise StoreUnavailable(f"store {store}: every connection is in use") from error
    except OSError as error:
        step = None if error.errno == ENOSPC else _WRITABLE
        raise StoreUnavailable(f"store {store}: {_joined(str(error.strerror), step)}") from error


def why(error: BaseException | None) -> str:
    """What happened to a driver, in one line, and the next step."""
    if isinstance(error, sqlite3.Error):
        step = _NEXT_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        return _joined(f"damaged ({error})" if step == DAMAGED else str(error), step)
    first = str(error).strip().partition("\n")[0] or "no answer"
    return _joined(first, _NEXT_POSTGRES.get(getattr(error, "sqlstate", None) or ""))


def _joined(what: str, step: str | None) -> str:
    return f"{what}; {step}" if step else what
