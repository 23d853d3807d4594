"""Large answers that the kernel moves by itself: from a remote stack's socket, and from files, to the client's."""

import asyncio
import hashlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.edge.cycle import FILE, SPLICE
from gateway.settings import Settings
from gateway.stacks.address import Remote
from gateway.stacks.remote.connection import Connection
from gateway.stacks.remote.forwarded import Forwarded
from gateway.stacks.remote.http import HTTPStack
from gateway.stacks.remote.pool import Pool
from gateway.stacks.remote.reach import connector
from tests.e2e.processes import wait
from tests.edge.inside import edge
from tests.edge.wire import Client, connected, get

pytestmark = pytest.mark.e2e

SIZE = 3 << 20
BODY = random.Random(7).randbytes(SIZE)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


class Stack:
    """A stack in a thread: to each request on a connection `talk` says something, or ends it by False."""

    def __init__(self, talk: Callable[[socket.socket], bool]) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.ended = threading.Semaphore(0)  # connections
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while _request(connection) and self._talk(connection):
                    pass
            except OSError:
                pass
        self.ended.release()


def _request(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = connection.recv(4096)
        if not more:
            return b""
        head += more
    return head


class Front:
    """The gateway's side of a stack, as the app of an edge; its parts belong to the edge's own loop."""

    def __init__(self, port: int, **settings: Any) -> None:
        self._port, self._settings = port, Settings(**settings)
        self._stack: HTTPStack | None = None
        self._close: Callable[[], Any] = lambda: None
        self.moved: list[int] = []  # bytes of each answer that the kernel was asked to move

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._stack is None:
            dial = connector(Remote("BANYAN_LEGACY", "127.0.0.1", self._port), 2.0)
            pool = Pool(partial(dial, Connection), 4)
            self._close = partial(asyncio.get_running_loop().call_soon_threadsafe, pool.close)
            forwarded = Forwarded(self._settings.trusted_proxies)
            self._stack = HTTPStack("legacy", pool, forwarded, self._settings)

        async def noting(message: Any) -> None:
            if message["type"] == SPLICE:
                self.moved.append(message["count"])
            await send(message)

        await self._stack(scope, receive, noting)

    def close(self) -> None:
        """While the edge's loop still runs."""
        self._close()


@contextmanager
def front(
    talk: Callable[[socket.socket], bool], **settings: Any
) -> Iterator[tuple[Client, Stack, Front]]:
    stack = Stack(talk)
    app = Front(stack.port, **settings)
    with ExitStack() as life:
        life.callback(stack.close)
        port, _server = life.enter_context(edge(app))
        life.callback(app.close)
        yield life.enter_context(connected(port)), stack, app


def whole(connection: socket.socket) -> bool:
    connection.sendall(HEAD % SIZE + BODY)
    return True


def test_a_large_answer_arrives_byte_for_byte_and_both_connections_go_on() -> None:
    with front(whole) as (client, stack, app):
        for _ in range(3):
            client.send(get("/big"))
            answer = client.read()
            assert hashlib.sha256(answer.body).digest() == hashlib.sha256(BODY).digest()
        assert stack.connections == 1
        assert len(app.moved) == 3
        assert all(moved > SIZE // 2 for moved in app.moved)


def test_what_comes_in_small_pieces_arrives_too() -> None:
    def slowly(connection: socket.socket) -> bool:
        connection.sendall(HEAD % SIZE)
        for at in range(0, SIZE, 50_000):
            connection.sendall(BODY[at : at + 50_000])
        return True

    with front(slowly) as (client, _stack, _app):
        client.send(get("/big"))
        assert client.read().body == BODY


def test_b014_a_stack_that_ends_in_the_middle_cuts_its_client() -> None:
    def half(connection: socket.socket) -> bool:
        connection.sendall(HEAD % SIZE + BODY[: SIZE // 2])
        return False

    with front(half) as (client, _stack, _app):
        client.send(get("/big"))
        rest = client.rest()
        assert rest.startswith(b"HTTP/1.1 200")
        assert len(rest) < SIZE


def test_b061_a_stack_that_says_nothing_more_is_given_up() -> None:
    stalls = threading.Event()

    def stalling(connection: socket.socket) -> bool:
        connection.sendall(HEAD % SIZE + BODY[: SIZE // 2])
        stalls.wait(10)
        return False

    with front(stalling, idle_timeout=0.3) as (client, _stack, _app):
        client.send(get("/big"))
        assert len(client.rest()) < SIZE
        stalls.set()


def test_b014_what_follows_an_answer_is_not_the_next_one() -> None:
    def talkative(connection: socket.socket) -> bool:
        connection.sendall(HEAD % SIZE + BODY + HEAD % 2 + b"no")
        return True

    with front(talkative) as (client, stack, _app):
        for _ in range(2):
            client.send(get("/big"))
            assert client.read().body == BODY
        assert stack.connections == 2


def test_b046_a_client_that_leaves_ends_it_and_leaves_no_descriptor() -> None:
    sent = threading.Event()

    def endless(connection: socket.socket) -> bool:
        connection.sendall(HEAD % (1 << 40))
        while True:
            connection.sendall(BODY)
            sent.set()

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with front(endless) as (client, stack, _app):
        port = client.socket.getpeername()[1]
        client.send(get("/big"))
        client._exactly(SIZE)
        assert sent.wait(5)
        client.socket.close()
        assert stack.ended.acquire(timeout=5)
        before = descriptors()
        for _ in range(10):
            with connected(port) as other:
                other.send(get("/big"))
                other._exactly(SIZE)
            assert stack.ended.acquire(timeout=5)
        wait(lambda: descriptors() <= before)


def test_b045_a_slow_client_holds_the_stack_back() -> None:
    sent = 0

    def counting(connection: socket.socket) -> bool:
        nonlocal sent
        connection.sendall(HEAD % (64 << 20))
        for _ in range(64):
            connection.sendall(bytes(1 << 20))
            sent += 1
        return True

    with front(counting) as (client, _stack, _app):
        client.send(get("/big"))
        client._exactly(2 << 20)
        wait(lambda: sent > 1)
        held = -1
        while held != sent:  # until it does not move any more
            held = sent
            threading.Event().wait(0.2)
        assert sent < 64
        taken = len(client._exactly(62 << 20))
        assert taken == 62 << 20


def serving(path: Path, size: int) -> Any:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        length = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        with path.open("rb") as file:
            moved = {"file": file.fileno(), "offset": 5, "count": size}
            await send({"type": FILE, **moved, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_b120_a_file_is_sent_by_the_kernel_from_its_offset(tmp_path: Path, version: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345" + BODY)
    with edge(serving(path, SIZE)) as (port, _server), connected(port) as client:
        for _ in range(1 if version == "1.0" else 2):
            client.send(get("/file", version=version))
            assert client.read().body == BODY


def test_b120_a_file_may_be_sent_to_its_end_and_be_the_end_of_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345" + BODY)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        length = [(b"content-length", b"%d" % SIZE)]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        with path.open("rb") as file:
            file.read(5)
            file.seek(5)
            await send({"type": FILE, "file": file})

    with edge(app) as (port, _server), connected(port) as client:
        for _ in range(2):
            client.send(get("/file"))
            assert client.read().body == BODY


def test_b120_a_file_that_is_shorter_than_declared_cuts_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345" + BODY[:1000])
    with edge(serving(path, SIZE)) as (port, _server), connected(port) as client:
        client.send(get("/file"))
        rest = client.rest()
        assert rest.endswith(BODY[:1000])
        assert len(rest) < SIZE
