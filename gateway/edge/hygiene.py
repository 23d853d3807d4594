"""The rules of the edge for requests that came in through another server: plain uvicorn, `gunicorn -k asgi`.

Such a server has parsed the request already, and how strictly is its own affair; what ASGI still shows
of it is judged and mended here. Requests of our own protocol carry `scope.MARK` and need none of this.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

from gateway.edge.framing import body_length
from gateway.edge.head import (
    Field,
    check_host,
    check_method,
    check_single,
    check_target,
    expects_continue,
    forwarded_scheme,
    long_field,
    long_line,
    values,
)
from gateway.edge.limits import Limits, is_trusted
from gateway.edge.refusal import Reason, Refused
from gateway.edge.target import split_target

Scope = MutableMapping[str, Any]


def check(scope: Scope, limits: Limits) -> Refused | None:
    """Mends the scope of an HTTP request in place: path, query and scheme. Or says why it is refused."""
    try:
        _check_line(scope, limits)
        fields = [(name, value) for name, value in scope["headers"]]
        _check_fields(fields, limits)
        if scope["http_version"] in {"1.0", "1.1"}:  # HTTP/2 has a framing of its own
            lengths, codings = (
                values(fields, b"content-length"),
                values(fields, b"transfer-encoding"),
            )
            body_length(lengths, codings, http_1_0=scope["http_version"] == "1.0")
        client = scope.get("client")
        if is_trusted(client[0] if client else None, limits.trusted):
            scope["scheme"] = forwarded_scheme(fields) or scope["scheme"]
    except Refused as refused:
        return refused
    return None


def _check_line(scope: Scope, limits: Limits) -> None:
    """Raises Refused."""
    method, path, query = (
        scope["method"].encode("latin-1"),
        scope.get("raw_path"),
        scope["query_string"],
    )
    check_method(method)
    if path is None:  # the server keeps it to itself
        return
    target = path + b"?" + query if query else path
    if len(method) + len(target) + len(b"  HTTP/1.1") > limits.line:
        raise long_line(limits)
    check_target(target)
    if not path.startswith(b"/") or b"#" in target or method == b"CONNECT":
        raw_path, scope["query_string"] = split_target(method, target)
        scope["raw_path"] = raw_path
        scope["path"] = unquote(raw_path.decode("ascii"))


def _check_fields(fields: list[Field], limits: Limits) -> None:
    """Raises Refused."""
    if len(fields) > limits.fields:
        raise Refused(Reason.MANY_FIELDS, f"a request has at most {limits.fields} header fields")
    if any(len(name) + len(value) + len(b": \r\n") > limits.field for name, value in fields):
        raise long_field(limits)
    check_single(fields)
    for host in values(fields, b"host"):
        check_host(host)
    expects_continue(values(fields, b"expect"))
