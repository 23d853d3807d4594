"""What comes in: queries, forms, JSON, cookies, headers (C, D, E of the parity list; C, D of the bad inputs)."""

from flask.sessions import SecureCookieSessionInterface

from tests.differential.probes.probe import FORM, JSON, chunked, get, post, probe, request
from tests.differential.twin import app

_BOUNDARY = "Content-Type: multipart/form-data; boundary=b"


def _part(name: str, value: bytes, extra: str = "", ctype: str = "") -> bytes:
    kind = f"\r\nContent-Type: {ctype}" if ctype else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}{kind}\r\n\r\n'
    return head.encode("latin-1") + value + b"\r\n"


_END = b"--b--\r\n"
_TWO = _part("a", b"1") + _part("b", b"2" * 100) + _END
_FILE = _part("f", b"content", '; filename="x.txt"', "text/plain") + _part("a", b"1") + _END
_TRICK = _part("f", b"c", '; filename="../../etc/passwd"') + _part("g", b"", '; filename=""') + _END
_SIGNER = SecureCookieSessionInterface().get_signing_serializer(app)
assert _SIGNER is not None, "the twin has a key"
_SESSION = _SIGNER.dumps({"u": 1})
_MANY = b"".join(_part(f"k{n}", b"v") for n in range(1001)) + _END

PROBES = (
    probe("P047", "malformed json", post("/jbody", b'{"a":', JSON), 400),
    probe("P048", "json with byte FF", post("/jbody", b'{"a":"\xff"}', JSON), 400),
    probe(
        "P048", "json in latin-1", post("/jbody", b'{"a":"\xe9"}', f"{JSON}; charset=latin-1"), 400
    ),
    probe("P048", "json of 5 000 digits", post("/jbody", b"9" * 5000, JSON), 400),
    probe("P049", "json without a body", post("/jbody", b"", JSON), 400),
    probe("P049", "json without a length", request("POST", "/jbody", JSON), 400),
    probe("P050", "json without a type", post("/jbody", b'{"a":1}'), 415),
    probe("P050", "json as text", post("/jbody", b'{"a":1}', "Content-Type: text/plain"), 415),
    probe("P050", "json as text json", post("/jbody", b'{"a":1}', "Content-Type: text/json"), 415),
    probe(
        "P050",
        "json as vendor",
        post("/jbody", b'{"a":1}', "Content-Type: application/vnd.x+json"),
        200,
    ),
    probe(
        "P050",
        "json type upper case",
        post("/jbody", b'{"a":1}', "content-type: APPLICATION/JSON"),
        200,
    ),
    probe("P050", "json type empty", post("/jbody", b'{"a":1}', "Content-Type:"), 415),
    probe("P051", "json key missing", post("/jitem", b'{"qty":2}', JSON), 500),
    probe("P051", "json list", post("/jitem", b"[1]", JSON), 500),
    probe("P052", "json of a secret", post("/jitem", b'{"qty":"hunter2"}', JSON), 500),
    probe("P056", "json 3 000 deep", post("/jbody", b"[" * 3000 + b"]" * 3000, JSON), 500),
    probe("B048", "json duplicate keys", post("/jbody", b'{"a":1,"a":2}', JSON), 200),
    probe("B048", "json nan", post("/jbody", b"NaN", JSON), 200),
    probe("B048", "json lone surrogate", post("/jbody", b'"\\ud83d"', JSON), 200),
    probe("B048", "json with a mark", post("/jbody", b"\xef\xbb\xbf{}", JSON)),
    probe("B048", "json in utf-16", post("/jbody", '{"a":1}'.encode("utf-16"), JSON)),
    probe("P066", "numeric string", post("/jitem", b'{"name":"x","qty":"2"}', JSON), 200),
    probe("P067", "name a number", post("/jitem", b'{"name":5}', JSON), 200),
    probe("P067", "quantity a fraction", post("/jitem", b'{"name":null,"qty":2.5}', JSON), 200),
    probe("P068", "silent without a type", post("/jsilent", b'{"a":1}'), 200),
    probe("P055", "over the limit", post("/limit", b"x" * 100), 413),
    probe("P055", "within the limit", post("/limit?n=1000", b"x" * 1000), 200),
    probe(
        "P055", "chunked over the limit", chunked("/limit?n=1000", b"x" * 1000, b"x" * 1000), 200
    ),
    probe("P057", "repeated key", get("/q?a=1&a=2"), 200),
    probe("P058", "blank integer", get("/q?a=&b="), 200),
    probe("P059", "junk lenient integer", get("/q?b=x"), 200),
    probe("P060", "fraction", get("/q?b=5.0"), 200),
    probe("P060", "space", get("/q?b=%205"), 200),
    probe("P060", "plus", get("/q?b=%2B5"), 200),
    probe("P060", "underscore", get("/q?b=1_0"), 200),
    probe("P061", "false", get("/qbool?a=false"), 200),
    probe("P062", "blank bool", get("/qbool?a="), 200),
    probe("P063", "FF in the query", get("/q?a=%FF"), 200),
    probe("P063", "FF in a form", post("/form", b"a=%FF", FORM), 200),
    probe("P063", "raw FF in a form", post("/form", b"a=\xff", FORM), 200),
    probe("P064", "fragment after the query", get("/q?a=1#f"), 200),
    probe("P065", "blank form key", post("/formreq", b"a=", FORM), 200),
    probe("P045", "form key missing", post("/formreq", b"b=1", FORM), 400),
    probe("P045", "form without a type", post("/formreq", b"a=1"), 400),
    probe(
        "P069",
        "multipart without a boundary",
        post("/form", _TWO, "Content-Type: multipart/form-data"),
        200,
    ),
    probe("P070", "multipart truncated", post("/form", _TWO[:120], _BOUNDARY), 200),
    probe("P070", "multipart", post("/form", _TWO, _BOUNDARY), 200),
    probe("P070", "multipart with a file", post("/form", _FILE, _BOUNDARY), 200),
    probe(
        "P071",
        "text part of 600 000",
        post("/form", _part("a", b"x" * 600_000) + _END, _BOUNDARY),
        413,
    ),
    probe("P071", "1 001 parts", post("/form", _MANY, _BOUNDARY), 413),
    probe(
        "P071",
        "1 100 fields",
        post("/form", b"&".join(b"k=%d" % n for n in range(1100)), FORM),
        200,
    ),
    probe("B049", "file name tricks", post("/form", _TRICK, _BOUNDARY), 200),
    probe("B049", "64 kB part header", post("/form", _part("a" * 65_000, b"1") + _END, _BOUNDARY)),
    probe("P073", "length of a body", post("/raw", b"hello"), 200),
    probe("P073", "no body", request("POST", "/raw"), 200),
    probe("P073", "empty body", post("/raw", b""), 200),
    probe("P073", "put", request("PUT", "/raw", body=b"hello"), 200),
    probe("P073", "delete with a body", request("DELETE", "/raw", body=b"hello"), 200),
    probe("P073", "get with a body", request("GET", "/raw", body=b"hello"), 200),
    *(
        probe("P129", f"body of {size}", post("/raw", b"\xa5" * size), 200)
        for size in (1, 65_535, 65_536, 65_537, 1_048_575, 1_048_576, 1_048_577)
    ),
    *(
        probe("P129", f"chunks of {size}", chunked("/raw", *[b"\x5a" * size] * 4), 200)
        for size in (1, 16_383, 65_536, 262_144, 262_145)
    ),
    probe("P073", "patch", request("PATCH", "/raw", body=b"hello"), 200),
    probe("P073", "body of 300 000", post("/raw", bytes(range(256)) * 1200), 200),
    probe("P073", "body of 3 000 000", post("/raw", bytes(range(250)) * 12_000), 200),
    probe("P073", "body not read", post("/noread", b"x" * 1000), 200),
    probe("P074", "cookies written", get("/cookie"), 200),
    probe("P076", "cookie with octets", get("/rcookie", 'Cookie: e="\\303\\251"'), 200),
    probe("P077", "cookie without a value", get("/rcookie", "Cookie: a=1; d"), 200),
    probe("P079", "cookie twice", get("/rcookie", "Cookie: a=1; a=2"), 200),
    probe("P080", "two cookie lines", get("/rcookie", "Cookie: a=1", "Cookie: b=2"), 200),
    probe("P080", "cookie with utf-8", get("/rcookie", b"Cookie: a=\xc3\xa9"), 200),
    probe("P080", "cookie with latin-1", get("/rcookie", b"Cookie: a=\xe9"), 200),
    probe("P081", "session written", get("/sess"), 200),
    probe("P081", "session read", get("/sessread", f"Cookie: session={_SESSION}"), 200),
    probe("P082", "session broken", get("/sessread", "Cookie: session=bad"), 200),
    probe("P083", "basic without", get("/basic"), 401),
    probe("P083", "basic broken", get("/basic", "Authorization: Basic !!!"), 401),
    probe("P083", "basic", get("/basic", "Authorization: Basic dTpw"), 200),
    probe("P084", "bearer", get("/basic", "Authorization: Bearer x"), 200),
    probe(
        "P088",
        "forwarded and agent",
        get("/environ", "X-Forwarded-For: 9.9.9.9", "User-Agent: t"),
        200,
    ),
    probe("B030", "forwarded underscored", get("/environ", "X_Forwarded_For: 9.9.9.9"), 200),
    probe("P089", "repeated header", get("/hdr", "X-Dup: 1", "X-Dup: 2"), 200),
    probe("P090", "underscore", get("/hdr", "X_Auth_User: root"), 200),
    probe("P090", "underscore and dash", get("/hdr", "X_Auth_User: root", "X-Auth-User: me"), 200),
    probe("P090", "dash and underscore", get("/hdr", "X-Auth-User: me", "X_Auth_User: root"), 200),
    probe("P090", "underscored length", request("POST", "/raw", "Content_Length: 5")),
    probe(
        "P091",
        "forwarded",
        get("/urlfor", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https"),
        200,
    ),
    probe("P091", "forwarded ssl", get("/urlfor", "X-Forwarded-Ssl: on"), 200),
    probe("P091", "forwarded protocol", get("/urlfor", "X-Forwarded-Protocol: ssl"), 200),
    probe(
        "P091",
        "forwarded protos at odds",
        get("/urlfor", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"),
        400,
    ),
    probe("P091", "forwarded proto upper case", get("/urlfor", "X-Forwarded-Proto: HTTPS"), 200),
    probe("P091", "forwarded proto odd", get("/urlfor", "X-Forwarded-Proto: gopher"), 200),
    probe(
        "P091",
        "forwarded host",
        get("/urlfor", "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1"),
        200,
    ),
    probe("P091", "forwarded standard", get("/urlfor", "Forwarded: for=9.9.9.9;proto=https"), 200),
    probe("P092", "redirect", get("/redir"), 302),
    probe("P092", "redirect with a query", get("/redirq"), 302),
    probe("P093", "urls", get("/urlfor"), 200),
    probe(
        "B033", "connection nominates", get("/environ", "Connection: close, X-Foo", "X-Foo: 1"), 200
    ),
    probe(
        "B033",
        "hop by hop",
        get("/environ", "Keep-Alive: timeout=5", "TE: trailers", "Proxy-Connection: close"),
        200,
    ),
    probe("B033", "proxy authorization", get("/environ", "Proxy-Authorization: Basic eA=="), 200),
    probe("B033", "upgrade", get("/environ", "Connection: Upgrade", "Upgrade: foo"), 200),
    probe(
        "B033",
        "upgrade to a websocket",
        get("/environ", "Connection: Upgrade", "Upgrade: websocket"),
    ),
    probe("B035", "latin-1 header", get("/environ", b"X-Latin: \xe9"), 200),
    probe("B035", "utf-8 header", get("/environ", b"X-Utf: \xc3\xa9"), 200),
    probe("B035", "empty header", get("/environ", "X-Empty:"), 200),
    probe("B035", "spaces around a value", get("/environ", "X-Spaces: \t a  b \t"), 200),
    probe("B035", "repeated and empty", get("/environ", "X-Dup:", "X-Dup: 2", "X-Dup: 2"), 200),
    probe(
        "B035", "two types", post("/environ", b"x", "Content-Type: a/b", "Content-Type: c/d"), 400
    ),
    probe("B035", "odd name", get("/environ", "X!#$%&'*+.^`|~: 1"), 200),
    probe("B035", "name of digits", get("/environ", "1: 1"), 200),
    probe("B116", "client headers only", get("/environ"), 200),
    probe(
        "B116",
        "client headers kept",
        get("/environ", "Accept: a/b", "Accept-Encoding: zip", "User-Agent: x"),
        200,
    ),
    probe("B116", "raw target kept", get("/environ/%7Ea/%2e/b%20c?x=%7e&y=a+b"), 200),
)
