"""What the harness must see, or its silence would mean nothing."""

import pytest

from tests.differential.compare import differences
from tests.differential.framing import Incomplete, parse_answer
from tests.differential.servers import Target
from tests.differential.wire import Conversation

_APP = b"X-After: 1\r\nX-Served-By: legacy\r\n"
_HERE, _THERE = Target("here", 1000), Target("there", 2000)


def answered(head: bytes, body: bytes = b"", *, method: str = "GET") -> Conversation:
    """A conversation of one answer of the app, with a Content-Length unless the head frames it."""
    length = (
        b"" if b"ransfer" in head or b"ength" in head else b"Content-Length: %d\r\n" % len(body)
    )
    data = b"HTTP/1.1 200 OK\r\n" + _APP + length + head + b"\r\n" + body
    return Conversation((parse_answer(data, method, "HTTP/1.1", ended=True)[0],), kept=True)


def differing(ours: Conversation, theirs: Conversation) -> list[str]:
    """The kinds of differences, each once."""
    found = differences(ours, theirs, _HERE, _THERE)
    return list(dict.fromkeys(line.split(":")[0] for line in found))


def faults(data: bytes, *, version: str = "HTTP/1.1") -> tuple[str, ...]:
    return parse_answer(data, "GET", version, ended=True)[0].faults


def test_b001_two_framings_in_one_answer_are_a_fault() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert faults(data) == ("Content-Length and Transfer-Encoding",)


def test_b002_two_lengths_are_a_fault() -> None:
    assert faults(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n") == (
        "2 lines of content-length",
    )


def test_p116_two_date_lines_are_a_fault() -> None:
    data = b"HTTP/1.1 200 OK\r\nDate: x\r\nDate: x\r\nContent-Length: 0\r\n\r\n"
    assert faults(data) == ("2 lines of date",)


def test_p125_chunks_to_an_old_client_are_a_fault() -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    assert faults(data, version="HTTP/1.0") == ("chunks sent to HTTP/1.0",)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_b014_a_body_that_stops_early_is_a_fault_and_until_then_incomplete(data: bytes) -> None:
    assert faults(data) == ("cut in the middle of its body",)
    with pytest.raises(Incomplete):
        parse_answer(data, "GET", "HTTP/1.1", ended=False)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: a\nb\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    ],
)
def test_b036_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"status line|header field|chunk"):
        parse_answer(data, "GET", "HTTP/1.1", ended=True)


def test_t65_sets_compare_as_sets() -> None:
    one, other = answered(b"Allow: GET, HEAD\r\n"), answered(b"Allow: HEAD,GET\r\n")
    assert differing(one, other) == []
    assert differing(one, answered(b"Allow: GET\r\n")) == ["allow"]


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (b'{"a":1,"b":2}', b'{"b": 2, "a": 1}', []),
        (b'{"a":1}', b'{"a":1.0}', ["json"]),
        (b'{"a":1}', b'{"a":true}', ["json"]),
        (b'{"a":1}', b'{"a":1,"a":1}', ["json"]),
        (b"[1,2]", b"[2,1]", ["json"]),
        (b"[NaN]", b"[NaN] ", []),
        (b"text", b"other", ["body"]),
        (b"http://127.0.0.1:1000/", b"http://127.0.0.1:2000/", []),
        (b"http://127.0.0.1:1000/", b"http://127.0.0.1:1000/ ", ["body"]),
    ],
)
def test_p035_bodies_compare_by_value_and_type(
    ours: bytes, theirs: bytes, found: list[str]
) -> None:
    assert differing(answered(b"", ours), answered(b"", theirs)) == found


def test_p134_a_stream_must_stay_a_stream() -> None:
    stream = answered(b"Transfer-Encoding: chunked\r\n", b"1\r\na\r\n0\r\n\r\n")
    assert differing(stream, answered(b"", b"a")) == ["transfer-encoding"]


def test_p014_the_length_of_a_head_counts() -> None:
    ours = answered(b"Content-Length: 5\r\n", method="HEAD")
    theirs = answered(b"Content-Length: 6\r\n", method="HEAD")
    assert differing(ours, theirs) == ["content-length"]


def test_p074_cookies_compare_as_sets_of_attributes_and_the_clock_does_not_count() -> None:
    ours = answered(b"Set-Cookie: a=1; Expires=Thu, 02 Jan 2031 00:00:00 GMT; Path=/\r\n")
    later = answered(b"Set-Cookie: a=1; Path=/; expires=Thu, 02 Jan 2031 00:00:01 GMT\r\n")
    deleted = answered(b"Set-Cookie: a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n")
    assert differing(ours, later) == []
    assert differing(ours, deleted) == ["cookies"]


def test_p126_a_servers_answer_is_no_apps_answer() -> None:
    made = answered(b"", b"same")
    refusal, _ = parse_answer(
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsame", "GET", "HTTP/1.1", ended=True
    )
    assert differing(made, Conversation((refusal,), kept=True)) == ["made by"]


def test_b015_an_answer_that_did_not_pass_the_gateway_is_seen() -> None:
    ours = answered(b"", b"same")
    data = b"HTTP/1.1 200 OK\r\nX-After: 1\r\nContent-Length: 4\r\n\r\nsame"
    direct = Conversation((parse_answer(data, "GET", "HTTP/1.1", ended=True)[0],), kept=True)
    assert differing(ours, direct) == ["made by"]
