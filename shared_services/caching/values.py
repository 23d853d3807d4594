"""Rows as JSON text and back, money exact. Pure."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def dumps(rows: Iterable[Any]) -> str:
    """Of dataclasses with fields of text, integers and money."""
    return json.dumps([asdict(row) for row in rows], default=str)


def loads(kind: type[T], text: str) -> list[T]:
    """What was an enumeration comes back as plain text, which is equal to it."""
    money = [name for name, hint in get_type_hints(kind).items() if hint is Decimal]
    rows: list[dict[str, Any]] = json.loads(text)
    return [kind(**{**row, **{name: Decimal(row[name]) for name in money}}) for row in rows]
