"""What an endpoint returns, as Flask turns a view's value into a response.

FastAPI quotes a `str` as JSON, writes a date as ISO text and a Decimal as a number (or not, with a
response model), and Starlette gives no type to a bare response. May go with the clients that know
Flask's answers; a route that names a response class of its own is left alone already.
"""

from collections.abc import Callable, Collection
from typing import Any

from fastapi._compat import ModelField
from starlette.background import BackgroundTask
from starlette.responses import HTMLResponse, JSONResponse, Response
from werkzeug.http import is_entity_header
from werkzeug.utils import get_content_type

from gateway.kit.compat.behaviours import Behaviour
from gateway.kit.compat.json import FlaskJSONResponse, StrictJSONResponse, TypedJSONResponse

_KEPT = {"content-location", "expires"}  # entity headers that Werkzeug leaves on a 304


def response_class(
    wanted: Collection[Behaviour], *, allow_nan: bool
) -> Callable[..., Response] | type[Response]:
    """What FastAPI makes a response with when neither route nor router names a class."""
    json = _json_class(wanted, allow_nan=allow_nan)
    if Behaviour.TEXTS not in wanted:
        return json

    def respond(
        content: Any, status_code: int = 200, background: BackgroundTask | None = None
    ) -> Response:
        if content is None and status_code in {204, 304}:
            content = ""
        kind = HTMLResponse if isinstance(content, (str, bytes)) else json
        return kind(content, status_code, background=background)

    return respond


class FlaskTypes:
    """In place of a route's response field: what `declared` lets through, its types kept.

    Serialisers of a model that are for JSON only are not asked: JSON is written later.
    """

    def __init__(self, declared: ModelField | None) -> None:
        self._declared = declared

    def validate(self, value: Any, values: Any, *, loc: Any) -> tuple[Any, list[Any]]:
        if self._declared is None:
            return value, []
        return self._declared.validate(value, values, loc=loc)

    def serialize(self, value: Any, **which: Any) -> Any:
        if self._declared is None:
            return value
        return self._declared.serialize(value, mode="python", **which)


def typed_as_flask(response: Response) -> Response:
    """The Content-Type that Flask gives: a charset, HTML without a word, none on a 304.

    A type given as a header is left as it is, as with Flask's `content_type`.
    """
    headers = response.headers
    if len(types := headers.getlist("content-type")) > 1:
        headers["content-type"] = types[-1]  # FastAPI adds a handler's own beside the class's
    if response.status_code in {204, 304} and hasattr(response, "body"):
        response.body = b""  # a server may refuse more than the headers
    if response.status_code == 304:
        for name in [name for name in headers if is_entity_header(name) and name not in _KEPT]:
            del headers[name]
    elif "content-type" not in headers:
        headers["content-type"] = "text/html; charset=utf-8"
    elif headers["content-type"] == response.media_type:
        headers["content-type"] = get_content_type(response.media_type, "utf-8")
    return response


def _json_class(wanted: Collection[Behaviour], *, allow_nan: bool) -> type[JSONResponse]:
    if Behaviour.JSON in wanted:
        return FlaskJSONResponse if allow_nan else StrictJSONResponse
    return TypedJSONResponse if Behaviour.TYPES in wanted else JSONResponse
