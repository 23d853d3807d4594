"""Requests on real sockets: what reaches the app, what is refused, and what follows."""

import asyncio
from typing import Any

import pytest

from gateway.edge.refusals import REFUSED
from gateway.edge.scope import MARK
from tests.e2e.processes import wait
from tests.edge.inside import Edge, answer, echo, read
from tests.edge.wire import Client, ask, chunked, connected, get, post

pytestmark = pytest.mark.e2e


def refusals(reason: str) -> float:
    return float(REFUSED.labels(reason)._value.get())


def test_the_scope_is_what_was_sent(served: Edge) -> None:
    ask(served.port, get("//a%2Fb%20c?d=%C3%A9", "X-A: \xe9", "Cookie: a=1", "Cookie: b=2"))
    (scope,) = served.apps.scopes
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (
        "//a/b c",
        b"//a%2Fb%20c",
        b"d=%C3%A9",
    )
    assert scope["headers"] == [
        (b"host", b"x"),
        (b"x-a", b"\xe9"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    ]
    assert (scope["method"], scope["http_version"], scope["scheme"]) == ("GET", "1.1", "http")
    assert scope["client"][0] == scope["server"][0] == "127.0.0.1"


def test_what_passed_the_edge_is_marked(served: Edge) -> None:
    ask(served.port, get())
    assert MARK in served.apps.scopes[0]["extensions"]


def test_p021_the_authority_is_taken_from_host(served: Edge) -> None:
    ask(served.port, get("http://other.example/a"))
    (scope,) = served.apps.scopes
    assert (scope["path"], scope["headers"]) == ("/a", [(b"host", b"x")])


def test_p064_the_fragment_is_dropped(served: Edge) -> None:
    ask(served.port, get("/q?a=1#f"))
    assert served.apps.scopes[0]["query_string"] == b"a=1"


def test_p117_host_may_be_missing(served: Edge) -> None:
    assert ask(served.port, b"GET / HTTP/1.1\r\n\r\n").status == 200


def test_p124_b024_an_unknown_method_reaches_the_app(served: Edge) -> None:
    assert ask(served.port, get(method="FOO")).status == 200
    assert served.apps.scopes[0]["method"] == "FOO"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (post(b"0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"), 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (get("/" + "a" * 9_000), 414),
        (get("/", "X-A: " + "b" * 70_000), 431),
        (get("/", "Expect: foo"), 417),
        (get("x:80", method="CONNECT"), 501),
        (get("@evil"), 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    ],
    ids=[
        "two framings",
        "bare lf",
        "line",
        "field",
        "expect",
        "connect",
        "target",
        "http/2",
        "tls",
        "chunk",
    ],
)
def test_b001_b012_t63_p119_p120_p121_p123_a_refusal_is_an_answer_and_the_end(
    served: Edge, client: Client, raw: bytes, status: int
) -> None:
    client.send(raw)
    refused = client.read()
    assert refused.status == status
    assert refused.one(b"connection") == b"close"
    assert len(refused.all(b"date")) == len(refused.all(b"server")) == 1
    assert client.rest() == b""
    assert not served.apps.scopes or served.apps.scopes[0]["method"] == "POST"


def test_refusals_are_counted_by_reason(served: Edge) -> None:
    before = refusals("expectation")
    ask(served.port, get("/", "Expect: foo"))
    assert refusals("expectation") == before + 1


def test_a_refused_client_that_goes_on_sending_still_gets_its_answer(client: Client) -> None:
    client.send(get("/", "Expect: foo"))
    client.send(b"x" * 1_000_000)
    assert client.read().status == 417


def test_b010_pipelined_requests_are_answered_in_order(served: Edge, client: Client) -> None:
    release = asyncio.Event()

    @served.apps.at("/slow")
    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        await release.wait()
        await answer(send, b"slow")

    @served.apps.at("/quick")
    async def quick(scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, scope["query_string"])

    @served.apps.at("/release")
    async def let_go(_scope: Any, _receive: Any, send: Any) -> None:
        release.set()
        await answer(send, b"")

    client.send(get("/slow") + get("/quick?1") + get("/quick?2"))
    ask(served.port, get("/release"))
    assert [client.read().body for _ in range(3)] == [b"slow", b"1", b"2"]


def test_b010_a_request_is_never_read_out_of_a_body_that_nobody_read(
    served: Edge, client: Client
) -> None:
    @served.apps.at("/unread")
    async def unread(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, b"unread")

    body = get("/smuggled").ljust(70_000, b"x")
    client.send(post(body, "Content-Length: 70000", target="/unread"))
    client.send(get("/next", "Connection: close"))
    assert client.read().body == b"unread"
    client.rest()
    assert "/smuggled" not in [scope["path"] for scope in served.apps.scopes]


def test_b010_a_short_body_that_nobody_read_does_not_cost_the_connection(
    served: Edge, client: Client
) -> None:
    @served.apps.at("/unread")
    async def unread(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, b"unread")

    client.send(post(b"x" * 20_000, "Content-Length: 30000", target="/unread"))
    assert client.read().one(b"connection") == b"keep-alive"
    client.send(b"x" * 10_000 + get("/next"))
    assert client.read().status == 200
    assert served.apps.scopes[-1]["path"] == "/next"


def test_t12_b011_p125_a_stream_to_http_1_0_ends_with_the_connection(
    served: Edge, client: Client
) -> None:
    @served.apps.at("/stream")
    async def stream(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for line in (b"0\n", b"1\n", b"2\n"):
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body"})

    client.send(get("/stream", version="1.0"))
    streamed = client.read()
    assert (streamed.version, streamed.body) == (b"HTTP/1.0", b"0\n1\n2\n")
    assert streamed.all(b"transfer-encoding") == []


def test_b011_http_1_0_keeps_its_connection_on_request(client: Client) -> None:
    client.send(get("/", "Connection: keep-alive", version="1.0"))
    assert client.read().one(b"connection") == b"keep-alive"
    assert not client.closed()


def test_b012_b033_an_upgrade_to_something_unknown_is_ignored(client: Client) -> None:
    client.send(
        get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")
    )
    assert client.read().status == 200


def test_b013_100_is_sent_when_the_app_reads(served: Edge, client: Client) -> None:
    asked = asyncio.Event()

    @served.apps.at("/")
    async def reads(scope: Any, receive: Any, send: Any) -> None:
        await asked.wait()
        await echo(scope, receive, send)

    @served.apps.at("/ask")
    async def ask_now(_scope: Any, _receive: Any, send: Any) -> None:
        asked.set()
        await answer(send, b"")

    client.send(post(b"", "Content-Length: 5", "Expect: 100-continue"))
    client.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.read()
    client.socket.settimeout(10)
    ask(served.port, get("/ask"))
    assert client.read().status == 100
    client.send(b"hello")
    assert client.read().body == b"hello"


def test_b013_b115_without_a_read_the_final_answer_comes_at_once_and_is_the_last(
    served: Edge, client: Client
) -> None:
    @served.apps.at("/")
    async def refuses(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, b"no", status=401)

    client.send(post(b"", "Content-Length: 5", "Expect: 100-continue"))
    early = client.read()
    assert (early.status, early.one(b"connection")) == (401, b"close")
    assert client.rest() == b""


def test_b115_an_answer_during_an_upload_arrives_and_stops_it(served: Edge, client: Client) -> None:
    @served.apps.at("/")
    async def refuses(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await answer(send, b"no", status=413)

    client.send(post(b"x" * 100_000, "Content-Length: 1000000000"))
    early = client.read()
    assert (early.status, early.one(b"connection")) == (413, b"close")
    assert client.rest() == b""


def test_p122_half_a_body_is_no_body(served: Edge, client: Client) -> None:
    outcome: list[type[Exception]] = []

    @served.apps.at("/")
    async def reads(_scope: Any, receive: Any, send: Any) -> None:
        try:
            await read(receive)
        except ConnectionError as error:
            outcome.append(type(error))

    client.send(post(b"x" * 10, "Content-Length: 100"))
    wait(lambda: served.apps.scopes)
    client.finish()
    assert client.rest() == b""
    wait(lambda: outcome)


def test_a_client_that_only_stopped_sending_gets_its_answers(client: Client) -> None:
    client.send(post(b"hello", "Content-Length: 5") + get("/next"))
    client.finish()
    assert client.read().body == b"hello"
    assert client.read().status == 200
    assert client.rest() == b""


def test_an_app_learns_that_its_client_has_left(served: Edge) -> None:
    heard: list[str] = []

    @served.apps.at("/")
    async def waits(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await read(receive)
        heard.append((await receive())["type"])

    with connected(served.port) as client:
        client.send(get())
        wait(lambda: served.apps.scopes)
    wait(lambda: heard == ["http.disconnect"])


def test_b008_trailers_are_no_headers(served: Edge, client: Client) -> None:
    client.send(chunked(b"5\r\nhello\r\n0\r\nX-Banyan-Stack: modern\r\nHost: y\r\n\r\n"))
    assert client.read().body == b"hello"
    assert [name for name, _ in served.apps.scopes[0]["headers"]] == [b"host", b"transfer-encoding"]


HANDSHAKE = (
    "Connection: keep-alive, Upgrade", "Upgrade: WebSocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
)  # fmt: skip


def test_b033_a_websocket_is_handed_over(served: Edge, client: Client) -> None:
    @served.apps.at("/ws")
    async def greets(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": b"hello"})
        await receive()

    client.send(get("/ws?a=b", *HANDSHAKE))
    assert client.read().status == 101
    assert client._exactly(7) == b"\x82\x05hello"
    (scope,) = served.apps.scopes
    assert (scope["type"], scope["query_string"]) == ("websocket", b"a=b")


def test_b110_a_handshake_passes_the_same_rules(served: Edge, client: Client) -> None:
    client.send(get("/ws", *HANDSHAKE).replace(b"Host: x", b"Host: a@b"))
    assert client.read().status == 400
    assert served.apps.scopes == []
