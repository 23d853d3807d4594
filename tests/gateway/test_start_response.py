"""An app's answer by the rules of PEP 3333, as strict and as lenient as gunicorn."""

import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from tests.gateway.bridge import Client, answering, until

Make = Callable[..., Any]
StartResponse = Callable[..., Any]
PART = b"x" * 64 * 1024


async def test_an_ordinary_answer_is_two_messages(make_stack: Make) -> None:
    client = await Client(make_stack(answering(lambda: [b"abc"], ("Content-Length", "3")))).ask()
    assert [message["type"] for message in client.sent] == [
        "http.response.start",
        "http.response.body",
    ]
    assert client.body == b"abc"


async def test_the_client_has_its_answer_before_the_app_has_ended(make_stack: Make) -> None:
    """`call_on_close` and what stands after the last `yield` may be slow: gunicorn's clients do not wait."""
    goes_on, ended = threading.Event(), threading.Event()

    def body() -> Iterator[bytes]:
        yield b"abc"
        goes_on.wait(10)
        ended.set()

    client = await Client(make_stack(answering(body, ("Content-Length", "3")))).ask()
    assert (client.body, ended.is_set()) == (b"abc", False)
    goes_on.set()
    await until(ended.is_set)


@pytest.mark.parametrize(
    ("length", "parts", "body"),
    [("3", [b"abcd", b"e"], b"abc"), ("3", [b"ab", b"cd"], b"abc"), ("0", [b"ab"], b"")],
)
async def test_b052_a_body_is_never_longer_than_its_content_length(
    make_stack: Make, length: str, parts: list[bytes], body: bytes
) -> None:
    client = await Client(make_stack(answering(lambda: parts, ("Content-Length", length)))).ask()
    assert client.body == body


async def test_b052_a_body_that_is_shorter_than_declared_is_sent_and_cut(make_stack: Make) -> None:
    client = Client(make_stack(answering(lambda: [b"ab"], ("Content-Length", "5"))))
    with pytest.raises(RuntimeError, match="declared 5 bytes and sent 2"):
        await client.ask()
    assert (client.body, client.sent[-1]["more_body"]) == (b"ab", True)


async def test_b052_write_and_what_is_returned_are_one_body(make_stack: Make) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"a")
        write(b"")
        return [b"b"]

    assert (await Client(make_stack(app)).ask()).body == b"ab"


async def test_b052_an_error_replaces_a_head_that_is_not_sent_yet(make_stack: Make) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        start_response("418 Teapot", [], (ValueError, ValueError("late"), None))
        return [b"x"]

    client = await Client(make_stack(app)).ask()
    assert (client.status, client.body) == (418, b"x")


async def test_b052_an_error_after_the_head_cuts_the_answer(make_stack: Make) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"half"
        error = ValueError("late")
        start_response("500 X", [], (ValueError, error, None))

    client = Client(make_stack(app))
    with pytest.raises(ValueError, match="late"):
        await client.ask()
    assert (client.status, client.body) == (200, b"half")
    assert client.sent[-1].get("more_body")


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200 OK", [("X", "a\r\nSet-Cookie: b=1")]),
        ("200 OK", [("X Y", "a")]),
        ("200 OK", [("X", 1)]),
        (200, []),
        ("20 OK", []),
        ("200 O\nK", []),
    ],
)
async def test_b036_a_head_that_would_split_is_500_and_never_sent(
    make_stack: Make, status: Any, headers: list[Any]
) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response(status, headers)
        return [b"x"]

    client = Client(make_stack(app))
    with pytest.raises((ValueError, TypeError)):
        await client.ask()
    assert client.status == 500
    assert b"Internal Server Error" in client.body


async def test_b036_repeated_and_latin_1_headers_arrive_as_they_are(make_stack: Make) -> None:
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X", "é")]
    client = await Client(make_stack(answering(lambda: [b""], *headers))).ask()
    assert client.sent[0]["headers"] == [
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"x", b"\xe9"),
    ]


async def test_b038_headers_of_the_hop_are_the_servers(make_stack: Make) -> None:
    headers = [
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("Keep-Alive", "1"),
        ("X", "1"),
    ]
    client = await Client(make_stack(answering(lambda: [b"a"], *headers))).ask()
    assert client.sent[0]["headers"] == [(b"x", b"1")]


async def test_b050_an_app_that_raises_before_its_answer_gets_the_page_of_gunicorn(
    make_stack: Make,
) -> None:
    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        raise ValueError("broken")

    client = Client(make_stack(app))
    with pytest.raises(ValueError, match="broken"):
        await client.ask()
    assert client.status == 500
    assert client.headers[b"content-type"] == b"text/html"


async def test_an_app_that_never_starts_its_answer_is_500(make_stack: Make) -> None:
    client = Client(make_stack(lambda environ, start_response: []))
    with pytest.raises(RuntimeError, match="start_response"):
        await client.ask()
    assert client.status == 500


async def test_each_request_has_a_context_of_its_own(make_stack: Make) -> None:
    seen: ContextVar[int] = ContextVar("seen", default=0)

    def app(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        before = seen.get()
        seen.set(before + 1)
        start_response("200 OK", [])
        return [b"%d" % before]

    stack = make_stack(app, threads=1)
    seen.set(40)
    assert [(await Client(stack).ask()).body for _ in range(2)] == [b"40", b"40"]
