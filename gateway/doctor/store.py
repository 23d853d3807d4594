"""The store: reached, readable, writable, on a disk that keeps it whole, and heard at once."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex
from time import time
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from gateway.doctor.model import Finding, error, ok, warning
from gateway.store import file
from gateway.store.database import Database, session_arguments
from gateway.store.errors import StoreUnavailable, UnusableStore
from gateway.store.failures import translated
from gateway.store.opening import Store, open_store
from gateway.store.signal import signal_of
from gateway.store.tables import META
from gateway.store.transaction import BUSY, begin_writing

if TYPE_CHECKING:
    from gateway.doctor.case import Case

_NETWORK: Final = re.compile(
    r"nfs\d?|cifs|smb\w*|9p|afs|ceph|lustre|gpfs|glusterfs|beegfs|davfs|ncpfs|vboxsf|prl_fs"
    r"|fuse\.(sshfs|glusterfs|ceph\w*|s3fs|gcsfuse|rclone|davfs\w*|cifs|smb\w*|nfs\w*|goofys)"
)
_NOWHERE: Final = "sqlite:////dev/null/none"  # cannot exist, so it is read as an empty store
_AHEAD: Final = 1.0  # seconds two clocks may differ without anybody minding
_FAR: Final = 60.0


@dataclass(frozen=True, slots=True)
class Sight:
    """The store as it is; an empty one stands in where no start has made its tables yet."""

    store: Store
    made: bool


def is_fleet(url: str) -> bool:
    """Whether several hosts may share the store; False for what is no store at all."""
    try:
        return Database(url).path is None
    except UnusableStore:
        return False


def sight_of(url: str) -> Sight:
    """Makes no tables and no file. Raises StoreUnavailable and UnusableStore."""
    store = open_store(url)
    if not _is_made(store.database):
        return Sight(open_store(_NOWHERE), made=False)
    store.versions.newest()
    return Sight(store, made=True)


def check_store(case: "Case") -> Iterator[Finding]:
    """Where it is, then what was written and taken back, then how changes are heard of."""
    database = Database(case.settings.store_url)
    if database.path is not None:
        yield from _local_disk(database.path, case.around.mounts)
    sight = case.sight.result()
    if database.path is not None and not sight.made and not database.path.exists():
        yield ok(f"{database.shown}: there is none yet; the first start makes it")
        return
    try:
        _write_and_take_back(database, made=sight.made)
    except StoreUnavailable as why:
        yield error(f"{why}: it can be read, not written", _unwritable(database))
        return
    if sight.made:
        yield ok(f"{database.shown}: read and written; version {sight.store.versions.newest()}")
    else:
        yield ok(f"{database.shown}: empty and writable; the first start makes its tables")
    if database.path is None:
        yield _heard(database)


def check_clock(case: "Case") -> Iterator[Finding]:
    """This host's clock against the store's, by which heartbeats and tokens are dated."""
    database = Database(case.settings.store_url)
    if database.path is not None:
        yield ok("the store has this machine's clock")
        return
    with _connected(database) as connection:
        before = time()
        told = database.now(connection)
        behind = told - (before + time()) / 2
    text = f"this host is {abs(behind):.1f} s {'behind' if behind > 0 else 'ahead of'} the store"
    do = "let the host's clock be set: `timedatectl set-ntp true`, or start chronyd"
    if abs(behind) > _FAR:
        yield error(text, do)
    elif abs(behind) > _AHEAD:
        yield warning(text, do)
    else:
        yield ok(text)


def file_system(path: Path, mounts: str) -> str:
    """The kind of the file system that a path is on, by /proc/mounts (proc(5), fstab(5))."""
    found, kind = Path("/"), ""
    path = path.resolve()
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        octal = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[1])
        point = Path(octal)
        if path.is_relative_to(point) and len(point.parts) >= len(found.parts):
            found, kind = point, fields[2]  # of two on one point the later one is seen
    return kind


def _local_disk(path: Path, mounts: Path) -> Iterator[Finding]:
    try:
        kind = file_system(path, mounts.read_text(errors="replace"))
    except OSError:  # no Linux: there is no such list
        return
    if _NETWORK.fullmatch(kind):
        yield error(
            f"{path} is on a network file system ({kind}): SQLite's locks do not hold there, and the "
            "file is damaged sooner or later",
            "set BANYAN_STORE (or BANYAN_VAR) to a local disk, or use PostgreSQL",
        )


def _is_made(database: Database) -> bool:
    if database.path is not None and not database.path.exists():
        return False
    with _connected(database) as connection:
        return sa.inspect(connection).has_table(META.name)


def _write_and_take_back(database: Database, *, made: bool) -> None:
    """Raises StoreUnavailable."""
    name = f"doctor_{token_hex(4)}"
    with _connected(database) as connection:
        begin_writing(connection)
        if made:
            connection.execute(sa.insert(META).values(name=name, value=""))
        else:
            connection.exec_driver_sql(f"CREATE TABLE {name} (one integer)")
        connection.rollback()


@contextmanager
def _connected(database: Database) -> Iterator[sa.Connection]:
    """Outside the store's own engine, which makes the tables where there are none."""
    with translated(database.shown), _engine(database).connect() as connection:
        yield connection


def _engine(database: Database) -> sa.Engine:
    """Raises UnusableStore where the driver is missing."""
    if (path := database.path) is not None:
        opened = partial(file.opened, path, "rw", BUSY)
        return sa.create_engine("sqlite://", creator=opened, poolclass=sa.NullPool)
    arguments = session_arguments(database.url)
    try:
        return sa.create_engine(database.url, poolclass=sa.NullPool, connect_args=arguments)
    except ImportError as why:
        raise UnusableStore(f"{why}; pip install 'banyan-gateway[postgres]'") from why


def _unwritable(database: Database) -> str:
    if database.path is None:
        return "name the primary, not a standby, and grant the user INSERT on the tables"
    if os.access(database.path, os.W_OK) and os.access(database.path.parent, os.W_OK):
        return "is another process in the middle of a change, or the disk full? look again"
    return f"give this user the file and its folder: `chown -R $USER {database.path.parent}`"


def _heard(database: Database) -> Finding:
    """A pooler in transaction mode takes LISTEN and delivers nothing."""
    signal = signal_of(database)
    try:
        signal.wait(0.0)
        listening = signal.listening
    finally:
        signal.close()
    if listening:
        return ok("a change is heard of at once")
    return warning(
        "a notification to ourselves did not arrive in 2 s: a pooler in transaction mode is between; "
        "workers find a change by looking, once a second",
        "name the server itself in BANYAN_STORE, or a pooler in session mode",
    )
