"""JSON as `flask.jsonify` writes it: clients compare bytes, keep golden files, sign bodies.

May go once no client depends on the bytes of an answer, only on what they mean.
"""

import json
from typing import Any

from starlette.responses import JSONResponse

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


class FlaskJSONResponse(JSONResponse):
    """Sorted keys, no blanks, ASCII escapes, a final newline; NaN is an error, never a literal."""

    def render(self, content: Any) -> bytes:
        return f"{_ENCODER.encode(content)}\n".encode("ascii")


def is_json(content_type: str | None) -> bool:
    """`application/json` or `application/*+json`, as `flask.Request.is_json` decides."""
    mimetype = (content_type or "").partition(";")[0].strip().lower()
    return mimetype == "application/json" or (
        mimetype.startswith("application/") and mimetype.endswith("+json")
    )
