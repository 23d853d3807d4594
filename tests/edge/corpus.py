"""What the RFCs ask of an HTTP/1.1 server, as bytes and the answers that are right.

`python -m tests.edge.corpus` counts how many hold for `banyan serve`, uvicorn and gunicorn before the same
Flask app. Right is what RFC 9112 and RFC 9110 say, not what we do: some cases we fail on purpose.
"""

import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.edge.servers import SERVERS, serving
from tests.edge.wire import Answer, Broken, Client, chunked, connected, get, post

OK: Final = frozenset({200})
REFUSED: Final = frozenset({400, 405, 413, 414, 417, 431, 501, 505})
BAD: Final = frozenset({400})
UNFRAMED: Final = frozenset({400, 501})


@dataclass(frozen=True, slots=True)
class Case:
    """`right`: the statuses that are right for each answer in turn; a refusal may also be just a close."""

    name: str
    rfc: str
    raw: bytes
    right: tuple[frozenset[int], ...]
    closes: bool | None = None  # None: either is right
    body: bytes | None = None  # what the app must have got
    method: str = "GET"


def judge(port: int, case: Case) -> str:
    """What is wrong, or nothing."""
    with connected(port) as client:
        client.send(case.raw)
        try:
            wrong = _judge_answers(client, case)
            if not wrong and case.closes is not None and client.closed() is not case.closes:
                wrong = "was kept open" if case.closes else "was closed"
        except (Broken, ValueError, TimeoutError) as error:
            return f"{type(error).__name__}: {error}"
    return wrong


def _judge_answers(client: Client, case: Case) -> str:
    for right in case.right:
        try:
            answer = client.final(case.method)
        except EOFError:
            return "" if right <= REFUSED else "closed without an answer"
        if answer.status not in right:
            return f"{answer.status}, not one of {sorted(right)}"
        if wrong := _judge_head(answer):
            return wrong
        if case.body is not None and answer.body != case.body:
            return f"the app got {answer.body[:40]!r}"
    return ""


def _judge_head(answer: Answer) -> str:
    if answer.status < 500 and len(answer.all(b"date")) > 1:
        return "more than one Date"
    return ""


def ok(name: str, rfc: str, raw: bytes, body: bytes | None = None, **more: bool) -> Case:
    return Case(name, rfc, raw, (OK,), body=body, closes=more.get("closes", False))


def bad(name: str, rfc: str, raw: bytes, right: frozenset[int] = BAD) -> Case:
    return Case(name, rfc, raw, (right,), closes=True)


def line(text: bytes) -> bytes:
    return text + b"\r\nHost: x\r\n\r\n"


REQUEST_LINE: Final = (
    ok("get", "9112 3", get()),
    ok("query", "9112 3.2.1", get("/a?b=c&d")),
    ok("empty-line-before", "9112 2.2", b"\r\n" + get()),
    ok("encoded", "9112 3.2.1", get("/%41%2F?%00")),
    ok("double-slash", "9112 3.2.1", get("//a")),
    ok("long-target", "9112 3", get("/" + "a" * 3_000)),
    ok("http-1.2", "9110 2.5", line(b"GET / HTTP/1.2")),
    ok("absolute-form", "9112 3.2.2", get("http://other.example/a?b")),
    ok("absolute-form-without-path", "9112 3.2.2", get("http://other.example")),
    ok("absolute-form-https", "9112 3.2.2", get("https://other.example:444/a")),
    Case("options-star", "9112 3.2.4", get("*", method="OPTIONS"), (OK | {204, 404, 405},)),
    Case("unknown-method", "9110 9.1", get(method="FOO"), (frozenset({405, 501}),), closes=None),
    Case("trace", "9110 9.3.8", get(method="TRACE"), (frozenset({405, 501}),)),
    bad("lower-case-method", "9110 9.1", get(method="get"), frozenset({400, 405, 501})),
    bad("connect", "9110 9.3.6", get("x:80", method="CONNECT"), frozenset({400, 405, 501})),
    bad("no-version", "9112 3", line(b"GET /")),
    bad("no-target", "9112 3", line(b"GET HTTP/1.1")),
    bad("two-spaces", "9112 3", line(b"GET  / HTTP/1.1")),
    bad("two-spaces-before-version", "9112 3", line(b"GET /  HTTP/1.1")),
    bad("space-in-target", "9112 3.2", line(b"GET /a b HTTP/1.1")),
    bad("tab-for-space", "9112 3", line(b"GET\t/\tHTTP/1.1")),
    bad("space-before-method", "9112 3", line(b" GET / HTTP/1.1")),
    bad("space-after-version", "9112 3", line(b"GET / HTTP/1.1 ")),
    bad("method-no-token", "9110 9.1", line(b"GE@T / HTTP/1.1")),
    bad("method-with-nul", "9110 9.1", line(b"GE\0T / HTTP/1.1")),
    bad("bare-cr-in-line", "9112 2.2", line(b"GET /a\rb HTTP/1.1")),
    bad("bare-cr-for-crlf", "9112 2.2", b"GET / HTTP/1.1\rHost: x\r\n\r\n"),
    bad("nul-in-target", "9112 3.2", line(b"GET /\0 HTTP/1.1")),
    bad("raw-utf-8-in-target", "9112 3.2", line("GET /é HTTP/1.1".encode())),
    bad("raw-0xff-in-target", "9112 3.2", line(b"GET /\xff HTTP/1.1")),
    bad("version-lower-case", "9112 2.3", line(b"GET / http/1.1")),
    bad("version-two-digits", "9112 2.3", line(b"GET / HTTP/1.10")),
    bad("version-comma", "9112 2.3", line(b"GET / HTTP/1,1")),
    bad("version-2", "9110 15.6.6", line(b"GET / HTTP/2.0"), frozenset({400, 505})),
    bad("version-0.9", "9110 15.6.6", line(b"GET / HTTP/0.9"), frozenset({400, 505})),
    bad("no-protocol", "9112 2.3", line(b"GET / FTP/1.1")),
    bad("star-with-get", "9112 3.2.4", get("*")),
    bad("authority-with-get", "9112 3.2.3", get("x:80")),
    bad("target-without-slash", "9112 3.2", get("@evil")),
    bad("relative-target", "9112 3.2", get("a/b")),
    bad("absolute-form-without-host", "9110 4.2.1", get("http:///a")),
    bad("absolute-form-with-user", "9110 4.2.4", get("http://u@x/a")),
    bad("line-too-long", "9112 3", get("/" + "a" * 100_000), frozenset({400, 414})),
    bad("http-2-preface", "9113 3.4", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frozenset({400, 505})),
    bad("tls-hello", "9112 2.2", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60)),
)

FIELDS: Final = (
    ok("empty-value", "9110 5.5", get("/", "X-A:")),
    ok("no-space-after-colon", "9112 5", get("/", "X-A:b")),
    ok("spaces-around-value", "9112 5.1", get("/", "X-A: \t b \t ")),
    ok("tab-in-value", "9110 5.5", get("/", "X-A: b\tc")),
    ok("obs-text-in-value", "9110 5.5", get("/", "X-A: \xe9")),
    ok("all-token-characters", "9110 5.6.2", get("/", "!#$%&'*+-.^_`|~09azAZ: b")),
    ok("repeated-list", "9110 5.3", get("/", "Accept: a/b", "Accept: c/d")),
    ok("eighty-fields", "9110 5.4", get("/", *(f"X-{n}: b" for n in range(80)))),
    ok("unknown-field", "9110 5.1", get("/", "Foo-Bar: b")),
    bad("no-colon", "9112 5", get("/", "X-A")),
    bad("space-before-colon", "9112 5.1", get("/", "X-A : b")),
    bad("tab-before-colon", "9112 5.1", get("/", "X-A\t: b")),
    bad("space-before-colon-of-length", "9112 5.1", post(b"hello", "Content-Length : 5")),
    bad("space-before-first-field", "9112 2.2", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
    bad("fold", "9112 5.2", get("/", "X-A: b\r\n c")),
    bad("fold-with-tab", "9112 5.2", get("/", "X-A: b\r\n\tc")),
    bad("fold-in-length", "9112 5.2", post(b"hello", "Content-Length:\r\n 5")),
    bad("empty-name", "9112 5", get("/", ": b")),
    bad("space-in-name", "9110 5.1", get("/", "X A: b")),
    bad("parenthesis-in-name", "9110 5.6.2", get("/", "X(A): b")),
    bad("nul-in-name", "9110 5.1", get("/", "X\0A: b")),
    bad("non-ascii-name", "9110 5.1", get("/", "X\xe9: b")),
    bad("nul-in-value", "9110 5.5", get("/", "X-A: b\0c")),
    bad("bare-cr-in-value", "9110 5.5", get("/", "X-A: b\rc")),
    bad("bare-lf-in-value", "9112 2.2", get("/", "X-A: b\nX-B: c")),
    bad("control-in-value", "9110 5.5", get("/", "X-A: b\x01c")),
    bad("del-in-value", "9110 5.5", get("/", "X-A: b\x7fc")),
    bad("bare-lf-everywhere", "9112 2.2", b"GET / HTTP/1.1\nHost: x\n\n"),
    bad("bare-lf-at-the-end", "9112 2.2", b"GET / HTTP/1.1\r\nHost: x\r\n\n"),
    bad("long-field", "6585 5", get("/", "X-A: " + "b" * 100_000), frozenset({400, 431})),
    bad("many-fields", "6585 5", get("/", *(f"X-{n}: b" for n in range(5_000))), BAD | {431}),
    ok("host-with-port", "9110 7.2", b"GET / HTTP/1.1\r\nHost: x:8080\r\n\r\n"),
    ok("host-ipv6", "9110 7.2", b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
    ok("host-empty", "9110 7.2", b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    ok("http-1.0-without-host", "9112 3.2", b"GET / HTTP/1.0\r\n\r\n", closes=True),
    bad("host-missing", "9112 3.2", b"GET / HTTP/1.1\r\nX-A: b\r\n\r\n"),
    bad("host-twice", "9112 3.2", get("/", "Host: y")),
    bad("host-twice-the-same", "9112 3.2", get("/", "Host: x")),
    *(
        bad(f"host-with-{name}", "9112 3.2", f"GET / HTTP/1.1\r\nHost: a{sign}b\r\n\r\n".encode())
        for name, sign in {
            "comma": ",", "at": "@", "slash": "/", "question-mark": "?", "hash": "#",
            "space": " ", "backslash": "\\",
        }.items()
    ),
    bad("host-with-a-word-for-port", "9110 7.2", b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
)  # fmt: skip

LENGTH: Final = (
    ok("length", "9112 6.2", post(b"hello", "Content-Length: 5"), b"hello"),
    ok("length-zero", "9112 6.3", post(b"", "Content-Length: 0"), b""),
    ok("length-leading-zeros", "9110 8.6", post(b"hello", "Content-Length: 005"), b"hello"),
    ok("no-length-no-body", "9112 6.3", post(b""), b""),
    *(
        bad(f"length-{name}", "9112 6.3", post(b"hello", f"Content-Length: {value}"))
        for name, value in {
            "plus": "+5", "minus": "-5", "hexadecimal": "0x5", "underscore": "5_0", "point": "5.0",
            "two-in-one": "5, 6", "two-words": "5 5", "superscript": "\xb2", "word": "five",
            "empty": "", "twenty-digits": "9" * 20, "semicolon": "5;a",
        }.items()
    ),
    bad("lengths-differ", "9112 6.3", post(b"hello", "Content-Length: 5", "Content-Length: 6")),
    Case("lengths-equal", "9110 8.6", post(b"hello", "Content-Length: 5", "Content-Length: 5"), (OK | BAD,)),
    bad("length-and-chunked", "9112 6.3", chunked(b"0\r\n\r\n", "Content-Length: 5")),
    bad("chunked-and-length", "9112 6.3", post(b"0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked")),
)  # fmt: skip

CODING: Final = (
    ok("chunked", "9112 7.1", chunked(b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    ok("chunked-capitals", "9112 7", post(b"0\r\n\r\n", "Transfer-Encoding: CHUNKED"), b""),
    *(
        bad(f"coding-{name}", "9112 6.3", post(b"0\r\n\r\n", f"Transfer-Encoding: {value}"), UNFRAMED)
        for name, value in {
            "gzip-chunked": "gzip, chunked", "chunked-gzip": "chunked, gzip", "gzip": "gzip",
            "twice": "chunked, chunked", "unknown": "xchunked", "identity": "identity",
            "empty": "", "quoted": '"chunked"', "space-inside": "chun ked", "colon": ":chunked",
            "vertical-tab": "\x0bchunked", "parameter": "chunked;q=1", "non-ascii": "chunked\xa0",
        }.items()
    ),
    bad("coding-in-two-lines", "9112 6.1", chunked(b"0\r\n\r\n", "Transfer-Encoding: chunked"), UNFRAMED),
    bad("coding-in-http-1.0", "9112 6.1",
        post(b"0\r\n\r\n", "Transfer-Encoding: chunked", version="1.0"), UNFRAMED),
    bad("coding-space-before-colon", "9112 5.1", post(b"0\r\n\r\n", "Transfer-Encoding : chunked")),
)  # fmt: skip

CHUNKS: Final = (
    ok("two-chunks", "9112 7.1", chunked(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), b"hello"),
    ok("size-capitals", "9112 7.1", chunked(b"A\r\n0123456789\r\n0\r\n\r\n"), b"0123456789"),
    ok("size-small", "9112 7.1", chunked(b"a\r\n0123456789\r\n0\r\n\r\n"), b"0123456789"),
    ok("size-leading-zeros", "9112 7.1", chunked(b"0005\r\nhello\r\n000\r\n\r\n"), b"hello"),
    ok("extension", "9112 7.1.1", chunked(b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), b"hello"),
    ok("extension-quoted", "9112 7.1.1", chunked(b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n'), b"hello"),
    ok("extension-with-spaces", "9112 7.1.1", chunked(b"5 ; a = b\r\nhello\r\n0\r\n\r\n"), b"hello"),
    ok("trailers", "9112 7.1.2", chunked(b"5\r\nhello\r\n0\r\nX-T: a\r\nX-U: b\r\n\r\n"), b"hello"),
    *(
        bad(f"chunk-{name}", "9112 7.1", chunked(body))
        for name, body in {
            "size-plus": b"+5\r\nhello\r\n0\r\n\r\n",
            "size-minus": b"-5\r\nhello\r\n0\r\n\r\n",
            "size-0x": b"0x5\r\nhello\r\n0\r\n\r\n",
            "size-underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
            "size-empty": b"\r\nhello\r\n0\r\n\r\n",
            "size-word": b"xyz\r\nhello\r\n0\r\n\r\n",
            "size-17-digits": b"1" + b"0" * 15 + b"5\r\nhello\r\n0\r\n\r\n",
            "size-space-before": b" 5\r\nhello\r\n0\r\n\r\n",
            "size-space-behind": b"5 \r\nhello\r\n0\r\n\r\n",
            "size-ends-with-lf": b"5\nhello\r\n0\r\n\r\n",
            "size-ends-with-cr": b"5\rhello\r\n0\r\n\r\n",
            "data-without-end": b"5\r\nhello0\r\n\r\n",
            "data-ends-with-lf": b"5\r\nhello\n0\r\n\r\n",
            "data-ends-with-cr": b"5\r\nhello\r0\r\n\r\n",
            "data-ends-with-other": b"5\r\nhelloxx0\r\n\r\n",
            "data-too-long": b"5\r\nhello!\r\n0\r\n\r\n",
            "extension-with-lf": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
            "extension-with-cr": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
            "extension-without-name": b"5;=b\r\nhello\r\n0\r\n\r\n",
            "extension-nul": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
            "trailer-without-colon": b"5\r\nhello\r\n0\r\nX-T\r\n\r\n",
            "trailer-with-lf": b"5\r\nhello\r\n0\r\nX-T: a\n\r\n",
        }.items()
    ),
    Case("long-extension", "9112 7.1.1", chunked(b"5;a=" + b"b" * 70_000 + b"\r\nhello\r\n0\r\n\r\n"), (OK | REFUSED,)),
    Case("trailer-of-framing", "9110 6.5.1",
         chunked(b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"), (OK | BAD,)),
)  # fmt: skip

CONNECTIONS: Final = (
    ok("persistent", "9112 9.3", get()),
    ok("close", "9112 9.6", get("/", "Connection: close"), closes=True),
    ok("close-capitals", "9110 7.6.1", get("/", "Connection: CLOSE"), closes=True),
    ok("close-in-a-list", "9110 7.6.1", get("/", "Connection: X-A, close"), closes=True),
    ok("http-1.0", "9112 9.3", get(version="1.0"), closes=True),
    ok("http-1.0-keep-alive", "9112 9.3", get("/", "Connection: keep-alive", version="1.0")),
    Case("two-pipelined", "9112 9.3.2", get() * 2, (OK, OK), closes=False),
    Case("three-pipelined", "9112 9.3.2", get() * 3, (OK, OK, OK), closes=False),
    Case("pipelined-behind-a-body", "9112 9.3.2",
         post(b"hello", "Content-Length: 5") + get(), (OK, OK), closes=False),
    Case("pipelined-behind-chunks", "9112 9.3.2",
         chunked(b"5\r\nhello\r\n0\r\n\r\n") + get(), (OK, OK), closes=False),
    Case("pipelined-behind-close", "9112 9.6", get("/", "Connection: close") + get(), (OK,), closes=True),
    Case("pipelined-bad-one", "9112 9.3.2", get() + b"bad\r\n\r\n", (OK, BAD), closes=True),
    Case("unread-body", "9112 9.3", post(b"x" * 20_000, "Content-Length: 20000", target="/unread") + get(),
         (OK, OK), closes=None),
    ok("expect-continue", "9110 10.1.1", post(b"hello", "Content-Length: 5", "Expect: 100-Continue"), b"hello"),
    Case("expect-unknown", "9110 10.1.1", get("/", "Expect: wonders"), (frozenset({417}),)),
    ok("expect-in-http-1.0", "9110 10.1.1",
       post(b"hello", "Content-Length: 5", "Expect: 100-continue", version="1.0"), b"hello", closes=True),
    ok("upgrade-h2c-ignored", "9110 7.8", get("/", "Connection: Upgrade", "Upgrade: h2c")),
    ok("upgrade-unknown-ignored", "9110 7.8", get("/", "Connection: Upgrade", "Upgrade: foo/2")),
    Case("head", "9110 9.3.2", get(method="HEAD"), (OK,), closes=False, method="HEAD"),
    Case("head-of-a-stream", "9110 9.3.2", get("/stream", method="HEAD"), (OK,), closes=False, method="HEAD"),
    ok("stream", "9112 7.1", get("/stream"), b"0\n1\n2\n"),
    ok("stream-to-http-1.0", "9112 6.1", get("/stream", version="1.0"), b"0\n1\n2\n", closes=True),
    Case("no-content", "9110 15.3.5", get("/204"), (frozenset({204}),), closes=False),
    Case("not-modified", "9110 15.4.5", get("/304"), (frozenset({304}),), closes=False),
    Case("options", "9110 9.3.7", get(method="OPTIONS"), (OK | {204},), closes=False),
)  # fmt: skip

CORPUS: Final = (
    *REQUEST_LINE, *FIELDS, *LENGTH, *CODING, *CHUNKS, *CONNECTIONS,
)  # fmt: skip


def count(port: int, cases: Iterable[Case] = CORPUS) -> dict[str, str]:
    """The cases that do not hold, and why."""
    judged = {case.name: judge(port, case) for case in cases}
    return {name: wrong for name, wrong in judged.items() if wrong}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for name in SERVERS:
            port = stack.enter_context(serving(name, Path(folder) / name))
            failed = count(port)
            sys.stdout.write(f"{name}: {len(CORPUS) - len(failed)} of {len(CORPUS)}\n")
            sys.stdout.writelines(f"    {case}: {why}\n" for case, why in failed.items())


if __name__ == "__main__":
    main()
