"""Where a stack is: what the settings BANYAN_LEGACY and BANYAN_MODERN may say.

    pkg.module:app            an app in this process
    process:pkg.module:app    an app in a process of its own, started and watched by each worker
    http://host:port          a stack that somebody else runs; https:// with a certificate that is verified
    unix:/path                the same behind a unix socket

Each value has one reading. What could be read in two ways is refused with both.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.errors import BanyanError

KINDS: Final = "pkg.module:app, process:pkg.module:app, http://host:port or unix:/path"
_NAME: Final = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_IMPORT_STRING: Final = re.compile(rf"{_NAME}:{_NAME}")
_HOST_AND_PORT: Final = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):\d+")
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_SCHEMES: Final = {"http": 80, "https": 443}
_UNIX_PATH_MAX: Final = 107  # bytes; `sun_path` of unix(7) less its last NUL


class StackNotFound(BanyanError):
    """The setting names no stack that can be used; the message says what was looked for where."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class ImportString:
    """An app in this process."""

    value: str


@dataclass(frozen=True, slots=True)
class Spawned:
    """An app in a process of its own. `setting` is whose value it is, for messages."""

    setting: str
    value: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A stack that somebody else runs: `host` and `port`, or `path` of a unix socket."""

    setting: str
    host: str = ""
    port: int = 0
    tls: bool = False
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


Address = ImportString | Spawned | Remote


def parse_address(setting: str, value: str) -> Address:
    """What `value` means. Raises StackNotFound with the nearest right value."""
    if not value.isprintable() or " " in value:  # urlsplit would drop some of them in silence
        raise StackNotFound(f"{setting}={value!r} holds a blank; expected {KINDS}")
    kind, _, rest = value.partition(":")
    if kind == "process":
        return Spawned(setting, _spawned(setting, value, rest))
    if kind == "unix":
        return Remote(setting, path=_unix(setting, value, rest))
    if "//" in value or kind.lower() in _SCHEMES:
        return _url(setting, value)
    if _HOST_AND_PORT.fullmatch(value):
        raise _refused(setting, value, "is a host and a port", f"http://{value}")
    if value.startswith(("/", "./", "~")):
        raise _refused(setting, value, "is a path", f"unix:/{value.lstrip('./~')}")
    if not _IMPORT_STRING.fullmatch(value):
        raise StackNotFound(f"{setting}={value!r} is no import string; expected pkg.module:app")
    return ImportString(value)


def _spawned(setting: str, value: str, rest: str) -> str:
    if _IMPORT_STRING.fullmatch(rest):
        return rest
    if re.fullmatch(_NAME, rest):
        raise _ambiguous(setting, value, f"the module {rest} in a process: process:{rest}:app")
    raise StackNotFound(
        f"{setting}={value!r}: after `process:` stands an import string; expected "
        "process:pkg.module:app"
    )


def _unix(setting: str, value: str, rest: str) -> str:
    if re.fullmatch(_NAME, rest):
        raise _ambiguous(setting, value, f"a socket of that name: unix:/path/to/{rest}")
    if not rest.startswith("/") or rest.startswith("//"):
        nearest = f"unix:/{rest.lstrip('/.') or 'path/to/socket'}"
        raise _refused(setting, value, "names no absolute path of a socket", nearest)
    if len(rest.encode()) > _UNIX_PATH_MAX or "\0" in rest:
        raise StackNotFound(
            f"{setting}: a socket's path has at most {_UNIX_PATH_MAX} bytes: {rest}"
        )
    return rest


def _url(setting: str, value: str) -> Remote:
    scheme, _, rest = value.partition(":")
    if scheme.lower() not in _SCHEMES:
        if scheme.lower() == "http+unix":
            raise _refused(setting, value, "is no URL of a stack", f"unix:/{rest.strip('/')}")
        host = rest.lstrip("/") or "host:port"
        raise _refused(setting, value, "is no http:// URL", f"http://{host}")
    if re.fullmatch(_NAME, rest):
        raise _ambiguous(setting, value, f"a host of that name: {scheme}://{rest}")
    if not rest.startswith("//"):
        host = f"localhost:{rest}" if rest.isdigit() else rest.lstrip("/") or "host:port"
        raise _refused(setting, value, "is no URL", f"{scheme}://{host}")
    host, port = _authority(setting, value)
    return Remote(setting, host, port or _SCHEMES[scheme.lower()], tls=scheme.lower() == "https")


def _authority(setting: str, value: str) -> tuple[str, int | None]:
    """The host and port of a URL that has nothing else."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise StackNotFound(f"{setting}={value!r}: {error}") from error
    if not host or port == 0 or not (_HOST.fullmatch(host) or ":" in host):
        raise StackNotFound(f"{setting}={value!r} names no host; expected http://host:port")
    bare = host if ":" not in host else f"[{host}]"
    nearest = f"{parts.scheme}://{bare}" + (f":{port}" if port else "")
    if parts.username is not None or parts.password is not None:
        raise _refused(setting, _hidden(value), "holds a user, and a stack's URL has none", nearest)
    if parts.path not in {"", "/"} or any(mark in value for mark in "?#"):
        raise _refused(setting, value, "has a path, and a stack gets each request's own", nearest)
    return host, port


def _hidden(value: str) -> str:
    """What stands before the @ may be a password: it goes into no message."""
    scheme, _, rest = value.partition("//")
    return f"{scheme}//…@{rest.rpartition('@')[2]}"


def _refused(setting: str, value: str, why: str, nearest: str) -> StackNotFound:
    return StackNotFound(f"{setting}={value!r} {why}; nearest: {nearest}")


def _ambiguous(setting: str, value: str, other: str) -> StackNotFound:
    module, _, app = value.partition(":")
    return StackNotFound(
        f"{setting}={value!r} can be read as {app!r} of the module {module!r} (then import it from a "
        f"module of another name), or as {other}"
    )
