"""What a stack answers: passed on as it is, or refused whole; never mixed into the next answer."""

import asyncio
import gzip
from typing import Any

import pytest

from gateway.stacks.remote import connection
from gateway.stacks.remote.answer import HEAD_LIMIT, INTERIM_LIMIT
from gateway.stacks.remote.failure import StackCut
from tests.gateway.bridge import Client, until
from tests.remote.fakes import OK, Wire, once, raw, remote, says

H = b"HTTP/1.1 200 OK\r\n"
CHUNKED = H + b"Transfer-Encoding: chunked\r\n\r\n"


async def answered(*parts: bytes, **scope: Any) -> Client:
    async with raw(once(*parts)) as stack, remote(stack) as app:
        return await Client(app, **scope).ask()


@pytest.mark.parametrize(
    "answer",
    [
        H + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        H + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        H + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        H + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        H + b"Content-Length: 2, 2\r\n\r\nok",
        H + b"Content-Length: +2\r\n\r\nok",
        H + b"Content-Length:\r\n\r\nok",
        H + b"Content-Length: 99999999999999999999999\r\n\r\nok",
        H + b"Transfer-Encoding: gzip\r\n\r\nok",
        H + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        H + b"Transfer-Encoding: xchunked\r\n\r\nok",
        H + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"2\r\nokXX0\r\n\r\n",
        CHUNKED + b"2\nok\n0\n\n",
        CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"fffffffffffffffff\r\n",
        CHUNKED + b"2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        CHUNKED + b"2\r\nok\r\n0\r\n\r\ngarbage",
        CHUNKED + b"2\r\nok\r\n0\r\n\r\n\r\n",
        H + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        H + b"X : a\r\nContent-Length: 2\r\n\r\nok",
        H + b": a\r\nContent-Length: 2\r\n\r\nok",
        H + b"X: a\0b\r\nContent-Length: 2\r\n\r\nok",
        H + b"X: a\rb\r\nContent-Length: 2\r\n\r\nok",
        H + b"X: a\nContent-Length: 2\r\n\r\nok",
        H + b"X: a\x7fb\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 099 No\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 600 No\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 20 No\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 1000 No\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switch\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switch\r\n\r\n" + OK,
        b"\r\n\r\n" + OK,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 103 Early\r\n\r\n" * (INTERIM_LIMIT + 1) + OK,
        H + b"X: " + b"a" * HEAD_LIMIT + b"\r\n\r\n",
        H + b"X: a\r\n" * (HEAD_LIMIT // 6) + b"\r\n",
    ],
)  # fmt: skip
async def test_b014_an_answer_with_two_readings_is_a_502_and_its_connection_is_not_used_again(
    answer: bytes,
) -> None:
    asked = 0

    async def talk(wire: Wire) -> None:
        nonlocal asked
        await wire.head()
        asked += 1
        await wire.say(answer)
        if answer and not answer.endswith(b"Content-Le"):
            await wire.closed()

    async with raw(talk) as stack, remote(stack) as app:
        client = await Client(app, method="POST").ask()
        assert client.status == 502
        assert client.json()["error"].startswith("legacy: ")
        assert (await Client(app, method="POST").ask()).status == 502
        assert stack.wires == asked == 2


async def test_b014_an_answer_that_is_longer_than_it_says_is_cut_and_the_rest_answers_nobody() -> (
    None
):
    evil = H + b"Content-Length: 2\r\n\r\nok" + H + b"Content-Length: 4\r\n\r\nevil"
    async with raw(says(evil)) as stack, remote(stack) as app:
        for _ in range(3):
            client = await Client(app).ask()
            assert (client.status, client.body) == (200, b"ok")
        assert stack.wires == 3


async def test_b014_what_comes_while_nobody_asks_ends_the_connection_at_once() -> None:
    answered = asyncio.Event()

    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(OK)
        if wire.stack.wires == 1:
            await answered.wait()
            await wire.say(H + b"Content-Length: 4\r\n\r\nevil")
            await wire.closed()

    async with raw(talk) as stack, remote(stack, idle=60) as app:
        assert (await Client(app).ask()).body == b"ok"
        answered.set()
        await until(lambda: not stack.open)
        assert (await Client(app).ask()).body == b"ok"
        assert stack.wires == 2


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (H + b"Content-Length: 5\r\n\r\nab", b"ab"),
        (CHUNKED + b"5\r\nab", b"ab"),
        (CHUNKED + b"2\r\nab\r\n", b"ab"),
        (CHUNKED + b"2\r\nab\r\n0\r\n", b"ab"),
        (CHUNKED + b"2\r\nab\r\nzz\r\n", b"ab"),
        (CHUNKED + b"2\r\nab\r\n0\r\n" + b"X: a\r\n" * HEAD_LIMIT + b"\r\n", b"ab"),
    ],
)
async def test_b014_an_answer_that_ends_early_is_cut_so_that_the_client_can_tell(
    answer: bytes, body: bytes
) -> None:
    begun = asyncio.Event()
    middle = answer.index(body) + 1

    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.say(answer[:middle])
        await begun.wait()
        await wire.say(answer[middle:])

    async with raw(talk) as stack, remote(stack) as app:
        client = Client(app)
        task = asyncio.ensure_future(client.ask())
        await until(lambda: client.body)
        begun.set()
        with pytest.raises(StackCut, match="ended early"):
            await task
    assert client.status == 200
    assert client.body == body
    assert all(message["more_body"] for message in client.sent[1:])


@pytest.mark.parametrize(
    ("answer", "method"),
    [
        (H + b"Content-Length: 9\r\n\r\n", "HEAD"),
        (CHUNKED, "HEAD"),
        (H + b"Content-Length: 2\r\n\r\nno", "HEAD"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET"),
        (b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "GET"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET"),
    ],
)
async def test_b014_an_answer_without_a_body_is_over_with_its_head(
    answer: bytes, method: str
) -> None:
    async with raw(says(answer)) as stack, remote(stack) as app:
        client = await Client(app, method=method).ask()
    assert client.body == b""
    assert client.sent[-1].get("more_body", False) is False


async def test_b014_a_head_answer_keeps_the_length_of_what_get_would_give() -> None:
    client = await answered(H + b"Content-Length: 9\r\n\r\n", method="HEAD")
    assert client.headers == {b"content-length": b"9"}


async def test_b014_a_204_has_no_length_to_tell() -> None:
    client = await answered(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
    assert client.headers == {}


@pytest.mark.parametrize(
    "head", [b"HTTP/1.0 200 OK\r\n\r\n", H + b"\r\n", H + b"Connection: close\r\n\r\n"]
)
async def test_b014_a_body_without_a_length_lasts_until_the_stack_closes(head: bytes) -> None:
    async with raw(once(head, b"ab", b"cd")) as stack, remote(stack) as app:
        for _ in range(2):
            assert (await Client(app).ask()).body == b"abcd"
        assert stack.wires == 2


@pytest.mark.parametrize(
    ("answer", "wires"),
    [
        (OK, 1),
        (H + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", 2),
        (H + b"Connection: x, Close\r\nContent-Length: 2\r\n\r\nok", 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 1),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", 1),
    ],
)
async def test_b014_a_connection_is_used_again_only_if_the_stack_says_so(
    answer: bytes, wires: int
) -> None:
    async with raw(says(answer)) as stack, remote(stack) as app:
        for _ in range(2):
            assert (await Client(app).ask()).body == b"ok"
        assert stack.wires == wires


async def test_b014_an_answer_in_single_bytes_is_the_same_answer() -> None:
    whole = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 201 Created\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    client = await answered(*(whole[n : n + 1] for n in range(len(whole))))
    assert (client.status, client.body) == (201, b"abcde")
    assert client.sent[0]["headers"] == [(b"x-a", b"1")]


async def test_b120_trailers_never_become_headers_or_body() -> None:
    client = await answered(CHUNKED + b"2\r\nok\r\n0\r\nSet-Cookie: evil=1\r\n\r\n")
    assert client.body == b"ok"
    assert client.headers == {}


async def test_t54_two_cookies_stay_two_and_hops_stay_here() -> None:
    head = (
        b"Set-Cookie: a=1\r\nServer: gunicorn\r\nSet-Cookie: b=2\r\nDate: today\r\nX-Latin: caf\xe9\r\n"
        b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n"
        b"Proxy-Authenticate: Basic\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"
    )
    client = await answered(b"HTTP/1.1 302 Found\r\n" + head)
    assert client.status == 302
    assert client.sent[0]["headers"] == [
        (b"set-cookie", b"a=1"),
        (b"server", b"gunicorn"),
        (b"set-cookie", b"b=2"),
        (b"date", b"today"),
        (b"x-latin", b"caf\xe9"),
        (b"proxy-authenticate", b"Basic"),
        (b"location", b"http://elsewhere/"),
        (b"content-length", b"0"),
    ]


async def test_b037_a_compressed_body_passes_untouched() -> None:
    packed = gzip.compress(b"hello" * 100)
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    client = await answered(H + head + packed)
    assert client.body == packed
    assert client.headers == {
        b"content-encoding": b"gzip",
        b"content-length": b"%d" % len(packed),
    }


async def test_b014_a_large_body_arrives_whole_and_in_parts() -> None:
    body = bytes(range(256)) * 40_000
    client = await answered(H + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert client.body == body
    assert len(client.sent) > 3


async def test_b061_a_connection_that_was_too_full_is_read_again_for_the_next_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "_HIGH", 0)
    monkeypatch.setattr(connection, "PATIENCE", 60)
    async with raw(OK) as stack, remote(stack) as app, asyncio.timeout(10):
        for _ in range(2):
            assert (await Client(app).ask()).body == b"ok"
        assert stack.wires == 1
