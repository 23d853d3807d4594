"""The WSGI environ (PEP 3333) as gunicorn's gthread worker builds it.

`tests/differential/test_environ.py` compares the two key by key.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, BinaryIO, Final
from urllib.parse import unquote_to_bytes

from gateway.messages import Scope

Environ = dict[str, Any]

_SOFTWARE: Final = f"banyan/{version('banyan-gateway')}"
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


def build_environ(scope: Scope, body: BinaryIO, *, multiprocess: bool) -> Environ:
    """The environ of one request; `body` is complete and its end is known."""
    raw_path, query = _target(scope)
    environ = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "SERVER_SOFTWARE": _SOFTWARE,
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REQUEST_METHOD": scope["method"],
        "RAW_URI": f"{raw_path}?{query}" if query else raw_path,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query,
    }
    _add_headers(environ, scope)
    _add_addresses(environ, scope)
    return environ


def _target(scope: Scope) -> tuple[str, str]:
    """Path and query as the client sent them; the bytes are latin-1 (PEP 3333)."""
    raw_path = scope.get("raw_path")
    # Some servers give no raw path; quoting the percent sign alone makes the decoded one raw again.
    path = raw_path or scope["path"].replace("%", "%25").encode()
    return path.decode("latin-1"), scope["query_string"].decode("latin-1")


def _add_headers(environ: Environ, scope: Scope) -> None:
    """Repeated headers are one, joined with a comma; the Cookie lines of HTTP/2 with a semicolon
    (RFC 9113 §8.2.3).
    """
    cookies = ";" if scope["http_version"] in {"1.0", "1.1"} else "; "
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper(), raw_value.decode("latin-1")
        if name in {"CONTENT-TYPE", "CONTENT-LENGTH"}:
            environ[name.replace("-", "_")] = value
            continue
        key = "HTTP_" + name.replace("-", "_")
        if key in environ:
            joint = cookies if name == "COOKIE" and cookies == "; " else ","
            value = f"{environ[key]}{joint}{value}"
        environ[key] = value


def _add_addresses(environ: Environ, scope: Scope) -> None:
    client, server = scope.get("client"), scope.get("server")
    environ["REMOTE_ADDR"] = client[0] if client else ""
    if client:
        environ["REMOTE_PORT"] = str(client[1])
    host, port = server or ("", None)
    if port is None:  # a unix socket: what the client called us is the best there is
        host, _, port = environ.get("HTTP_HOST", "").partition(":")
        port = port or _PORTS.get(scope["scheme"], "")
    environ["SERVER_NAME"], environ["SERVER_PORT"] = host, str(port)
