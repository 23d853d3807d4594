"""An ordinary head is read without a parser: as llhttp would have read it, or not at all."""

from random import Random
from typing import Any

import pytest

from gateway.stacks.remote import answer as module
from gateway.stacks.remote.answer import Answer, Malformed
from gateway.stacks.remote.plain import read_plain

_ANSWERS = [
    b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nDate: today\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 500 \r\nContent-Length: 2\r\nX-Latin: caf\xe9\r\nConnection: close\r\n\r\nok",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nConnection: x\r\nX: 1\r\nContent-Length: 2\r\nUpgrade: h2c\r\n\r\nok",
]
_BYTES = [bytes([n]) for n in range(256)] + [b" ", b"\t", b":", b"\r", b"\n", b"\0", b"0"] * 64
_PIECES = [
    b"\r\n", b"\r\n\r\n", b": ", b" :", b"  ", b"\r\n ", b"Content-Length: 2\r\n", b"content-length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Connection: Keep-Alive, x\r\n", b"x: \r\n",
    b"Trailer: x\r\n", b"TE: x\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"Keep-Alive: 1\r\n",
    b"X:a\r\n", b"X:  a\r\n", b"X:\ta\r\n", b"X: a \r\n", b"X: a\t\r\n", b"X: \x00\r\n", b"X: \x7f\r\n",
]  # fmt: skip


def read(data: bytes, *, head_only: bool) -> Any:
    """All that is known of an answer; nothing of one that is malformed."""
    answer = Answer(head_only=head_only)
    try:
        answer.feed(data)
    except Malformed:
        return None
    ended = answer.complete or answer.end()
    return answer.status, answer.headers, ended, answer.reusable, answer.rest, answer.take()


def spoilt(random: Random) -> bytes:
    """One of the answers with up to three things put in, taken out or in place of something."""
    data = random.choice(_ANSWERS)
    for _ in range(random.randrange(4)):
        if random.random() < 0.5:
            at = random.randrange(len(data))
            data = data[:at] + random.choice(_BYTES) + data[at + random.randrange(3) :]
        else:
            line = random.randrange(1 + data.count(b"\r\n"))
            at = len(b"\r\n".join(data.split(b"\r\n")[:line])) + 2 * bool(line)
            data = data[:at] + random.choice(_PIECES) + data[at:]
    return data


@pytest.mark.parametrize("seed", range(8))
def test_what_is_read_without_a_parser_is_what_the_parser_reads(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    answers = [(spoilt(random), bool(n % 2)) for n in range(1000)]
    quickly = [read(data, head_only=head_only) for data, head_only in answers]
    monkeypatch.setattr(module, "read_plain", lambda _head: None)
    closely = [read(data, head_only=head_only) for data, head_only in answers]
    differ = [data for (data, _), a, b in zip(answers, quickly, closely, strict=True) if a != b]
    assert differ == []
    assert sum(found is not None for found in quickly) > 100


@pytest.mark.parametrize("answer", _ANSWERS[:5])
def test_ordinary_heads_need_no_parser(answer: bytes) -> None:
    assert read_plain(answer.partition(b"\r\n\r\n")[0]) is not None


def test_a_head_that_is_too_long_to_remember_is_left_to_the_parser() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: " + b"x" * 5000
    assert read_plain(long) is None
