"""Request bodies as the edge takes them off the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.body import ChunkedBody, CountedBody
from gateway.edge.limits import Limits
from gateway.edge.refusal import Reason, Refused

LIMITS = Limits()


def take(raw: bytes, limits: Limits = LIMITS) -> tuple[bytes, bytes]:
    """The body, and what follows it."""
    reader = ChunkedBody(limits)
    body = reader.feed(raw)
    assert reader.done
    return body, reader.rest


def reason(raw: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(Refused) as caught:
        ChunkedBody(limits).feed(raw)
    return caught.value.reason


@given(st.lists(st.binary(min_size=1, max_size=50)), st.integers(1, 40))
def test_chunks_are_put_together_however_they_arrive(parts: list[bytes], step: int) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\nrest"
    reader, body = ChunkedBody(LIMITS), b""
    for at in range(0, len(raw) - 4, step):
        body += reader.feed(raw[at : min(at + step, len(raw) - 4)])
    assert (reader.done, body, reader.rest) == (True, b"".join(parts), b"")
    assert take(raw) == (b"".join(parts), b"rest")


@given(st.binary(max_size=100), st.integers(1, 20))
def test_a_counted_body_ends_where_it_said(body: bytes, step: int) -> None:
    reader, got, raw = CountedBody(len(body)), b"", body + b"rest"
    while not reader.done:
        got += reader.feed(raw[len(got) : len(got) + step])
    assert got == body
    assert raw.startswith(body + reader.rest)


def test_b007_a_million_chunks_of_one_byte() -> None:
    reader, some = ChunkedBody(LIMITS), b"1\r\na\r\n" * 10_000
    assert sum(len(reader.feed(some)) for _ in range(100)) == 1_000_000


def test_b007_an_extension_of_64_kib_is_refused() -> None:
    assert reason(b"1;a=" + b"b" * 65_536 + b"\r\na\r\n") == Reason.CHUNK


def test_b007_an_extension_that_does_not_end_is_refused_before_it_does() -> None:
    assert reason(b"1;a=" + b"b" * LIMITS.field) == Reason.CHUNK


@pytest.mark.parametrize(
    "raw",
    [b"+1\r\na\r\n", b"1_0\r\n", b"0x1\r\na\r\n", b"12345678901234567\r\n", b"1\na\r\n", b"1\r\na\n",
     b"1\r\nab\r\n", b"1;a\nb\r\na\r\n", b"1;\r\na\r\n", b"\r\n", b"g\r\n", b" 1\r\n", b"1 \r\n", b"1\r\na\rb"],
)  # fmt: skip
def test_b006_b112_what_is_no_chunk_is_refused(raw: bytes) -> None:
    assert reason(raw) == Reason.CHUNK


def test_b006_sixteen_digits_are_a_size() -> None:
    assert take(b"0000000000000001\r\na\r\n0\r\n\r\n") == (b"a", b"")


@pytest.mark.parametrize("name", ["Content-Length", "Host", "X-Banyan-Stack", "X-T"])
def test_b008_trailers_leave_the_body_intact_and_go_nowhere(name: str) -> None:
    assert take(f"5\r\nhello\r\n0\r\n{name}: 1\r\n\r\nrest".encode()) == (b"hello", b"rest")


@pytest.mark.parametrize("line", [b"X-T", b": a", b"X T: a", b" a", b"X-T: a\0"])
def test_b008_trailers_have_the_form_of_fields(line: bytes) -> None:
    assert reason(b"0\r\n" + line + b"\r\n\r\n") == Reason.FIELD


def test_b008_trailers_are_limited_as_fields_are() -> None:
    assert reason(b"0\r\n" + b"X-T: a\r\n" * 101 + b"\r\n") == Reason.MANY_FIELDS
    assert reason(b"0\r\nX-T: " + b"a" * LIMITS.field) == Reason.LONG_FIELD
    assert reason(b"0\r\n" + b"X: a\r\n" * 10, Limits(field=20, fields=1)) == Reason.LONG_FIELD


def test_b010_what_is_still_to_come_is_known_of_a_counted_body_only() -> None:
    counted = CountedBody(10)
    counted.feed(b"abc")
    assert counted.remaining() == 7
    assert ChunkedBody(LIMITS).remaining() is None
