"""What the app learns of a request: its ASGI scope."""

import asyncio
from socket import AF_UNIX
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from gateway.edge.cycle import FILE, SPLICE
from gateway.edge.head import Head
from gateway.edge.limits import Limits, is_trusted
from gateway.messages import FOUND

MARK: Final = "banyan.edge"
"""In a scope's `extensions`: this request has passed the rules of the edge."""

Extensions = dict[str, dict[str, Any]]
_UNIX: Final[Extensions] = {MARK: {}, SPLICE: {}}  # sendfile(2) to a Unix socket goes page by page
_TCP: Final[Extensions] = {**_UNIX, FILE: {}}
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


class Peer(NamedTuple):
    """The two ends of a connection."""

    server: tuple[str, int | None] | None
    client: tuple[str, int] | None
    scheme: str
    trusted: bool  # may name its client's scheme
    extensions: Extensions


def peer_of(transport: asyncio.Transport, limits: Limits) -> Peer:
    client = get_remote_addr(transport)
    return Peer(
        get_local_addr(transport),
        client,
        "https" if is_ssl(transport) else "http",
        is_trusted(client[0] if client else None, limits.trusted),
        _UNIX if transport.get_extra_info("socket").family == AF_UNIX else _TCP,
    )


def http_scope(head: Head, peer: Peer, state: dict[str, Any]) -> dict[str, Any]:
    path = head.path.decode("ascii")
    return {
        "type": "http",
        "asgi": _ASGI.copy(),
        "http_version": "1.0" if head.http_1_0 else "1.1",
        "server": peer.server,
        "client": peer.client,
        "scheme": head.scheme or peer.scheme,
        "method": head.method.decode("ascii"),
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": head.path,
        "query_string": head.query,
        "headers": head.fields,
        "state": state.copy(),
        "extensions": peer.extensions,
        FOUND: head.found,
    }


def written(head: Head) -> bytes:
    """The head as bytes again, for another parser."""
    target = head.path + (b"?" + head.query if head.query else b"")
    first = b"%b %b HTTP/1.1\r\n" % (head.method, target)
    return b"".join((first, *(b"%b: %b\r\n" % field for field in head.fields), b"\r\n"))
