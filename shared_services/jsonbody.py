"""The body of a request as a JSON object, read exactly."""

import json
from decimal import Decimal
from typing import Final, NoReturn, TypeAlias

from shared_services.errors import InvalidBody
from shared_services.numbers import exact

MAX_DEPTH: Final = 100
"""Deeper nesting is not JSON to us: what Python itself can read depends on the caller's stack."""

MISSING_BODY: Final = "Missing JSON body"

JsonObject: TypeAlias = dict[str, object]

_LONGEST_INT: Final = 400  # digits; beyond, no double is finite, and int() takes quadratic time


def parse_object(
    raw: bytes, *, missing: str = MISSING_BODY, may_be_empty: bool = False
) -> JsonObject:
    """The object in `raw`; of a repeated key the last one counts, numbers are int or Decimal.

    `{}` counts as missing unless it `may_be_empty`.
    Raises InvalidBody: empty or falsy (`missing`), not JSON, or not an object; in this order.
    """
    if not raw:
        raise InvalidBody(missing)
    value = _parse(raw)
    if may_be_empty and value == {}:
        return {}
    if not value:
        raise InvalidBody(missing)
    if not isinstance(value, dict):
        raise InvalidBody("JSON body must be an object")
    return value


def _parse(raw: bytes) -> object:
    try:
        value = json.loads(
            raw.decode(), parse_int=_integer, parse_float=exact, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise InvalidBody("Invalid JSON") from error
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper_than(MAX_DEPTH, value):
        raise InvalidBody("Invalid JSON")
    return value


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_INT else exact(text)


def _refuse(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not JSON")


def _deeper_than(depth: int, value: object) -> bool:
    level = [value]
    for _ in range(depth):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []
