"""JSON as `flask.jsonify` writes it: clients compare bytes, keep golden files, sign bodies.

May go once no client depends on the bytes of an answer, only on what they mean.
"""

import json
from dataclasses import asdict, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel
from starlette.responses import JSONResponse
from werkzeug.http import http_date


class FlaskJSONResponse(JSONResponse):
    """Sorted keys, no blanks, ASCII escapes, a final newline; NaN is a literal, as in Flask."""

    allow_nan: ClassVar[bool] = True

    def render(self, content: Any) -> bytes:
        text = json.dumps(
            content,
            default=flask_default,
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=self.allow_nan,
        )
        return f"{text}\n".encode("ascii")


class StrictJSONResponse(FlaskJSONResponse):
    """The same without NaN and Infinity, which are no JSON: a ValueError."""

    allow_nan = False


class TypedJSONResponse(JSONResponse):
    """FastAPI's bytes of Flask's types, for an app that dropped the former's `json` only."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, default=flask_default, ensure_ascii=False, separators=(",", ":"))
        return text.encode()


def flask_default(value: Any) -> Any:
    """As Flask's `DefaultJSONProvider.default`; what crashes there is left to FastAPI.

    An app in production never sent those types, so a client cannot tell.
    """
    if isinstance(value, date):
        return http_date(value)
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    return list(value) if isinstance(value, (set, frozenset)) else jsonable_encoder(value)


def is_json(content_type: str | None) -> bool:
    """`application/json` or `application/*+json`, as `flask.Request.is_json` decides."""
    mimetype = (content_type or "").partition(";")[0].strip().lower()
    return mimetype == "application/json" or (
        mimetype.startswith("application/") and mimetype.endswith("+json")
    )
