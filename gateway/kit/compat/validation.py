"""What FastAPI refuses with 422 is a 400 of Flask's.

FastAPI's answer also repeats the input, so that passwords end up in logs. May go once the clients
know the 422 shape, which is for the app to announce.
"""

from collections.abc import Awaitable, Callable

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.kit.compat.pages import Handler


def refused(answer: Handler) -> Callable[[Request, RequestValidationError], Awaitable[Response]]:
    """The exception handler for RequestValidationError, which answers as `answer` does a 400."""

    async def handle(request: Request, _error: RequestValidationError) -> Response:
        return await answer(request, HTTPException(400))

    return handle
