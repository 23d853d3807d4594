"""What FastAPI refuses with 422 is a 400 of Flask's.

FastAPI's answer also repeats the input, so that passwords end up in logs. May go once the clients
know the 422 shape, which is for the app to announce.
"""

from collections.abc import Awaitable, Callable

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.kit.compat.pages import refuse


def refused(
    *, unknown_paths: bool
) -> Callable[[Request, RequestValidationError], Awaitable[Response]]:
    """The exception handler for RequestValidationError: the app's 400.

    With `unknown_paths` its 404 if a path parameter is refused, as by a converter with limits.
    """

    async def handle(request: Request, error: RequestValidationError) -> Response:
        unknown = unknown_paths and any(part["loc"][0] == "path" for part in error.errors())
        return await refuse(request, HTTPException(404 if unknown else 400))

    return handle
