"""The rules by which answers of two apps are compared: each has a difference that it must see."""

import pytest

from tests.differential.framing import parse_answer
from tests.differential.probes.probe import Probe, get, probe
from tests.differential.servers import Target
from tests.differential.wire import Conversation
from tests.parity.compare import differences, form

_HERE, _THERE = (Target(name, port, gateway=False) for name, port in (("a", 1000), ("b", 2000)))
_ANY = probe("P099", "any", get("/any"))
_JSON = probe("P022", "json", get("/json"))
_OF_APP = b"X-After: 1\r\n"


def answered(head: bytes, body: bytes = b"", of_app: bytes = _OF_APP) -> Conversation:
    length = b"Content-Length: %d\r\n" % len(body)
    data = b"HTTP/1.1 200 OK\r\n" + of_app + length + head + b"\r\n" + body
    return Conversation((parse_answer(data, "GET", "HTTP/1.1", ended=True)[0],), kept=True)


def differing(ours: Conversation, theirs: Conversation, of: Probe = _ANY) -> list[str]:
    """The first word of each difference."""
    return [line.split(":")[0] for line in differences(of, ours, theirs, _HERE, _THERE)]


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (b'ETag: "1.5-13-7"\r\n', b'ETag: "2.5-13-8"\r\n', []),
        (b'ETag: "1.5-13-7"\r\n', b'ETag: W/"1.5-13-7"\r\n', ["etag"]),
        (b'ETag: "1.5-13-7"\r\n', b'ETag: "' + b"a" * 32 + b'"\r\n', ["etag"]),
        (b'ETag: "1.5-13-7"\r\n', b"", ["etag"]),
        (b"Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n", b"Last-Modified: x\r\n", []),
        (b"Last-Modified: x\r\n", b"", ["last-modified"]),
        (b"Location: /a\r\n", b"Location: http://example.com/a\r\n", []),
        (b"Location: http://example.com/a\r\n", b"Location: /b\r\n", ["location"]),
        (
            b"Location: http://example.com/a\r\n",
            b"Location: https://example.com/a\r\n",
            ["location-scheme"],
        ),
        (b"Vary: A, b\r\n", b"Vary: B,a\r\n", []),
        (b"X-Own: 1\r\n", b"X-Own: 2\r\n", ["x-own"]),
    ],
)
def test_headers_compare_by_what_a_client_can_tell(
    ours: bytes, theirs: bytes, found: list[str]
) -> None:
    assert differing(answered(ours), answered(theirs)) == found


def test_an_answer_without_the_hook_is_an_apps_answer_that_lacks_it() -> None:
    assert differing(answered(b"", b"page"), answered(b"", b"page", of_app=b"")) == ["x-after"]


def test_of_a_request_that_the_parser_refused_only_the_status_counts() -> None:
    refused = answered(b"", b"<html>", of_app=b"")

    assert differing(refused, answered(b"X-Own: 1\r\n", b"otherwise")) == []


@pytest.mark.parametrize(("row", "found"), [(_ANY, []), (_JSON, ["bytes"])])
def test_bytes_count_where_a_row_is_about_them(row: Probe, found: list[str]) -> None:
    assert differing(answered(b"", b'{"a":1}\n'), answered(b"", b'{"a": 1}'), row) == found


def test_the_next_answer_on_the_connection_belongs_to_no_row() -> None:
    plain = answered(b"")
    followed = Conversation(
        plain.answers, True, ("the next answer on the connection is not that of the next request",)
    )

    assert differing(plain, followed) == []


def test_a_tag_has_the_form_of_another_of_its_maker() -> None:
    assert form('"1700000000.25-13-1234567"') == form('"1800000000.0-9-1"') == '"N-N-N"'
    assert form('W/"w1"') == 'W/"wN"'
