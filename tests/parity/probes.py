"""The probes of the campaign: those of tests/differential that reach the pair of apps, and what they lack."""

import re
from datetime import UTC, datetime
from typing import Final

import jwt

from tests.differential.probes import PROBES as OF_TWIN
from tests.differential.probes.probe import JSON, Probe, get, post, probe, request
from tests.differential.views.answers import JWT_KEY

# What only a WSGI app serves; `python -m tests.differential` asks it.
_OF_WSGI: Final = re.compile(rb"\w+ (?:http://[^/]*)?/(?:environ|wsgi|input|streamed|errors)\b")
# Of the bad inputs, those that an app could answer in its own way: paths, queries, bodies, ranges.
_BAD_INPUTS: Final = frozenset({"B020", "B021", "B023", "B037", "B048", "B049", "B111"})
# Whether uvicorn sees the end before it has answered is a race; tests/differential asks Banyan.
_RACING: Final = frozenset({"P122-half-closed-and-whole", "P122-half-closed-get"})
_ORIGIN: Final = "Origin: https://a.example"
_GET: Final = "Access-Control-Request-Method: GET"


def _token(expires: datetime, key: str = JWT_KEY, kind: str = "access") -> str:
    claims = {"sub": "ada", "exp": expires, "type": kind, "jti": "1", "fresh": False, "csrf": "1"}
    return "Authorization: Bearer " + jwt.encode(claims, key, algorithm="HS256")


_LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)
_EARLIER: Final = datetime(2000, 1, 1, tzinfo=UTC)
_OF_MODEL: Final = {
    "P024": ("emoji",),
    "P026": ("datetime",),
    "P027": ("datetimetz",),
    "P028": ("date",),
    "P029": ("decimal", "decimalint"),
    "P030": ("nan", "inf"),
    "P031": ("time", "timedelta"),
    "P032": ("bytes", "set", "enum"),
    "P033": ("mixedkeys", "nonekey"),
    "P034": ("surrogate",),
    "P035": ("float",),
}

ADDED: Final = (
    *(
        probe(row, f"model {kind}", get(f"/typed?k={kind}"))
        for row, kinds in _OF_MODEL.items()
        for kind in kinds
    ),
    probe("P030", "nan there and back", post("/jbody", b"NaN", JSON), 200),
    probe("P036", "optional field", get("/partial"), 200),
    probe("P037", "field of no model", get("/extra"), 200),
    probe("P037", "field of another type", get("/mistyped"), 200),
    probe("P061", "zero", get("/qbool?a=0"), 200),
    probe("P061", "true", get("/qbool?a=true"), 200),
    probe("P062", "no bool", get("/qbool"), 200),
    probe("P046", "integer", get("/qint?a=5"), 200),
    probe("P066", "item", post("/jitem", b'{"name":"x","qty":2}', JSON), 200),
    probe("P067", "name null", post("/jitem", b'{"name":null}', JSON), 200),
    probe("P068", "silent with a type", post("/jsilent", b'{"a":1}', JSON), 200),
    probe("P068", "silent and malformed", post("/jsilent", b"{", JSON), 200),
    probe("P072", "list with commas", get("/l?a=1,2"), 200),
    probe("P072", "list of one", get("/l?a=1"), 200),
    probe("P072", "no list", get("/l"), 200),
    probe("P077", "cookies", get("/rcookie", "Cookie: a=1; b=2"), 200),
    probe("P081", "no session", get("/sessread"), 200),
    probe("P085", "no token", get("/jwt"), 401),
    probe("P085", "token", get("/jwt", _token(_LATER)), 200),
    probe("P086", "broken token", get("/jwt", "Authorization: Bearer x"), 422),
    probe("P086", "token of another key", get("/jwt", _token(_LATER, "another key " * 3)), 422),
    probe("P086", "expired token", get("/jwt", _token(_EARLIER)), 401),
    probe("P086", "refresh token", get("/jwt", _token(_LATER, kind="refresh")), 422),
    probe("P087", "bearer in lower case", get("/jwt", "Authorization: bearer x.y.z"), 401),
    probe("P087", "another scheme", get("/jwt", "Authorization: Basic x"), 401),
    probe("P094", "tag matches exactly", get("/etag", f'If-None-Match: "{"0" * 40}"'), 200),
    probe("P101", "origin refused for get", request("OPTIONS", "/cors/x", "Origin: https://evil.example", _GET), 200),
    probe("P102", "preflight of any origin with headers", request("OPTIONS", "/corsstar/x", _ORIGIN, _GET, "Access-Control-Request-Headers: x-b, x-a"), 200),
    probe("P105", "preflight", request("OPTIONS", "/cors/x", _ORIGIN, _GET), 200),
    probe("P105", "options without an origin", request("OPTIONS", "/cors/x"), 200),
    probe("P103", "no cors elsewhere", get("/json", _ORIGIN), 200),
    probe("P104", "any origin and none sent", get("/corsstar/x"), 200),
    probe("P106", "not found with an origin", get("/cors/nope", _ORIGIN), 404),
    probe("P108", "hook on an answer", get("/json"), 200),
    probe("P108", "hook on 404", get("/nope"), 404),
    probe("P108", "hook on 405", post("/json", b""), 405),
    probe("P108", "hook on 500", get("/boom"), 500),
)  # fmt: skip

PROBES: Final[tuple[Probe, ...]] = (
    *(
        one
        for one in OF_TWIN
        if (one.row.startswith("P") or one.row in _BAD_INPUTS)
        and not _OF_WSGI.match(one.raw)
        and one.id not in _RACING
    ),
    *ADDED,
)
