"""Answers as the edge frames them, without a socket."""

from typing import Any

import pytest

from gateway.edge.answer import Answer, BadAnswer

OURS = [(b"date", b"today"), (b"server", b"us")]


def answering(**given: bool) -> Answer:
    return Answer(**{"head_only": False, "http_1_0": False, "keep_alive": True} | given)


def head(
    answer: Answer, status: int = 200, *headers: tuple[bytes, bytes]
) -> dict[bytes, list[bytes]]:
    """The fields by name; the status line is under the empty name."""
    first, *lines = answer.start(status, headers, OURS).removesuffix(b"\r\n\r\n").split(b"\r\n")
    fields: dict[bytes, list[bytes]] = {b"": [first]}
    for line in lines:
        name, value = line.split(b": ", 1)
        fields.setdefault(name, []).append(value)
    return fields


def test_a_body_of_unknown_length_is_chunked() -> None:
    answer = answering()
    assert head(answer)[b"transfer-encoding"] == [b"chunked"]
    assert answer.body(b"hello", more=True) == b"5\r\nhello\r\n"
    assert answer.body(b"", more=True) == b""
    assert answer.body(b"", more=False) == b"0\r\n\r\n"


def test_t12_b011_p125_http_1_0_gets_no_chunks_but_the_end_of_the_connection() -> None:
    answer = answering(http_1_0=True)
    fields = head(answer)
    assert fields[b""] == [b"HTTP/1.0 200 OK"]
    assert b"transfer-encoding" not in fields
    assert fields[b"connection"] == [b"close"]
    assert answer.body(b"hello", more=False) == b"hello"


def test_b011_http_1_0_stays_with_a_length() -> None:
    assert head(answering(http_1_0=True), 200, (b"Content-Length", b"0"))[b"connection"] == [
        b"keep-alive"
    ]


@pytest.mark.parametrize(
    ("status", "head_only", "length"),
    [(200, True, [b"5"]), (304, False, [b"5"]), (204, False, None), (199, False, None)],
)
def test_b025_no_body_where_none_belongs(status: int, head_only: bool, length: Any) -> None:
    answer = answering(head_only=head_only)
    fields = head(answer, status, (b"content-length", b"5"))
    assert fields.get(b"content-length") == length
    assert b"transfer-encoding" not in fields
    assert fields[b"connection"] == [b"keep-alive"]
    assert answer.body(b"hello", more=False) == b""


def test_t12_head_of_a_stream_gains_no_framing() -> None:
    fields = head(answering(head_only=True))
    assert b"transfer-encoding" not in fields
    assert b"content-length" not in fields


def test_b038_an_app_cannot_double_the_framing() -> None:
    fields = head(
        answering(), 200,
        (b"Transfer-Encoding", b"chunked"), (b"Keep-Alive", b"timeout=5"), (b"Connection", b"x, Upgrade"),
        (b"Content-Length", b"5"), (b"content-length", b"5"), (b"TE", b"trailers"), (b"Upgrade", b"h2c"),
    )  # fmt: skip
    assert fields.keys() == {b"", b"date", b"server", b"connection", b"content-length"}
    assert fields[b"content-length"] == [b"5"]
    assert fields[b"connection"] == [b"keep-alive"]


def test_b038_an_app_may_ask_for_the_end_of_the_connection() -> None:
    answer = answering()
    assert head(answer, 200, (b"Connection", b"Close"))[b"connection"] == [b"close"]
    assert not answer.keep_alive


def test_p116_one_date_and_one_server() -> None:
    assert head(answering())[b"date"] == [b"today"]
    own = head(answering(), 200, (b"Date", b"then"), (b"Server", b"me"), (b"Date", b"later"))
    assert (own[b"date"], own[b"server"]) == ([b"then"], [b"me"])


def test_b036_repeated_fields_and_latin_1_are_kept() -> None:
    fields = head(
        answering(), 299, (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"a=2"), (b"X-A", b"\xe9")
    )
    assert fields[b""] == [b"HTTP/1.1 299 "]
    assert fields[b"set-cookie"] == [b"a=1", b"a=2"]
    assert fields[b"x-a"] == [b"\xe9"]


@pytest.mark.parametrize(
    ("status", "header"),
    [(200, (b"x-a", b"b\r\nx-b: c")), (200, (b"x-a", b"b\nc")), (200, (b"x-a", b"\0")), (200, (b"x a", b"b")),
     (200, (b"x-a: b\r\nx-b", b"c")), (200, (b"", b"b")), (200, (b"content-length", b"five")), (99, (b"a", b"b")),
     (1000, (b"a", b"b"))],
)  # fmt: skip
def test_b036_what_would_split_an_answer_is_not_sent(
    status: int, header: tuple[bytes, bytes]
) -> None:
    with pytest.raises(BadAnswer):
        answering().start(status, [header], OURS)


def test_two_lengths_that_differ_are_not_sent() -> None:
    with pytest.raises(BadAnswer):
        answering().start(200, [(b"content-length", b"5"), (b"content-length", b"6")], OURS)


def test_a_body_is_cut_where_its_length_ends() -> None:
    answer = answering()
    answer.start(200, [(b"content-length", b"5")], OURS)
    assert answer.body(b"hel", more=True) + answer.body(b"lo, world", more=True) == b"hello"
    assert answer.body(b"more", more=False) == b""


def test_a_body_that_ends_too_early_is_an_error() -> None:
    answer = answering()
    answer.start(200, [(b"content-length", b"5")], OURS)
    with pytest.raises(BadAnswer, match="2 bytes before"):
        answer.body(b"hel", more=False)
