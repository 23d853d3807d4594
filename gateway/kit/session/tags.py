"""JSON with Flask's tags for the types it lacks, as `flask.json.tag` writes and reads it (Flask 3.1).

A session that one stack writes holds tuples, bytes or dates that the other must find unchanged.
May go with the session cookie. It is a serializer of itsdangerous: `dumps` and `loads`.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from markupsafe import Markup
from werkzeug.http import http_date, parse_date


def dumps(value: object) -> str:
    """Compact JSON with sorted keys; raises TypeError for what Flask cannot write either."""
    return _ENCODER.encode(_tagged(value))


def loads(text: str) -> Any:
    """The value of a text that `dumps` has written; junk raises any exception."""
    return json.loads(text, object_hook=_untagged)


def _tagged(value: object) -> object:
    if isinstance(value, dict):
        return _tagged_dict(value)
    if isinstance(value, tuple):
        return {" t": [_tagged(item) for item in value]}
    if isinstance(value, list):
        return [_tagged(item) for item in value]
    return _tagged_scalar(value)


def _tagged_dict(value: dict[Any, Any]) -> object:
    """A dict that looks like a tag is tagged itself, its key made to look different."""
    tagged = {key: _tagged(item) for key, item in value.items()}
    if len(value) == 1 and (key := next(iter(value))) in _TAGS:
        return {" di": {f"{key}__": tagged[key]}}
    return tagged


def _tagged_scalar(value: Any) -> object:
    if isinstance(value, bytes):
        return {" b": b64encode(value).decode("ascii")}
    if callable(getattr(value, "__html__", None)):
        return {" m": str(value.__html__())}
    if isinstance(value, UUID):
        return {" u": value.hex}
    return {" d": http_date(value)} if isinstance(value, datetime) else value


def _untagged(value: dict[str, Any]) -> Any:
    """Called for the innermost objects first, which is how Flask untags them."""
    if len(value) != 1:
        return value
    key, tagged = next(iter(value.items()))
    return _TAGS[key](tagged) if key in _TAGS else value


def _untagged_dict(value: dict[str, Any]) -> dict[str, Any]:
    key = next(iter(value))
    return {key[:-2]: value[key]}


def _default(value: Any) -> object:
    """What no tag is for becomes text, as `flask.json` does: it is text when it comes back."""
    if isinstance(value, date):
        return http_date(value)
    if isinstance(value, Decimal | UUID):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_TAGS: dict[str, Callable[[Any], Any]] = {
    " di": _untagged_dict,
    " t": tuple,
    " b": b64decode,
    " m": Markup,
    " u": UUID,
    " d": parse_date,
}
_ENCODER = json.JSONEncoder(default=_default, separators=(",", ":"), sort_keys=True)
