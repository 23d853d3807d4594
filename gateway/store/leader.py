"""Of several control planes one leads: it alone tidies up. Another takes over when its session ends.

PostgreSQL keeps the lock as long as the session lives; on one machine the kernel does, for a file.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

from gateway.store.database import Database
from gateway.store.signal import connect
from gateway.store.transaction import Turn


class Leadership(Protocol):
    """Asked again and again, in a thread."""

    def held(self) -> bool:
        """Tries to lead, or to go on leading. Never raises: who cannot tell does not lead."""

    def close(self) -> None: ...


def leadership(database: Database) -> Leadership:
    """Takes nothing yet."""
    path = database.path
    return SessionLock(database) if path is None else FileLock(path.with_suffix(".leader"))


class FileLock:
    """A lock on a file beside the SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def held(self) -> bool:
        if self._file is not None:
            if self._is_there(self._file):
                return True
            self.close()  # deleted, and perhaps made anew and locked by another
        try:
            file = self._path.open("w")
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return self._is_there(file)

    def _is_there(self, file: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except OSError:
            return False

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class SessionLock:
    """An advisory lock of a PostgreSQL session, on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None  # psycopg's

    def held(self) -> bool:
        import psycopg  # noqa: PLC0415 (an extra)

        try:
            if self._connection is not None:
                # Asked of the server, not of the socket: a pooler may have given us another session.
                return self._asked(
                    "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted "
                    "AND pid = pg_backend_pid() AND classid::bigint << 32 | objid::bigint = %s"
                )
            self._connection = connect(self._database)
            return self._asked("SELECT pg_try_advisory_lock(%s)")
        except psycopg.Error:
            self.close()
            return False

    def _asked(self, query: str) -> bool:
        held = bool(self._connection.execute(query, (int(Turn.LEADER),)).fetchone()[0])
        if not held:
            self.close()
        return held

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
