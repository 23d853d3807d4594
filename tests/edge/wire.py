"""A client of bytes: sends what it is told, reads answers by their framing and nothing more."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

DEADLINE: Final = 10.0  # seconds for one answer
FOLLOW_UP: Final = b"GET /again HTTP/1.1\r\nHost: x\r\n\r\n"


class Broken(Exception):
    """The answer is not framed as it says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, or an interim one."""

    version: bytes
    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name]

    def one(self, name: bytes) -> bytes:
        (value,) = self.all(name)
        return value


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self._held = bytearray()

    def send(self, data: bytes) -> None:
        """Sends as much as is taken: a server that has refused may have stopped to read."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def finish(self) -> None:
        """Closes this side only."""
        self.socket.shutdown(socket.SHUT_WR)

    def read(self, method: str = "GET") -> Answer:
        """The next answer. Raises EOFError if there is none, and Broken."""
        head = self._until(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        version, status, *_ = first.split(b" ")
        pairs = [line.split(b":", 1) for line in lines]
        fields = tuple((name, value.strip()) for name, value in pairs)
        answer = Answer(version, int(status), fields, b"")
        return Answer(version, int(status), fields, self._body(answer, method))

    def final(self, method: str = "GET") -> Answer:
        """The next answer that is no interim one."""
        while (answer := self.read(method)).status < 200:
            pass
        return answer

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        try:
            while True:
                self._more()
        except EOFError:
            found, self._held = bytes(self._held), bytearray()
            return found

    def closed(self) -> bool:
        """Whether this was the end: nothing more came, and another request is not answered."""
        self.send(FOLLOW_UP)
        try:
            self.read()
        except EOFError:
            return True
        return False

    def _body(self, answer: Answer, method: str) -> bytes:
        codings, lengths = answer.all(b"transfer-encoding"), answer.all(b"content-length")
        if len(codings) + len(lengths) > 1:
            raise Broken("two framings")
        if method == "HEAD" or answer.status < 200 or answer.status in {204, 304}:
            return b""
        if codings:
            return self._chunks()
        if lengths:
            return self._exactly(int(lengths[0]))
        return self.rest()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            self._crlf()
        self._crlf()
        return body

    def _crlf(self) -> None:
        if self._exactly(2) != b"\r\n":
            raise Broken("a chunk does not end with CRLF")

    def _until(self, end: bytes) -> bytes:
        while end not in self._held:
            self._more()
        return self._exactly(self._held.index(end) + len(end))

    def _exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more()
        found = bytes(self._held[:size])
        del self._held[:size]
        return found

    def _more(self) -> None:
        try:
            data = self.socket.recv(65_536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        self._held += data


@contextmanager
def connected(port: int) -> Iterator[Client]:
    client = Client(port)
    with closing(client.socket):
        yield client


def ask(port: int, raw: bytes, method: str = "GET") -> Answer:
    """The one answer to `raw`, on a connection of its own."""
    with connected(port) as client:
        client.send(raw)
        return client.final(method)


def get(target: str = "/", *fields: str, version: str = "1.1", method: str = "GET") -> bytes:
    """A request without a body; the fields as they stand, after a Host of its own."""
    lines = "".join(f"{field}\r\n" for field in fields)
    return f"{method} {target} HTTP/{version}\r\nHost: x\r\n{lines}\r\n".encode("latin-1")


def post(body: bytes, *fields: str, target: str = "/", version: str = "1.1") -> bytes:
    """A request with exactly this after its head."""
    return get(target, *fields, version=version, method="POST") + body


def chunked(body: bytes, *fields: str, target: str = "/") -> bytes:
    return post(body, "Transfer-Encoding: chunked", *fields, target=target)
