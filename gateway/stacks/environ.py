"""The WSGI environ (PEP 3333) as gunicorn builds it, where a2wsgi 1.10.10 builds another."""

import sys
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.dispatch import Scope
from gateway.stacks.body import Body

Environ = dict[str, Any]


def complete_environ(environ: Environ, scope: Scope, body: Body) -> None:
    """Mends what a2wsgi made of `scope`, in place.

    The query is latin-1 (a2wsgi decodes ASCII and raises on a raw byte), the path is what the client
    sent, percent-decoded to bytes, nothing is mounted under a prefix (a2wsgi takes one from the
    process's environment), several Cookie lines of HTTP/2 are one header (RFC 9113 §8.2.3), errors go
    to standard error, and the body is a file whose end is known.
    """
    environ["QUERY_STRING"] = scope["query_string"].decode("latin-1")
    raw_path = scope.get("raw_path") or b""
    if raw_path.startswith(b"/"):
        environ["PATH_INFO"] = unquote_to_bytes(raw_path).decode("latin-1")
    environ["SCRIPT_NAME"] = ""
    if scope["http_version"] not in {"1.0", "1.1"}:
        cookies = [value for name, value in scope["headers"] if name == b"cookie"]
        if cookies:
            environ["HTTP_COOKIE"] = b"; ".join(cookies).decode("latin-1")
    environ["wsgi.errors"] = sys.stderr
    environ["wsgi.input"] = body
    environ["wsgi.input_terminated"] = True
