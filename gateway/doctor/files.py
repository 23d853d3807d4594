"""Files and folders: writable where we write, closed to others where it matters, and with room."""

import os
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE, S_ISVTX, S_IWOTH
from typing import Final

from gateway.doctor.case import Case
from gateway.doctor.model import Finding, error, ok, warning
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.errors import UnusableStore

_MB: Final = 1_000_000
_LITTLE, _NONE = 100 * _MB, 10 * _MB  # bytes that are free


def check_permissions(case: Case) -> Iterator[Finding]:
    """What we write, and what nobody else may read or write."""
    settings = case.settings
    found = [*_var(settings.var), *_secret(settings), *_store(settings), *_tls(settings)]
    yield from found or [ok(f"{settings.var} is writable, and what is secret is closed")]


def check_disk(case: Case) -> Iterator[Finding]:
    """Room for plan versions, the last good plan and bodies that wait."""
    settings = case.settings
    folders = {_there(settings.var)}
    if (path := _database(settings)) is not None:
        folders.add(_there(path.parent))
    devices = {folder.stat().st_dev: folder for folder in sorted(folders)}
    for folder in devices.values():
        yield _room(folder)


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    stat = os.statvfs(folder)
    text = f"{folder.absolute()}: {free / _MB:,.0f} MB are free"
    do = f"make room: `du -xsh {folder.absolute()}/*` shows what takes it"
    if stat.f_files and not stat.f_favail:
        return error(f"{folder.absolute()}: no inode is free: no file can be made", do)
    if free < _NONE:
        return error(text, do)
    return warning(text, do) if free < _LITTLE else ok(text)


def _var(var: Path) -> Iterator[Finding]:
    there = _there(var)
    if there.exists() and not there.is_dir():
        yield error(
            f"{there} is no folder: {var} cannot be made", f"move it away: `mv {there} {there}.old`"
        )
    elif not os.access(there, os.W_OK | os.X_OK):
        what = f"{var} cannot be written" if there == var else f"{var} cannot be made in {there}"
        yield error(what, f"give this user the folder: `chown $USER {there}`")
    elif there == var and var.stat().st_mode & (S_IWOTH | S_ISVTX) == S_IWOTH:
        yield error(f"everybody may replace files in {var}", f"`chmod o-w {var}`")


def _secret(settings: Settings) -> Iterator[Finding]:
    path = settings.var / "secret"
    if settings.secret is not None or not path.exists():
        return
    stat = path.stat()
    if S_IMODE(stat.st_mode) & 0o077:
        mode = f"{S_IMODE(stat.st_mode):04o}"
        yield error(f"{path} has mode {mode}: others can forge overrides", f"`chmod 600 {path}`")
    if stat.st_uid != os.geteuid() and os.geteuid() != 0:
        yield error(f"{path} belongs to user {stat.st_uid}, not to us", f"`chown $USER {path}`")
    elif not os.access(path, os.R_OK):
        yield error(f"{path} cannot be read", f"`chmod 600 {path}`")


def _store(settings: Settings) -> Iterator[Finding]:
    path = _database(settings)
    for one in (path, *(Path(f"{path}{end}") for end in ("-wal", "-shm"))) if path else ():
        if one is not None and one.exists() and one.stat().st_mode & S_IWOTH:
            yield error(f"everybody may write {one}: the plan and the tokens", f"`chmod o-w {one}`")


def _tls(settings: Settings) -> Iterator[Finding]:
    cert, key = settings.control_tls_cert, settings.control_tls_key
    if cert is None or key is None:
        return  # `check_bind` says what is missing
    if not os.access(key, os.R_OK):
        why = "cannot be read" if key.exists() else "is not there"
        yield error(
            f"{key}, the control plane's key, {why}", f"make it readable: `chown $USER {key}`"
        )
        return
    if key.stat().st_mode & 0o004:
        yield warning(f"everybody on this host can read {key}", f"`chmod o-r {key}`")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            cert, key, password=lambda: b""
        )  # or OpenSSL would ask the terminal
    except (OSError, ValueError) as why:
        told = getattr(why, "strerror", None) or getattr(why, "reason", None) or why
        do = "name a PEM certificate with its chain, and its key without a password"
        yield error(f"{cert} and {key} are no pair that TLS can use: {told}", do)


def _database(settings: Settings) -> Path | None:
    try:
        return Database(settings.store_url).path
    except UnusableStore:
        return None


def _there(path: Path) -> Path:
    """The path, or the nearest above it that exists."""
    return next((one for one in (path, *path.parents) if one.exists()), Path())
