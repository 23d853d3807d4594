"""The WSGI environ (PEP 3333) as gunicorn's gthread worker builds it.

`tests/differential/test_environ.py` compares the two key by key.
"""

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, BinaryIO, Final
from urllib.parse import unquote_to_bytes

from gateway.messages import Scope

Environ = dict[str, Any]

_SOFTWARE: Final = f"banyan/{version('banyan-gateway')}"
_KEPT: Final = 1024
_keys: Final[
    dict[bytes, str]
] = {}  # of the headers seen last: looked up at once, unlike an lru_cache
_PORTS: Final = {"http": "80", "https": "443"}


class FileWrapper:
    """`wsgi.file_wrapper`: what an app returns to have a file sent. The app's `close` is the file's."""

    def __init__(self, filelike: BinaryIO, blksize: int = 8192) -> None:
        self.filelike = filelike
        self._block = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data = self.filelike.read(self._block)
        if data:
            return data
        raise StopIteration


class Environs:
    """Makes the environs of one app; each holds `extras` too."""

    def __init__(self, *, multiprocess: bool, extras: Mapping[str, Any] | None = None) -> None:
        # Every key has its place already: a copy that is filled is quicker than one that grows.
        self._model: Environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "",
            "wsgi.input": None,
            "wsgi.input_terminated": True,
            "wsgi.errors": None,
            "wsgi.multithread": True,
            "wsgi.multiprocess": multiprocess,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "SERVER_SOFTWARE": _SOFTWARE,
            "SERVER_PROTOCOL": "",
            "REQUEST_METHOD": "",
            "RAW_URI": "",
            "SCRIPT_NAME": "",
            "PATH_INFO": "",
            "QUERY_STRING": "",
            "REMOTE_ADDR": "",
            "REMOTE_PORT": "",
            "SERVER_NAME": "",
            "SERVER_PORT": "",
            **(extras or {}),
        }

    def make(self, scope: Scope, body: BinaryIO) -> Environ:
        """The environ of one request; `body` is complete and its end is known."""
        environ = self._model.copy()
        environ["wsgi.url_scheme"] = scope["scheme"]
        environ["wsgi.input"] = body
        environ["wsgi.errors"] = sys.stderr
        environ["SERVER_PROTOCOL"] = "HTTP/" + scope["http_version"]
        environ["REQUEST_METHOD"] = scope["method"]
        _add_target(environ, scope)
        headers, before = scope["headers"], len(environ)
        for name, value in headers:
            environ[_keys.get(name) or _key(name)] = value.decode("latin-1")
        if len(environ) - before < len(headers):
            _join_repeated(environ, scope)
        _add_addresses(environ, scope)
        return environ


def has_body(environ: Environ) -> bool:
    """Whether the request's framing says that it has a body (RFC 9112 §6.3)."""
    return "HTTP_TRANSFER_ENCODING" in environ or environ.get("CONTENT_LENGTH", "0") != "0"


def _add_target(environ: Environ, scope: Scope) -> None:
    """Path and query as the client sent them; the bytes are latin-1 (PEP 3333)."""
    raw_path = scope.get("raw_path")
    # Some servers give no raw path; quoting the percent sign alone makes the decoded one raw again.
    raw_path = raw_path or scope["path"].replace("%", "%25").encode()
    environ["RAW_URI"] = environ["PATH_INFO"] = path = raw_path.decode("latin-1")
    if "%" in path or not path.isascii():
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
    if scope["query_string"]:
        environ["QUERY_STRING"] = query = scope["query_string"].decode("latin-1")
        environ["RAW_URI"] = f"{path}?{query}"


def _join_repeated(environ: Environ, scope: Scope) -> None:
    """Repeated headers are one, joined with a comma; the Cookie lines of HTTP/2 with a semicolon
    (RFC 9113 §8.2.3).
    """
    values: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        values.setdefault(_key(name), []).append(value.decode("latin-1"))
    for key, several in values.items():
        cookies = key == "HTTP_COOKIE" and scope["http_version"] not in {"1.0", "1.1"}
        if key.startswith("HTTP_"):
            environ[key] = ("; " if cookies else ",").join(several)


def _add_addresses(environ: Environ, scope: Scope) -> None:
    client, server = scope.get("client"), scope.get("server")
    if client:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    else:
        del environ["REMOTE_PORT"]
    host, port = server or ("", None)
    if port is None:  # a unix socket: what the client called us is the best there is
        host, _, port = environ.get("HTTP_HOST", "").partition(":")
        port = port or _PORTS.get(scope["scheme"], "")
    environ["SERVER_NAME"], environ["SERVER_PORT"] = host, str(port)


def _key(name: bytes) -> str:
    """Of a header in an environ; clients may think of any number of names."""
    upper = name.decode("latin-1").upper()
    key = upper.replace("-", "_")
    if upper not in {"CONTENT-TYPE", "CONTENT-LENGTH"}:
        key = f"HTTP_{key}"
    if len(_keys) >= _KEPT:
        _keys.clear()
    _keys[name] = key
    return key
