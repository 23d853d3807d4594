"""A case of the contract: requests, and the answer that every target must give to the last."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.world import EXAMPLE, World
from tests.drive import Answer, Request

JSON = {"Content-Type": "application/json"}
HTML = "text/html; charset=utf-8"

# Contract section 11; the last group are sets.
COMPARED = ("content-type", "www-authenticate", "location", "idempotency-replayed")
SETS = (
    "allow",
    "vary",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
)


@dataclass(frozen=True)
class Case:
    """`body` is the decoded JSON or, as bytes, the exact body; None where the contract leaves it.

    `headers` are those of COMPARED and SETS that matter here; None: the header must be absent.
    """

    route: str
    name: str
    request: Request
    status: int
    body: Any = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    before: tuple[Request, ...] = ()
    world: World = EXAMPLE

    def __str__(self) -> str:
        return f"{self.route}: {self.name}"

    def check(self, answer: Answer) -> None:
        """Assert that the answer is what the contract says."""
        assert answer.status == self.status, answer.body
        for name, value in self.headers.items():
            assert comparable(name, answer.header(name)) == comparable(name, value), name
        if isinstance(self.body, bytes):
            assert answer.body == self.body
        elif self.body is not None:
            assert same(answer.json(), self.body), answer.body


def get(target: str, **headers: str) -> Request:
    return Request("GET", target, dashed(headers))


def post_order(body: Mapping[str, object], **headers: str) -> Request:
    return Request("POST", "/api/orders", JSON | dashed(headers), json.dumps(body).encode())


def dashed(headers: Mapping[str, str]) -> dict[str, str]:
    """`idempotency_key` as `idempotency-key`."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def comparable(name: str, value: str | None) -> object:
    """The value of a compared header; a set if the order of its parts means nothing."""
    if name not in SETS or value is None:
        return value
    return {part.strip().lower() for part in value.split(",")}


def compared(answer: Answer) -> object:
    """All of an answer that must be equal on every target: section 11, and the bytes of 2.3."""
    headers = {name: comparable(name, answer.header(name)) for name in COMPARED + SETS}
    return answer.status, headers, answer.body


def same(actual: object, expected: object) -> bool:
    """Equal, numbers within 1e-9 and never taken for booleans; a missing key is not null."""
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected
    match actual, expected:
        case (int() | float(), int() | float()):
            return math.isclose(actual, expected, rel_tol=1e-9)
        case list(), list():
            pairs = zip(actual, expected, strict=False)
            return len(actual) == len(expected) and all(same(a, b) for a, b in pairs)
        case dict(), dict():
            return actual.keys() == expected.keys() and all(
                same(actual[key], expected[key]) for key in actual
            )
    return actual == expected
