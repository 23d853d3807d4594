"""What FastAPI refuses with 422 is a 400 of Flask's, or a 415 when the body is not JSON.

FastAPI's answer also repeats the input, so that passwords end up in logs. May go once the clients
know the 422 shape, which is for the app to announce.
"""

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from gateway.kit.compat.json import is_json
from gateway.kit.compat.pages import page

# flask.Request.on_json_loading_failed (Flask 3.1)
_NOT_JSON = (
    "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
)


async def refused(request: Request, error: RequestValidationError) -> Response:
    """The exception handler for RequestValidationError."""
    in_body = any(part["loc"][0] == "body" for part in error.errors())
    if in_body and not is_json(request.headers.get("content-type")):
        return page(415, _NOT_JSON)
    return page(400)
