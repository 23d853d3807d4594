"""A client that sends exactly the bytes it is told and reads answers strictly.

It parses the framing itself, so that two framings in one answer, a body that stops early or chunks
sent to an HTTP/1.0 client are seen, where a library would mend them. After the last answer it asks once
more on the same connection: only that shows whether it was kept, and that nothing was left over in it.
"""

import selectors
import socket
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from tests.differential.framing import Answer, Incomplete, parse_answer
from tests.differential.probes.probe import Probe

DEADLINE: Final = 5.0  # seconds for a whole conversation; most take some milliseconds
FOLLOW_UP: Final = b"GET /str HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"
_FOLLOW_UP_BODY: Final = b"plain str"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one connection brought. `kept` is None where nobody can tell: the client had stopped."""

    answers: tuple[Answer, ...]
    kept: bool | None
    faults: tuple[str, ...] = ()

    @property
    def finals(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if answer.status >= 200)

    @property
    def statuses(self) -> tuple[int, ...]:
        return tuple(answer.status for answer in self.finals)


@dataclass(slots=True)
class _Talk:
    """A conversation while it goes on."""

    probe: Probe
    pending: bytearray
    methods: list[str]
    versions: list[str]
    received: bytearray = field(default_factory=bytearray)
    answers: list[Answer] = field(default_factory=list)
    continued: bool = False
    asked: bool = False
    deaf: bool = False  # the other side takes no more bytes
    fault: str = ""

    def take(self, *, ended: bool) -> None:
        """Parses what has come; with `ended`, also what only the end of the connection completes."""
        while self.received and not self.fault:
            number = self.answered
            if number >= len(self.methods):
                self.fault = f"more than was asked for: {bytes(self.received[:60])!r}"
                return
            try:
                answer, used = parse_answer(
                    bytes(self.received), self.methods[number], self.versions[number], ended=ended
                )
            except Incomplete:
                return
            except ValueError as error:
                self.fault = str(error)
                return
            del self.received[:used]
            self.answers.append(answer)
            self._go_on(answer)

    def _go_on(self, answer: Answer) -> None:
        if answer.status == 100 and not self.continued:
            self.continued = True
            self.pending += self.probe.after_100

    @property
    def answered(self) -> int:
        return sum(answer.status >= 200 for answer in self.answers)

    @property
    def complete(self) -> bool:
        return bool(self.fault) or self.answered >= len(self.methods)


def converse(address: tuple[str, int], probe: Probe, deadline: float = DEADLINE) -> Conversation:
    """Sends a probe over a new connection and reads until its answers and the follow-up's are there."""
    talk = _Talk(probe, bytearray(probe.raw), list(probe.methods), list(probe.versions))
    with socket.create_connection(address, timeout=deadline) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        _talk(connection, talk, monotonic() + deadline)
    return _concluded(talk)


def _talk(connection: socket.socket, talk: _Talk, end: float) -> None:
    stopped = False
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        while not talk.complete:
            if not talk.pending and talk.probe.half_close and not stopped:
                stopped = True
                _shutdown(connection)
            _follow_up(talk)
            writing = selectors.EVENT_WRITE if talk.pending and not talk.deaf else 0
            selector.modify(connection, selectors.EVENT_READ | writing)
            ready = selector.select(max(0.0, end - monotonic()))
            if not ready:
                talk.take(ended=True)
                talk.fault = talk.fault or "no answer before the deadline"
                return
            if ready[0][1] & selectors.EVENT_WRITE:
                _send(connection, talk)
            if ready[0][1] & selectors.EVENT_READ and not _receive(connection, talk):
                talk.take(ended=True)
                return


def _follow_up(talk: _Talk) -> None:
    """Once all answers are there, one more request shows what became of the connection."""
    if talk.asked or talk.probe.half_close or talk.answered < len(talk.probe.methods):
        return
    talk.asked = True
    talk.pending[:] = FOLLOW_UP
    talk.methods.append("GET")
    talk.versions.append("HTTP/1.1")


def _shutdown(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _send(connection: socket.socket, talk: _Talk) -> None:
    try:
        sent = connection.send(talk.pending[:65_536])
    except OSError:  # it closed: what it said before can still be read
        talk.deaf = True
        return
    del talk.pending[:sent]


def _receive(connection: socket.socket, talk: _Talk) -> bool:
    """False at the end of the connection."""
    try:
        data = connection.recv(1 << 20)
    except OSError:
        return False
    talk.received += data
    talk.take(ended=not data)
    if talk.answered >= len(talk.probe.methods) and not talk.asked and not talk.probe.half_close:
        _follow_up(talk)
    return bool(data)


def _concluded(talk: _Talk) -> Conversation:
    answers, faults, kept = talk.answers, [talk.fault] if talk.fault else [], None
    if talk.continued and "HTTP/1.0" in talk.probe.versions:
        faults.append("100 to HTTP/1.0")
    if talk.asked:
        kept = talk.answered == len(talk.methods)
        if kept and answers.pop().body != _FOLLOW_UP_BODY:
            faults.append("the next answer on the connection is not that of the next request")
    return Conversation(tuple(answers), kept, tuple(faults))
