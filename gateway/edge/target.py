"""The request target (RFC 9112 §3.2), cut as gunicorn cuts it. Pure."""

import re
from typing import Final, NamedTuple

from gateway.edge.refusal import Reason, Refused

_ABSOLUTE: Final = re.compile(
    rb"[A-Za-z][A-Za-z0-9+.\-]*://(?:\[[0-9A-Fa-f:.]+\]|[^][/?#@:]+)(?::[0-9]*)?(?=[/?#]|\Z)"
)


class Target(NamedTuple):
    """Path and query as they were sent."""

    path: bytes
    query: bytes


def split_target(method: bytes, target: bytes) -> Target:
    """Cuts scheme, authority (it is taken from Host) and fragment off.

    Raises Refused for what is neither a path, nor a URL, nor the `*` of OPTIONS: such a target would be
    glued to the host by whatever rebuilds the URL (CVE-2026-54282).
    """
    if method == b"CONNECT":
        raise Refused(Reason.CONNECT, "this server opens no tunnels")
    rest = target.partition(b"#")[0]
    if not rest.startswith(b"/"):
        rest = _origin(method, target, rest)
    path, _, query = rest.partition(b"?")
    return Target(path, query)


def _origin(method: bytes, target: bytes, rest: bytes) -> bytes:
    if target == b"*" and method == b"OPTIONS":
        return rest
    absolute = _ABSOLUTE.match(rest)
    if absolute is None:
        raise Refused(Reason.TARGET, "the request target is a path that begins with /")
    rest = rest[absolute.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest
