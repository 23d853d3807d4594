"""A port for a server that binds later must not be taken by a connection meanwhile."""

import random
import socket

import pytest

from benchmarks import ports


def test_no_outgoing_connection_gets_it_and_nobody_else_does() -> None:
    given = [ports.free_port() for _ in range(50)]
    assert len(set(given)) == 50
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Of the same range as those of outgoing connections
        assert max(given) < listener.getsockname()[1]


def test_two_workers_of_pytest_never_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    for number in range(3):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        assert {(ports.free_port() - 10_000) % 3 for _ in range(20)} == {number}


def test_one_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, free = ports.free_port(), ports.free_port()
    monkeypatch.setattr(ports, "_given", set())
    monkeypatch.setattr(random, "sample", lambda *_: [taken, free])
    with socket.create_server(("127.0.0.1", taken)):
        assert ports.free_port() == free
        with pytest.raises(
            RuntimeError, match=r"no port from 10000 to \d+ is free on 127\.0\.0\.1"
        ):
            ports.free_port()
