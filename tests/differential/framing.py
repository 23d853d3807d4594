"""One HTTP/1 answer off a byte string, by RFC 9112, with nothing mended."""

import re
from dataclasses import dataclass
from typing import Final

_STATUS: Final = re.compile(rb"HTTP/1\.\d (\d{3})(?: ([\t -~\x80-\xff]*))?")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]+")
_ONCE: Final = ("content-length", "content-type", "date", "location", "server", "transfer-encoding")

Header = tuple[str, str]


class Incomplete(Exception):
    """More bytes are needed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status line, headers in their order, the body without its framing, and what was wrong with it."""

    status: int
    reason: str
    headers: tuple[Header, ...]
    body: bytes
    framing: str  # none | length | chunked | close
    faults: tuple[str, ...] = ()

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


def parse_answer(data: bytes, method: str, version: str, *, ended: bool) -> tuple[Answer, int]:
    """The first answer in `data`, to a request of `method` and `version`, and its length in bytes.

    Raises Incomplete, and ValueError for what is no answer. With `ended` nothing more will come: a body
    may end there, whether its framing says so or not.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if ended:
            raise ValueError(f"no answer: {data[:80]!r}")
        raise Incomplete
    status, reason, headers = _head(data[:end])
    faults = _faults(headers)
    framing = _framing(status, method, headers)
    if framing == "chunked" and version == "HTTP/1.0":
        faults.append("chunks sent to HTTP/1.0")
    body, used = _body(data[end + 4 :], framing, headers, faults, ended=ended)
    answer = Answer(status, reason, tuple(headers), body, framing, tuple(faults))
    return answer, end + 4 + used


def _head(head: bytes) -> tuple[int, str, list[Header]]:
    first, *lines = head.split(b"\r\n")
    found = _STATUS.fullmatch(first)
    if found is None:
        raise ValueError(f"no status line: {first[:80]!r}")
    fields = [_FIELD.fullmatch(line) for line in lines]
    if None in fields or b"\n" in head.replace(b"\r\n", b"") or b"\0" in head:
        raise ValueError(f"no header field in {head[:200]!r}")
    headers = [(f[1].decode(), f[2].decode("latin-1")) for f in fields if f is not None]
    return int(found[1]), (found[2] or b"").decode("latin-1"), headers


def _faults(headers: list[Header]) -> list[str]:
    names = [name.lower() for name, _ in headers]
    faults = [f"{names.count(name)} lines of {name}" for name in _ONCE if names.count(name) > 1]
    if {"content-length", "transfer-encoding"} <= set(names):
        faults.append("Content-Length and Transfer-Encoding")
    lengths = {value for name, value in headers if name.lower() == "content-length"}
    faults += [f"Content-Length {length!r}" for length in lengths if not length.isdecimal()]
    return faults


def _framing(status: int, method: str, headers: list[Header]) -> str:
    """RFC 9112 §6.3."""
    names = {name.lower(): value for name, value in headers}
    if method == "HEAD" or status < 200 or status in {204, 304}:
        return "none"
    if names.get("transfer-encoding", "").lower() == "chunked":
        return "chunked"
    return "length" if names.get("content-length", "").isdecimal() else "close"


def _body(
    data: bytes, framing: str, headers: list[Header], faults: list[str], *, ended: bool
) -> tuple[bytes, int]:
    if framing == "none":
        return b"", 0
    if framing == "chunked":
        return _chunks(data, faults, ended=ended)
    if framing == "close":
        if not ended:
            raise Incomplete
        return data, len(data)
    length = next(value for name, value in headers if name.lower() == "content-length")
    if len(data) < int(length):
        _cut(faults, ended=ended)
    return data[: int(length)], min(len(data), int(length))


def _chunks(data: bytes, faults: list[str], *, ended: bool) -> tuple[bytes, int]:
    parts: list[bytes] = []
    at = 0
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            _cut(faults, ended=ended)
            return b"".join(parts), len(data)
        if not _SIZE.fullmatch(data[at:line]):
            raise ValueError(f"chunk size {data[at:line][:40]!r}")
        size, start = int(data[at:line], 16), line + 2
        at = start + size + 2
        if len(data) < at:
            _cut(faults, ended=ended)
            return b"".join([*parts, data[start:]]), len(data)
        if data[at - 2 : at] != b"\r\n":
            raise ValueError(f"after a chunk: {data[at - 2 : at]!r}")
        if size == 0:
            return b"".join(parts), at
        parts.append(data[start : at - 2])


def _cut(faults: list[str], *, ended: bool) -> None:
    if not ended:
        raise Incomplete
    faults.append("cut in the middle of its body")
