"""A probe: the exact bytes of a request, or of several on one connection; and short ways to write them."""

from dataclasses import dataclass

HOST = "example.com"
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"


@dataclass(frozen=True, slots=True)
class Probe:
    """What is sent over a new connection.

    `row` is the row of the requirements that it shows. `status` is what gunicorn must say, where the row
    tells: it proves that the probe reaches what it is named for. `methods` and `versions` have an entry
    for each answer that is due.
    """

    row: str
    name: str
    raw: bytes
    status: int | None = None
    methods: tuple[str, ...] = ()
    half_close: bool = False  # stop sending after the last byte
    after_100: bytes = b""  # sent once the server says 100

    @property
    def id(self) -> str:
        return f"{self.row}-{self.name.replace(' ', '-')}"

    @property
    def versions(self) -> tuple[str, ...]:
        first = self.raw.split(b"\r\n", 1)[0]
        version = "HTTP/1.0" if first.endswith(b"HTTP/1.0") else "HTTP/1.1"
        return (version,) * len(self.methods)


def probe(
    row: str,
    name: str,
    raw: bytes,
    status: int | None = None,
    *,
    answers: tuple[str, ...] = (),
    half_close: bool = False,
    after_100: bytes = b"",
) -> Probe:
    """A probe; its methods are read off the bytes unless several requests are in them."""
    methods = answers or (raw.split(b" ", 1)[0].decode("latin-1"),)
    return Probe(row, name, raw, status, methods, half_close, after_100)


def request(
    method: str,
    target: str | bytes,
    *headers: str | bytes,
    body: bytes | None = None,
    host: str | None = HOST,
    version: str = "1.1",
) -> bytes:
    """A request with a Host line, unless it is None, and a Content-Length if there is a body.

    A header that frames the body itself (Content-Length, Transfer-Encoding) takes the place of ours.
    """
    given = [_bytes(line) for line in headers]
    lines = [b"%s %s HTTP/%s" % (method.encode(), _bytes(target), version.encode())]
    if host is not None:
        lines.append(b"Host: " + host.encode())
    if body is not None and not any(line.lower().startswith(_FRAMING) for line in given):
        given.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, *given, b"", b""]) + (body or b"")


def get(target: str | bytes, *headers: str | bytes, version: str = "1.1") -> bytes:
    return request("GET", target, *headers, version=version)


def post(target: str, body: bytes, *headers: str | bytes) -> bytes:
    return request("POST", target, *headers, body=body)


def raw_post(*headers: str | bytes, body: bytes = b"", target: str = "/raw") -> bytes:
    """A POST of these headers and this body, whatever they say about each other."""
    return request("POST", target, *headers, body=body)


def chunked(
    target: str, *chunks: bytes, headers: tuple[str, ...] = (), end: bytes = b"0\r\n\r\n"
) -> bytes:
    """A POST whose body comes in these chunks."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end
    return request("POST", target, "Transfer-Encoding: chunked", *headers, body=body)


_FRAMING = (b"content-length", b"transfer-encoding")


def _bytes(value: str | bytes) -> bytes:
    return value.encode("latin-1") if isinstance(value, str) else value
