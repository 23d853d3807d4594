"""The end of the server beside the data plane: also of one that never began, and of one that hangs."""

import signal
import socket
from collections.abc import Iterator
from threading import Event
from typing import Any, NoReturn, cast

import pytest

from gateway.cli import beside
from gateway.cli.beside import Beside


class Left(Exception):
    """The process would have ended, with this code."""


class Server:
    """Serves until it is told to leave; one that hangs does not notice."""

    should_exit = False

    def __init__(self, hangs: bool) -> None:
        self.runs, self.over = Event(), Event()
        self._hangs = hangs

    def run(self, _: Any) -> None:
        self.runs.set()
        while self._hangs or not self.should_exit:
            if self.over.wait(0.01):
                return


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """As they were: a process that leaves no longer listens to them."""
    found = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    yield
    for one, handler in found.items():
        signal.signal(one, handler)


@pytest.fixture
def give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def left(code: int) -> NoReturn:
        raise Left(code)

    monkeypatch.setattr(beside, "give_up", left)
    monkeypatch.setattr(beside, "_LATEST", 0.2)


def begun(server: Server) -> tuple[Beside, Event, socket.socket]:
    after, listener = Event(), socket.socket()
    return Beside(lambda: cast("Any", server), listener, after, "http://x"), after, listener


@pytest.mark.usefixtures("give_up")
def test_the_process_keeps_its_code_when_the_server_ends() -> None:
    server = Server(hangs=False)
    one, after, listener = begun(server)
    after.set()
    assert server.runs.wait(10)
    assert one.end(2) == 2
    assert listener.fileno() == -1


@pytest.mark.usefixtures("give_up")
def test_a_server_that_never_began_is_not_made() -> None:
    server = Server(hangs=False)
    one, _, listener = begun(server)
    assert one.end(0) == 0
    assert not server.runs.is_set()
    assert listener.fileno() == -1


@pytest.mark.usefixtures("give_up")
@pytest.mark.parametrize("code", [0, 2])
def test_a_server_that_hangs_is_cut(code: int) -> None:
    server = Server(hangs=True)
    one, after, _ = begun(server)
    after.set()
    assert server.runs.wait(10)
    try:
        with pytest.raises(Left) as left:
            one.end(code)
        assert left.value.args == (code,)
    finally:
        server.over.set()


def test_another_signal_ends_a_process_that_waits_for_it() -> None:
    one, _, _ = begun(Server(hangs=False))
    one.end(0)
    assert {signal.getsignal(sig) for sig in (signal.SIGINT, signal.SIGTERM)} == {signal.SIG_DFL}
