"""Bare WSGI apps: what PEP 3333 allows, or forbids, and Flask would never send."""

import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any, Final

from tests.differential.views.files import FILE

Environ = dict[str, Any]
Start = Callable[..., Callable[[bytes], object]]
WSGIApp = Callable[[Environ, Start], Iterable[bytes]]
Headers = list[tuple[Any, Any]]

_TEXT: Final = ("Content-Type", "text/plain")
_PREFIX: Final = "/wsgi/"


class Bare:
    """Hands `/wsgi/<case>` to the case of that name and everything else to `otherwise`."""

    def __init__(self, otherwise: WSGIApp) -> None:
        self._otherwise = otherwise

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(_PREFIX) or path[len(_PREFIX) :] not in CASES:
            return self._otherwise(environ, start_response)

        def start(status: Any, headers: Headers, *rest: Any) -> Callable[[bytes], object]:
            return start_response(status, [*headers, ("X-Bare", "1")], *rest)

        return CASES[path[len(_PREFIX) :]](environ, start)


def _plain(
    status: Any = "200 OK", *headers: tuple[Any, Any], body: Iterable[Any] = (b"ok",)
) -> WSGIApp:
    def app(_environ: Environ, start: Start) -> Iterable[bytes]:
        start(status, [_TEXT, *headers])
        return list(body)

    return app


def _write(_environ: Environ, start: Start) -> Iterable[bytes]:
    write = start("200 OK", [_TEXT])
    write(b"one ")
    write(b"two ")
    return [b"three"]


def _write_only(_environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT, ("Content-Length", "3")])(b"one")
    return []


def _replaced(_environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT, ("X-First", "1")])
    try:
        int("before the first byte")
    except ValueError:
        start("503 Replaced", [_TEXT], sys.exc_info())
    return [b"replaced"]


def _replaced_late(_environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT])(b"already sent")
    try:
        int("after the first byte")
    except ValueError:
        start("503 Replaced", [_TEXT], sys.exc_info())
    return [b"never sent"]


def _twice(_environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT])
    start("201 Created", [_TEXT])
    return [b"never sent"]


def _lazy(_environ: Environ, start: Start) -> Iterator[bytes]:
    start("200 OK", [_TEXT])
    yield b"lazy "
    yield b""
    yield b"generator"


def _lazy_length(_environ: Environ, start: Start) -> Iterator[bytes]:
    start("200 OK", [_TEXT, ("Content-Length", "9")])
    yield b"lazy "
    yield b"len "


def _late_start(_environ: Environ, start: Start) -> Iterator[bytes]:
    yield b""
    start("200 OK", [_TEXT])
    yield b"started after an empty part"


def _file(skip: int, *headers: tuple[str, str]) -> WSGIApp:
    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        start("200 OK", [_TEXT, *headers])
        file = FILE.open("rb")
        file.seek(skip)
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
        return wrapped

    return app


def _memory_file(environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](BytesIO(b"in memory" * 3000), 100)
    return wrapped


def _raises(_environ: Environ, _start: Start) -> Iterable[bytes]:
    raise ValueError("before start_response")


def _raises_started(_environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT])
    raise ValueError("after start_response")


def _raises_lazily(_environ: Environ, _start: Start) -> Iterator[bytes]:
    yield from ()
    raise ValueError("before start_response, in the generator")


def _raises_before_part(_environ: Environ, start: Start) -> Iterator[bytes]:
    start("200 OK", [_TEXT])
    yield from ()
    raise ValueError("before the first part")


def _raises_midway(*headers: tuple[str, str]) -> WSGIApp:
    def app(_environ: Environ, start: Start) -> Iterator[bytes]:
        start("200 OK", [_TEXT, *headers])
        yield b"first part"
        raise ValueError("after the first part")

    return app


def _never_starts(_environ: Environ, _start: Start) -> Iterable[bytes]:
    return [b"no status"]


def _returns_none(_environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT])
    return None  # type: ignore[return-value]


class _Closing:
    """An iterable whose end can be seen: `close()` must be called after every answer."""

    open = 0

    def __init__(self) -> None:
        type(self).open += 1

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"closing"])

    def close(self) -> None:
        type(self).open -= 1


def _open(_environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT])
    return [b"%d open" % _Closing.open]


def _closing(_environ: Environ, start: Start) -> Iterable[bytes]:
    start("200 OK", [_TEXT, ("Content-Length", "7")])
    return _Closing()


CASES: Final[dict[str, WSGIApp]] = {
    "plain": _plain(),
    "write": _write,
    "write-only": _write_only,
    "replaced": _replaced,
    "replaced-late": _replaced_late,
    "twice": _twice,
    "empty": _plain(body=()),
    "empty-parts": _plain(body=(b"", b"a", b"", b"b", b"")),
    "lazy": _lazy,
    "lazy-length": _lazy_length,
    "late-start": _late_start,
    "file": _file(0),
    "file-length": _file(0, ("Content-Length", "13")),
    "file-short": _file(0, ("Content-Length", "5")),
    "file-skip": _file(6),
    "file-memory": _memory_file,
    "long": _plain("200 OK", ("Content-Length", "3"), body=(b"abc", b"def")),
    "long-one": _plain("200 OK", ("Content-Length", "3"), body=(b"abcdef",)),
    "short": _plain("200 OK", ("Content-Length", "10"), body=(b"abc",)),
    "zero": _plain("200 OK", ("Content-Length", "0"), body=(b"abc",)),
    "no-reason": _plain("299"),
    "custom": _plain("299 Custom"),
    "empty-reason": _plain("200 "),
    "latin-reason": _plain("200 Très bien"),
    "bad-status": _plain("20 OK"),
    "word-status": _plain("OK"),
    "bytes-status": _plain(b"200 OK"),
    "latin": _plain("200 OK", ("X-Latin", "\xe9")),
    "wide": _plain("200 OK", ("X-Wide", "\N{EURO SIGN}")),
    "bytes-value": _plain("200 OK", ("X-Bytes", b"abc")),
    "bytes-name": _plain("200 OK", (b"X-Bytes", "abc")),
    "spaces": _plain("200 OK", ("X-Spaces", "  a b  ")),
    "bad-name": _plain("200 OK", ("X Bad", "1")),
    "empty-name": _plain("200 OK", ("", "1")),
    "crlf": _plain("200 OK", ("X-Split", "a\r\nX-Injected: 1")),
    "lf": _plain("200 OK", ("X-Split", "a\nb")),
    "cr": _plain("200 OK", ("X-Split", "a\rb")),
    "nul": _plain("200 OK", ("X-Nul", "a\0b")),
    "crlf-status": _plain("200 OK\r\nX-Injected: 1"),
    "connection": _plain("200 OK", ("Connection", "close")),
    "keep-alive": _plain("200 OK", ("Keep-Alive", "timeout=9"), ("Connection", "keep-alive")),
    "chunked": _plain("200 OK", ("Transfer-Encoding", "chunked")),
    "chunked-length": _plain("200 OK", ("Transfer-Encoding", "chunked"), ("Content-Length", "2")),
    "chunked-body": _plain(
        "200 OK", ("Transfer-Encoding", "chunked"), body=(b"2\r\nok\r\n0\r\n\r\n",)
    ),
    "upgrade": _plain("200 OK", ("Upgrade", "h2c"), ("Connection", "upgrade")),
    "hop": _plain(
        "200 OK",
        ("TE", "trailers"),
        ("Trailers", "X"),
        ("Proxy-Authenticate", "Basic"),
        ("Proxy-Authorization", "x"),
    ),
    "trailer": _plain("200 OK", ("Trailer", "X-End")),
    "proxy-connection": _plain("200 OK", ("Proxy-Connection", "close")),
    "server-date": _plain("200 OK", ("Server", "mine"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")),
    "two-lengths": _plain("200 OK", ("Content-Length", "2"), ("Content-Length", "2")),
    "two-other-lengths": _plain("200 OK", ("Content-Length", "2"), ("Content-Length", "3")),
    "bad-length": _plain("200 OK", ("Content-Length", "two")),
    "minus-length": _plain("200 OK", ("Content-Length", "-1")),
    "two-types": _plain("200 OK", ("Content-Type", "text/html")),
    "cookies": _plain("200 OK", ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")),
    "many-headers": _plain("200 OK", *((f"X-H{n}", "v" * 50) for n in range(150))),
    "large-header": _plain("200 OK", ("X-Large", "v" * 60_000)),
    "204-body": _plain("204 No Content", body=(b"body",)),
    "204-length": _plain("204 No Content", ("Content-Length", "4"), body=(b"body",)),
    "304-body": _plain("304 Not Modified", ("Content-Length", "4"), body=(b"body",)),
    "205": _plain("205 Reset Content", body=()),
    "500": _plain("500 Mine", body=(b"the app's own page",)),
    "raises": _raises,
    "raises-started": _raises_started,
    "raises-lazily": _raises_lazily,
    "raises-before-part": _raises_before_part,
    "raises-midway": _raises_midway(),
    "raises-midway-length": _raises_midway(("Content-Length", "30")),
    "never-starts": _never_starts,
    "returns-none": _returns_none,
    "text-part": _plain(body=(b"a", "text")),
    "text-first": _plain(body=("text",)),
    "closing": _closing,
    "open": _open,
}
