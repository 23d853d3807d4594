"""Clients that keep the edge waiting."""

import resource
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.edge.refusals import REFUSED
from tests.e2e.processes import wait
from tests.edge.inside import Apps, answer, edge
from tests.edge.servers import serving
from tests.edge.wire import Client, ask, chunked, connected, get, post

pytestmark = pytest.mark.e2e

QUICK = {"head_timeout": 0.4, "body_timeout": 0.4, "keep_alive": 0.4}
SLOW_ONES = 500


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with edge(Apps(), **QUICK) as (port, _server):
        yield port


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with connected(port) as one:
        yield one


def test_b125_half_a_head_gets_408_and_the_end(client: Client) -> None:
    before = REFUSED.labels("head_timeout")._value.get()
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-A")
    late = client.read()
    assert (late.status, late.one(b"connection")) == (408, b"close")
    assert client.rest() == b""
    assert REFUSED.labels("head_timeout")._value.get() == before + 1


def test_b125_a_head_that_trickles_in_is_not_waited_for_either(client: Client) -> None:
    client.send(get()[:-3])
    client.socket.settimeout(0.05)
    for _ in range(200):  # ten seconds, if nobody ends it
        client.send(b"x")
        try:
            assert client.read().status == 408
        except TimeoutError:
            continue
        break
    else:
        pytest.fail("nobody ended it")


def test_b125_who_never_sends_a_byte_gets_none(client: Client) -> None:
    assert client.rest() == b""


def test_b125_an_idle_connection_is_closed_without_a_word(client: Client) -> None:
    client.send(get())
    assert client.read().status == 200
    assert client.rest() == b""


@pytest.mark.parametrize(
    "half", [post(b"hel", "Content-Length: 5"), chunked(b"5\r\nhel")], ids=["counted", "chunked"]
)
def test_b125_half_a_body_gets_408_and_the_end(client: Client, half: bytes) -> None:
    client.send(half)
    assert client.read().status == 408
    assert client.rest() == b""


def test_b125_a_body_may_take_its_time_if_it_only_goes_on(client: Client) -> None:
    client.socket.settimeout(0.2)
    client.send(post(b"", "Content-Length: 6"))
    for letter in b"hello!":  # 1.2 seconds, three times the timeout
        with pytest.raises(TimeoutError):
            client.read()
        client.send(bytes([letter]))
    client.socket.settimeout(10)
    assert client.read().body == b"hello!"


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * SLOW_ONES, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_b045_who_takes_nothing_of_an_answer_is_let_go_and_the_app_hears_of_it() -> None:
    apps, heard = Apps(), threading.Event()

    @apps.at("/big")
    async def big(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        message = await receive()
        while message["type"] != "http.disconnect":
            message = await receive()
        heard.set()

    with edge(apps, send_timeout=0.3) as (port, server), connected(port) as client:
        client.send(get("/big"))
        assert heard.wait(10)
        wait(lambda: not server.server_state.connections)


def test_b045_who_takes_an_answer_slowly_gets_it_whole() -> None:
    apps = Apps()

    @apps.at("/big")
    async def big(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, bytes(12 << 20))

    with edge(apps, send_timeout=2) as (port, _server), connected(port) as client:
        client.send(get("/big"))
        taken = 0
        while taken < 12 << 20:  # about four seconds
            taken += len(client.socket.recv(1 << 17))
            time.sleep(0.04)  # the pace of this client, not a wait for something
        assert taken >= 12 << 20


def test_b044_five_hundred_slow_clients_hold_up_nobody_and_are_let_go(tmp_path: Path) -> None:
    environ = {"BANYAN_HEAD_TIMEOUT": "3", "BANYAN_BODY_TIMEOUT": "3", "BANYAN_WSGI_THREADS": "2"}
    with serving("banyan", tmp_path, **environ) as port, ExitStack() as stack:
        slow = [stack.enter_context(connected(port)) for _ in range(SLOW_ONES)]
        for number, client in enumerate(slow):
            half = post(b"hel", "Content-Length: 5") if number % 2 else get()[:-2]
            client.send(half)
        assert {ask(port, post(b"hello", "Content-Length: 5")).body for _ in range(20)} == {
            b"hello"
        }
        assert {client.read().status for client in slow} == {408}
        wait(lambda: all(client.closed() for client in slow))
