"""What a stack receives: the client's request, and nothing of our own invention."""

from typing import Any

import pytest

from tests.gateway.bridge import Client, chunk
from tests.remote.fakes import OK, raw, remote

CHUNKED = (b"transfer-encoding", b"chunked")


async def received(
    *messages: dict[str, Any], trusted: str = "", **scope: Any
) -> tuple[bytes, list[bytes]]:
    """Request line and headers, as the stack got them."""
    async with raw(OK) as stack, remote(stack, trusted=trusted) as app:
        client = await Client(app, *messages, **{"headers": HOST, **scope}).ask()
        assert client.status == 200
    line, *headers = stack.heads[0].removesuffix(b"\r\n\r\n").split(b"\r\n")
    return line, headers


HOST = [(b"host", b"shop.example")]
TOLD = [
    b"x-forwarded-for: 127.0.0.1",
    b"x-forwarded-proto: http",
    b"x-forwarded-host: shop.example",
]


@pytest.mark.parametrize(
    "path",
    [b"/a/../b", b"/./a//b/", b"//a", b"/%2e%2E/%41%zz", b"/a;b=c,d", b"/\xc3\xa9", b"/%00", b"/*"],
)
async def test_b116_the_target_arrives_byte_for_byte(path: bytes) -> None:
    line, _ = await received(path="/x", raw_path=path, query_string=b"a=%2f&b=%C3+c")
    assert line == b"GET " + path + b"?a=%2f&b=%C3+c HTTP/1.1"


async def test_b116_a_path_is_quoted_where_the_server_does_not_tell_how_it_was_spelled() -> None:
    line, _ = await received(path="/ä b/?", raw_path=None)
    assert line == b"GET /%C3%A4%20b/%3F HTTP/1.1"


async def test_b116_a_stack_gets_the_clients_headers_in_their_order_and_no_others() -> None:
    sent = [
        (b"host", b"shop.example"),
        (b"cookie", b"a=1"),
        (b"x-one", b"1"),
        (b"cookie", b"b=2"),
        (b"proxy-authorization", b"Basic eA=="),
        (b"x-request-id", b"id"),
        (b"x-latin", b"caf\xe9"),
    ]
    _, headers = await received(headers=sent)
    assert headers == [name + b": " + value for name, value in sent] + TOLD


async def test_t54_no_header_is_invented_for_a_request_without_any() -> None:
    _, headers = await received(headers=HOST)
    names = {header.partition(b":")[0] for header in headers}
    assert not names & {
        b"accept",
        b"accept-encoding",
        b"user-agent",
        b"connection",
        b"content-length",
    }


async def test_b033_headers_for_one_hop_and_what_connection_names_stay_here() -> None:
    hops = [
        (b"connection", b"close, X-Foo"),
        (b"x-foo", b"1"),
        (b"connection", b"X-Bar"),
        (b"x-bar", b"1"),
        (b"keep-alive", b"timeout=5"),
        (b"proxy-connection", b"close"),
        (b"te", b"trailers"),
        (b"upgrade", b"h2c"),
        (b"x-kept", b"1"),
    ]
    _, headers = await received(headers=HOST + hops)
    assert headers == [b"host: shop.example", b"x-kept: 1", *TOLD]


async def test_b033_a_client_cannot_make_host_or_length_hop_by_hop() -> None:
    named = [(b"connection", b"host, content-length, x-forwarded-for"), (b"content-length", b"2")]
    _, headers = await received(chunk(b"ok"), method="POST", headers=HOST + named)
    assert headers == [b"host: shop.example", b"content-length: 2", *TOLD]


async def test_b117_a_chunked_body_arrives_chunked_anew_and_whole() -> None:
    async with raw(OK) as stack, remote(stack) as app:
        parts = [chunk(b"a" * 70_000, more=True), chunk(b"", more=True), chunk(b"b", more=True)]
        client = Client(app, *parts, chunk(b""), method="POST", headers=[*HOST, CHUNKED])
        assert (await client.ask()).status == 200
    assert stack.bodies == [b"a" * 70_000 + b"b"]
    assert stack.heads[0].count(b"transfer-encoding: chunked") == 1
    assert b"content-length" not in stack.heads[0]


async def test_b117_a_body_of_known_length_arrives_with_its_length() -> None:
    async with raw(OK) as stack, remote(stack) as app:
        length = (b"content-length", b"3000000")
        parts = [chunk(b"x" * 1_000_000, more=n < 2) for n in range(3)]
        assert (
            await Client(app, *parts, method="POST", headers=[*HOST, length]).ask()
        ).status == 200
    assert stack.bodies == [b"x" * 3_000_000]
    assert b"transfer-encoding" not in stack.heads[0]


@pytest.mark.parametrize(
    ("messages", "method", "framing"),
    [
        ([chunk(b"abc")], "POST", b"content-length: 3"),
        ([chunk(b"abc", more=True), chunk(b"d")], "POST", b"transfer-encoding: chunked"),
        ([chunk(b"")], "POST", b"content-length: 0"),
    ],
)
async def test_b117_a_body_whose_length_http2_does_not_tell_is_framed(
    messages: list[dict[str, Any]], method: str, framing: bytes
) -> None:
    _, headers = await received(*messages, method=method, http_version="2")
    assert framing in headers


async def test_b117_a_get_of_http2_without_a_body_gets_no_framing() -> None:
    _, headers = await received(http_version="2")
    assert headers == [b"host: shop.example", *TOLD]


async def test_b116_a_client_of_http_1_0_without_host_makes_a_valid_request() -> None:
    _, headers = await received(headers=[], http_version="1.0", server=("10.0.0.9", 8000))
    assert headers[0] == b"host: 10.0.0.9:8000"


LIE = [
    (b"x-forwarded-for", b"6.6.6.6"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"evil.example"),
    (b"x-forwarded-port", b"666"),
    (b"forwarded", b"for=6.6.6.6"),
]


async def test_b031_what_an_untrusted_peer_says_of_itself_is_replaced() -> None:
    _, headers = await received(headers=HOST + LIE)
    assert headers == [b"host: shop.example", *TOLD]


async def test_b031_what_a_trusted_proxy_says_is_kept_and_its_address_appended() -> None:
    _, headers = await received(headers=HOST + LIE, trusted="127.0.0.0/8")
    assert headers == [
        b"host: shop.example",
        b"x-forwarded-proto: https",
        b"x-forwarded-host: evil.example",
        b"x-forwarded-port: 666",
        b"x-forwarded-for: 6.6.6.6, 127.0.0.1",
        b"forwarded: for=6.6.6.6, for=127.0.0.1",
    ]


async def test_b031_several_lines_of_a_trusted_chain_are_one_chain() -> None:
    lines = [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2")]
    _, headers = await received(headers=HOST + lines, trusted="127.0.0.1/32")
    assert b"x-forwarded-for: 1.1.1.1, 2.2.2.2, 127.0.0.1" in headers


async def test_b031_a_peer_of_ipv6_is_told_as_each_header_spells_it() -> None:
    told = [(b"forwarded", b"for=a")]
    _, headers = await received(headers=HOST + told, trusted="::1/128", client=("::1", 1))
    assert b"x-forwarded-for: ::1" in headers
    assert b'forwarded: for=a, for="[::1]"' in headers


async def test_b031_a_peer_without_an_address_is_not_given_one() -> None:
    _, headers = await received(headers=HOST + LIE, client=None)
    assert headers == [b"host: shop.example", *TOLD[1:]]


REFUSED = [
    (400, {"headers": [*HOST, (b"content-length", b"1"), (b"content-length", b"1")]}),
    (400, {"headers": [*HOST, (b"content-length", b"1"), CHUNKED]}),
    (400, {"headers": [*HOST, (b"content-length", b"+1")]}),
    (400, {"headers": [*HOST, (b"content-length", b"9" * 30)]}),
    (400, {"headers": [*HOST, CHUNKED, CHUNKED]}),
    (501, {"headers": [*HOST, (b"transfer-encoding", b"gzip, chunked")]}),
    (400, {"headers": [*HOST, *HOST]}),
    (400, {"headers": [*HOST, (b"x", b"a\r\nevil: 1")]}),
    (400, {"headers": [*HOST, (b"x", b"a\nevil: 1")]}),
    (400, {"headers": [*HOST, (b"x", b"a\rb")]}),
    (400, {"headers": [*HOST, (b"x", b"a\0b")]}),
    (400, {"headers": [*HOST, (b"x: y\r\nevil", b"a")]}),
    (400, {"headers": [*HOST, (b"x y", b"a")]}),
    (400, {"headers": [*HOST, (b"", b"a")]}),
    (400, {"raw_path": b"/a b"}),
    (400, {"raw_path": b"/a HTTP/1.1\r\nevil: 1\r\n\r\nGET /b"}),
    (400, {"query_string": b"a\r\nb"}),
    (400, {"raw_path": b"http://evil/"}),
    (501, {"method": "CONNECT"}),
    (501, {"method": "GET /evil HTTP/1.1\r\nx:"}),
    (501, {"method": ""}),
]


@pytest.mark.parametrize(("status", "scope"), REFUSED)
async def test_b015_a_request_with_two_readings_reaches_no_stack(
    status: int, scope: dict[str, Any]
) -> None:
    async with raw(OK) as stack, remote(stack) as app:
        client = await Client(app, **{"headers": HOST, **scope}).ask()
    assert client.status == status
    assert "error" in client.json()
    assert stack.wires == 0
