"""Answers on real sockets, whatever the app or the client does wrong."""

import asyncio
import logging
import select
import socket
from typing import Any

import pytest

from tests.e2e.processes import wait
from tests.edge.inside import Edge, answer, read
from tests.edge.wire import Client, ask, get, post

pytestmark = pytest.mark.e2e


def test_a_body_waits_in_the_client_until_the_app_reads(served: Edge, client: Client) -> None:
    release = asyncio.Event()

    @served.apps.at("/")
    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        body = await read(receive)
        await answer(send, b"%d" % len(body))

    @served.apps.at("/release")
    async def let_go(_scope: Any, _receive: Any, send: Any) -> None:
        release.set()
        await answer(send, b"")

    size = 20_000_000  # more than sockets hold
    client.send(post(b"", f"Content-Length: {size}"))
    client.socket.setblocking(False)
    sent = 0
    try:
        while sent < size:
            sent += client.socket.send(b"x" * min(1_000_000, size - sent))
            wait_until_taken(client.socket)
    except TimeoutError:
        assert sent < size
    client.socket.settimeout(10)
    ask(served.port, get("/release"))
    client.send(b"x" * (size - sent))
    assert client.read().body == b"%d" % size


def wait_until_taken(connection: socket.socket) -> None:
    """Raises TimeoutError when nothing more is taken for a while."""
    if not select.select([], [connection], [], 0.3)[1]:
        raise TimeoutError


def test_an_app_waits_for_a_client_that_does_not_read(served: Edge, client: Client) -> None:
    sent: list[int] = []

    @served.apps.at("/")
    async def floods(_scope: Any, _receive: Any, send: Any) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"50000000")],
            }
        )
        for _ in range(50):
            await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
            sent.append(1)
        await send({"type": "http.response.body"})

    client.send(get())
    wait(lambda: sent)
    assert len(sent) < 50
    assert len(client.read().body) == 50_000_000


def test_b036_an_answer_is_never_split(
    served: Edge, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    @served.apps.at("/")
    async def splits(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, b"x", (b"x-a", b"b\r\n\r\nHTTP/1.1 200 OK"))

    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        client.send(get())
        assert client.read().status == 500
    assert client.rest() == b""


def test_b038_framing_of_the_app_is_never_doubled(served: Edge, client: Client) -> None:
    @served.apps.at("/")
    async def doubles(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(
            send, b"hello", (b"transfer-encoding", b"chunked"), (b"connection", b"keep-alive")
        )

    client.send(get())
    framed = client.read()
    assert (framed.body, framed.all(b"transfer-encoding")) == (b"hello", [b"chunked"])
    assert framed.all(b"connection") == [b"keep-alive"]
    assert not client.closed()


def test_a_body_longer_than_its_length_is_cut(served: Edge, client: Client) -> None:
    @served.apps.at("/")
    async def talks(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, b"hello, world", (b"content-length", b"5"))

    client.send(get())
    assert client.read().body == b"hello"
    served.apps.handlers.clear()
    assert not client.closed()


def test_a_body_shorter_than_its_length_ends_the_connection(
    served: Edge, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    @served.apps.at("/")
    async def stops(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, b"hel", (b"content-length", b"5"))

    client.send(get())
    with caplog.at_level(logging.CRITICAL, "uvicorn.error"), pytest.raises(EOFError):
        client.read()


@pytest.mark.parametrize("started", [False, True])
def test_an_app_that_raises_gives_500_or_a_cut_answer(
    served: Edge, client: Client, started: bool
) -> None:
    @served.apps.at("/")
    async def raises(_scope: Any, _receive: Any, send: Any) -> None:
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
        raise RuntimeError("of the app")

    client.send(get())
    if started:
        with pytest.raises(EOFError):
            client.read()
    else:
        assert client.read().status == 500
        assert client.rest() == b""


def test_an_app_that_says_nothing_gives_500(served: Edge, client: Client) -> None:
    @served.apps.at("/")
    async def returns(_scope: Any, _receive: Any, send: Any) -> None:
        return

    client.send(get())
    assert client.read().status == 500


def test_b025_head_has_no_body_and_the_length_of_get(served: Edge, client: Client) -> None:
    @served.apps.at("/")
    async def talks(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, b"hello")

    client.send(get(method="HEAD") + get())
    assert client.read("HEAD").one(b"content-length") == b"5"
    assert client.read().body == b"hello"
