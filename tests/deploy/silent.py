"""Clients that stop in the middle: what each has sent, and what a server makes of it."""

import select
import socket
import time
from contextlib import ExitStack
from enum import StrEnum
from urllib.parse import urlsplit

_GET = b"GET /pid HTTP/1.1\r\nHost: x\r\n\r\n"
_POST = b"POST /length HTTP/1.1\r\nHost: x\r\n"


class Client(StrEnum):
    """Where it stops."""

    SILENT = "before the first byte"
    HALF_HEAD = "in its first head"
    IDLE = "after an answer"
    NEXT_HEAD = "in the head after an answer"
    BODY = "in a body"
    CHUNK = "in a chunk"


SENDS = {
    Client.SILENT: b"",
    Client.HALF_HEAD: b"GET /pid HTTP/1.1\r\nHost: x\r\nX-",
    Client.IDLE: _GET,
    Client.NEXT_HEAD: _GET + b"GET /pid HT",
    Client.BODY: _POST + b"Content-Length: 100\r\n\r\nhalf",
    Client.CHUNK: _POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nha",
}


def ended(url: str, clients: frozenset[Client], patience: float) -> dict[Client, int]:
    """Connects all of `Client`, and waits until `clients` are let go: each with its last status, or 0.

    Those that the server still listens to at that moment are not in the answer.
    """
    parts = urlsplit(url)
    with ExitStack() as stack:
        sockets: dict[socket.socket, Client] = {}
        for client in Client:
            connection = socket.create_connection((parts.hostname or "", parts.port or 0), 20)
            stack.callback(connection.close)
            connection.sendall(SENDS[client])
            sockets[connection] = client
        return _wait(sockets, clients, time.monotonic() + patience)


def _wait(
    sockets: dict[socket.socket, Client], clients: frozenset[Client], until: float
) -> dict[Client, int]:
    statuses = dict.fromkeys(Client, 0)
    gone: set[Client] = set()
    while not clients <= gone and time.monotonic() < until:
        for one in select.select(list(sockets), [], [], 0.1)[0]:
            data = one.recv(65_536)
            if data.startswith(b"HTTP/1.1 "):
                statuses[sockets[one]] = int(data[9:12])
            elif not data:
                gone.add(sockets.pop(one))
    return {client: statuses[client] for client in gone}
