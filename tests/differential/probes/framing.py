"""Where a body ends: lengths, codings, chunks, pipelines, truncation (H of the parity list; A, D of the bad inputs)."""

from tests.differential.probes.probe import FORM, JSON, chunked, get, post, probe, raw_post, request

_TE = "Transfer-Encoding: "
_HELLO = b"5\r\nhello\r\n0\r\n\r\n"
_GET = get("/json")
_LENGTHS = (
    ("plus", "+5"),
    ("hex", "0x5"),
    ("underscore", "5_0"),
    ("minus", "-1"),
    ("empty", ""),
    ("20 digits", "9" * 20),
    ("fraction", "5.0"),
    ("list", "5, 5"),
    ("other list", "5, 6"),
    ("word", "x"),
)
_CODINGS = (
    ("gzip chunked", "gzip, chunked", 200),
    ("xchunked", "xchunked", 501),
    ("chunked twice", "chunked, chunked", 400),
    ("identity", "identity", 400),
    ("gzip", "gzip", 400),
    ("chunked gzip", "chunked, gzip", 400),
    ("chunked identity", "chunked, identity", 400),
    ("empty", "", 501),
    ("upper case", "CHUNKED", 200),
    ("with a parameter", "chunked;q=1", 501),
    ("with a comma", "chunked,", 501),
    ("quoted", '"chunked"', 501),
    ("vertical tab", "\x0bchunked", 400),
)
_CHUNKS = (
    ("sign", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("underscore", b"0_5\r\nhello\r\n0\r\n\r\n"),
    ("prefix", b"0x5\r\nhello\r\n0\r\n\r\n"),
    ("no size", b"\r\nhello\r\n0\r\n\r\n"),
    ("word", b"hello\r\n0\r\n\r\n"),
    ("space before", b" 5\r\nhello\r\n0\r\n\r\n"),
    ("space after", b"5 \r\nhello\r\n0\r\n\r\n"),
    ("bare lf", b"5\nhello\n0\n\n"),
    ("no end", b"5\r\nhello0\r\n\r\n"),
    ("longer than said", b"5\r\nhello world\r\n0\r\n\r\n"),
    ("bare cr in an extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    ("bare lf in an extension", b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    ("empty extension", b"5;\r\nhello\r\n0\r\n\r\n"),
    ("other terminator", b"5\r\nhelloXX0\r\n\r\n"),
    ("17 digits", b"1" + b"0" * 16 + b"\r\nhello"),
)


def _chunk(body: bytes, *headers: str) -> bytes:
    return raw_post(_TE + "chunked", *headers, body=body)


PROBES = (
    probe(
        "P121",
        "length and chunked",
        raw_post("Content-Length: 5", _TE + "chunked", body=b"0\r\n\r\n"),
        400,
    ),
    probe(
        "B001",
        "chunked and length",
        raw_post(_TE + "chunked", "Content-Length: 5", body=_HELLO),
        400,
    ),
    probe(
        "B001",
        "chunked and length zero",
        raw_post(_TE + "chunked", "Content-Length: 0", body=_HELLO + _GET),
        400,
    ),
    probe(
        "B002",
        "two lengths",
        raw_post("Content-Length: 5", "Content-Length: 6", body=b"hello"),
        400,
    ),
    probe(
        "B003",
        "two equal lengths",
        raw_post("Content-Length: 5", "Content-Length: 5", body=b"hello"),
        400,
    ),
    *(
        probe(
            "B004",
            f"length {name}",
            raw_post(f"Content-Length: {text}", body=b"hello"),
            half_close=True,
        )
        for name, text in _LENGTHS
    ),
    probe("B004", "length with spaces", raw_post("Content-Length:   5  ", body=b"hello"), 200),
    probe("B004", "length with zeros", raw_post("Content-Length: 005", body=b"hello"), 200),
    probe("B004", "length in superscript", raw_post(b"Content-Length: \xb2", body=b"he")),
    *(
        probe("B005", f"coding {name}", raw_post(_TE + text, body=_HELLO), status)
        for name, text, status in _CODINGS
    ),
    probe(
        "B005", "two coding lines", raw_post(_TE + "chunked", _TE + "identity", body=_HELLO), 400
    ),
    probe(
        "B005", "two chunked lines", raw_post(_TE + "chunked", _TE + "chunked", body=_HELLO), 400
    ),
    probe(
        "B005",
        "chunked of 1.0",
        request("POST", "/raw", _TE + "chunked", body=_HELLO, version="1.0"),
        400,
    ),
    probe(
        "B005",
        "coding name with a space",
        raw_post("Transfer-Encoding : chunked", body=_HELLO),
        400,
    ),
    probe(
        "B005",
        "coding underscored",
        raw_post("Transfer_Encoding: chunked", "Content-Length: 5", body=b"hello"),
        200,
    ),
    *(probe("B006", f"chunk {name}", _chunk(body), half_close=True) for name, body in _CHUNKS),
    probe(
        "B006",
        "chunk bad and not read",
        raw_post(_TE + "chunked", body=b"x\r\n", target="/noread"),
        half_close=True,
    ),
    probe("B006", "chunk with zeros", _chunk(b"00005\r\nhello\r\n000\r\n\r\n"), 200),
    probe("B006", "chunk upper case", _chunk(b"A\r\n0123456789\r\n0\r\n\r\n"), 200),
    probe("B007", "chunk extension", _chunk(b'5;a=b;c="d e"\r\nhello\r\n0;z\r\n\r\n'), 200),
    probe(
        "B007",
        "chunk extension of 64 000",
        _chunk(b"5;a=" + b"x" * 64_000 + b"\r\nhello\r\n0\r\n\r\n"),
    ),
    probe("B007", "chunks of a byte", chunked("/raw", *([b"x"] * 5000)), 200),
    probe("B008", "trailer", _chunk(b"5\r\nhello\r\n0\r\nX-End: 1\r\n\r\n", "Trailer: X-End"), 200),
    probe("B008", "trailer of a length", _chunk(b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n")),
    probe(
        "B008",
        "trailer of a stack",
        chunked("/environ", b"x", end=b"0\r\nX-Banyan-Stack: modern\r\n\r\n"),
    ),
    probe("B008", "trailer broken", _chunk(b"5\r\nhello\r\n0\r\nbroken\r\n\r\n")),
    probe("B010", "three in one", _GET + get("/list") + get("/str"), 200, answers=("GET",) * 3),
    probe("B010", "post and get", post("/raw", b"hello") + _GET, 200, answers=("POST", "GET")),
    probe(
        "B010", "unread and get", post("/noread", b"x" * 1000) + _GET, 200, answers=("POST", "GET")
    ),
    probe(
        "B010", "chunked and get", chunked("/raw", b"hello") + _GET, 200, answers=("POST", "GET")
    ),
    probe(
        "B010",
        "chunked unread and get",
        chunked("/noread", b"hello") + _GET,
        200,
        answers=("POST", "GET"),
    ),
    probe("B010", "70 000 unread", post("/noread", b"x" * 70_000), 200),
    probe("B010", "a get in the body", post("/noread", _GET), 200),
    probe(
        "B010",
        "a body nobody declared",
        get("/json") + b"GET /list HTTP/1.1\r\nHost: e\r\n\r\n",
        200,
        answers=("GET", "GET"),
    ),
    probe("B010", "head and get", request("HEAD", "/json") + _GET, 200, answers=("HEAD", "GET")),
    probe("B010", "204 and get", get("/full204") + _GET, 204, answers=("GET", "GET")),
    probe("B010", "stream and get", get("/stream") + _GET, 200, answers=("GET", "GET")),
    probe("B010", "crash and get", get("/boom") + _GET, 500, answers=("GET", "GET")),
    probe("B010", "closed and get", get("/json", "Connection: close") + _GET, 200),
    probe("P127", "chunked raw", chunked("/raw", b"hello"), 200),
    probe("P127", "chunked raw in parts", chunked("/raw", b"he", b"l", b"lo"), 200),
    probe("P127", "chunked empty", chunked("/raw"), 200),
    probe("P127", "chunked json", chunked("/jbody", b'{"a":1}', headers=(JSON,)), 200),
    probe("P127", "chunked form", chunked("/form", b"a=1&", b"b=2", headers=(FORM,)), 200),
    probe(
        "P127",
        "chunked multipart",
        chunked(
            "/form",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
            headers=("Content-Type: multipart/form-data; boundary=b",),
        ),
        200,
    ),
    probe("P127", "chunked not read", chunked("/noread", b"hello"), 200),
    probe("P127", "chunked environ", chunked("/environ", b"hello"), 200),
    probe("P128", "cut in a chunk", _chunk(b"a\r\nhello"), half_close=True),
    probe("P128", "cut between chunks", _chunk(b"5\r\nhello\r\n"), half_close=True),
    probe("P128", "cut in the last chunk", _chunk(b"5\r\nhello\r\n0\r\n"), half_close=True),
    probe(
        "P128",
        "cut json in a chunk",
        chunked("/jbody", b'{"a":1}', headers=(JSON,), end=b""),
        half_close=True,
    ),
    probe(
        "P128",
        "cut chunk not read",
        raw_post(_TE + "chunked", body=b"5\r\nhel", target="/noread"),
        half_close=True,
    ),
    probe("P122", "cut", raw_post("Content-Length: 100", body=b"x" * 10), half_close=True),
    probe(
        "P122",
        "cut json",
        raw_post("Content-Length: 100", JSON, body=b'{"a":1}', target="/jbody"),
        half_close=True,
    ),
    probe(
        "P122",
        "cut form",
        raw_post("Content-Length: 100", FORM, body=b"a=1", target="/form"),
        half_close=True,
    ),
    probe("P122", "cut before a byte", raw_post("Content-Length: 100"), half_close=True),
    probe(
        "P122",
        "cut and not read",
        raw_post("Content-Length: 100", body=b"x" * 10, target="/noread"),
        half_close=True,
    ),
    probe("P122", "cut head", b"GET /json HTTP/1.1\r\nHost: e\r\n", half_close=True),
    probe("P122", "cut line", b"GET /js", half_close=True),
    probe("P122", "half closed and whole", post("/raw", b"hello"), 200, half_close=True),
    probe("P122", "half closed get", get("/json"), 200, half_close=True),
)
