"""A pooler in transaction mode, as far as listeners can tell: it hands everything on but notifications."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

_HEAD = 5  # bytes of a message's type and length
_NOTIFICATION = b"A"


@contextmanager
def deaf_pooler(folder: Path) -> Iterator[int]:
    """In front of the server whose socket is in `folder`; the port it listens on at 127.0.0.1.

    Without TLS and GSS: the server's first bytes are then already messages.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = Thread(target=_accept, args=(listener, folder))
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, folder: Path) -> None:
    threads: list[Thread] = []
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(folder / ".s.PGSQL.5432"))
            threads += [
                Thread(target=_hand_on, args=(client, server)),
                Thread(target=_hand_on_but_notifications, args=(server, client)),
            ]
            for thread in threads[-2:]:
                thread.start()
    for thread in threads:
        thread.join()


def _hand_on(client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while data := client.recv(65536):
            server.sendall(data)
    with suppress(OSError):
        server.shutdown(socket.SHUT_WR)


def _hand_on_but_notifications(server: socket.socket, client: socket.socket) -> None:
    with server, client, suppress(OSError), server.makefile("rb") as stream:
        while len(head := stream.read(_HEAD)) == _HEAD:
            body = stream.read(int.from_bytes(head[1:]) - 4)
            if head[:1] != _NOTIFICATION:
                client.sendall(head + body)
