"""Section 2.5: what counts as a body."""

import json
from collections.abc import Mapping

from tests.contract.case import JSON, Case
from tests.drive import Request

REFUSED_TYPE = b'{"error":"Content-Type must be application/json"}\n'
TOO_LARGE = b'{"error":"Request body too large"}\n'
MISSING = b'{"error":"Missing JSON body"}\n'
INVALID = b'{"error":"Invalid JSON"}\n'
NO_OBJECT = b'{"error":"JSON body must be an object"}\n'

BUY = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
MIB = 1024 * 1024
CHUNKED = JSON | {"Transfer-Encoding": "chunked"}


def post(body: bytes, headers: Mapping[str, str] = JSON) -> Request:
    return Request("POST", "/api/orders", headers, body)


def _padded(size: int) -> bytes:
    body = json.dumps(BUY).encode()
    return body + b" " * (size - len(body))


CASES = [
    *(
        Case(
            "orders.create",
            f"content type {kind!r}",
            post(json.dumps(BUY).encode(), {"Content-Type": kind}),
            415,
            REFUSED_TYPE,
        )
        for kind in ("", "text/plain", "text/json", "application/jsonx", "json", "*/*")
    ),
    Case("orders.create", "no type", post(json.dumps(BUY).encode(), {}), 415, REFUSED_TYPE),
    Case("orders.create", "neither type nor body", post(b"", {}), 415, REFUSED_TYPE),
    *(
        Case(
            "orders.create",
            f"content type {kind!r}",
            post(json.dumps(BUY).encode(), {"Content-Type": kind}),
            201,
        )
        for kind in (
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "application/vnd.order+json",
            "application/problem+json;a=b",
        )
    ),
    *(
        Case("orders.create", f"missing body {body!r}", post(body), 400, MISSING)
        for body in (b"", b"null", b"{}", b"[]", b'""', b"0", b"0.0", b"false", b" {} ")
    ),
    *(
        Case("orders.create", f"invalid body {body[:30]!r}", post(body), 400, INVALID)
        for body in (
            b"{",
            b" ",
            b"{'a': 1}",
            b'{"a": 1,}',
            b'{"amount": NaN}',
            b'{"amount": Infinity}',
            b'{"amount": -Infinity}',
            b"NaN",
            b'{"a": "\xff"}',
            b'\xef\xbb\xbf{"a": 1}',
            '{"a": 1}'.encode("utf-16"),
            b'{"a": 01}',
            b'{"a": 1} x',
            b'{"a": "\n"}',
            b"[" * 100_000,
            b'{"a":' * 100_000,
        )
    ),
    *(
        Case("orders.create", f"no object {body!r}", post(body), 400, NO_OBJECT)
        for body in (b"[1]", b'"x"', b"1", b"1.5", b"true", b"[{}]")
    ),
    Case("orders.create", "16 MiB", post(_padded(16 * MIB)), 201),
    Case("orders.create", "more than 16 MiB", post(_padded(16 * MIB + 1)), 413, TOO_LARGE),
    Case("orders.create", "16 MiB in chunks", post(_padded(16 * MIB), CHUNKED), 201),
    Case(
        "orders.create",
        "more than 16 MiB in chunks",
        post(_padded(16 * MIB + 1), CHUNKED),
        413,
        TOO_LARGE,
    ),
    Case(
        "orders.create",
        "more than 16 MiB of another type",
        post(b"x" * (16 * MIB + 1), {"Content-Type": "text/plain"}),
        413,
        TOO_LARGE,
    ),
    Case(
        "orders.create",
        "of a repeated key the last one counts",
        post(b'{"symbol":1,' + json.dumps(BUY).encode()[1:]),
        201,
    ),
    Case(
        "orders.create",
        "unknown keys are ignored",
        post(json.dumps(BUY | {"x": [{}]}).encode()),
        201,
    ),
]
