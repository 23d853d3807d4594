"""Werkzeug's HTML pages for refusals and crashes, byte for byte.

Clients of the Flask app get HTML for a 404 whatever they accept, and FastAPI's `{"detail": …}`
is no shape they know. May go once the app answers every error in a shape of its own, which is what
an envelope is for: Flask apps with error handlers of their own answer in it from the start.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from markupsafe import escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.exceptions import default_exceptions

from gateway.kit.compat.json import FlaskJSONResponse
from gateway.kit.compat.urls import redirect
from gateway.kit.session.crashes import ask_handler

Handler = Callable[[Request, HTTPException], Awaitable[Response]]
Envelope = Callable[[int, str], object]
"""The JSON of an error: from its status and the sentence of its page."""

_REDIRECTS = {301, 302, 303, 305, 307, 308}
_UNREADABLE = "There was an error parsing the body"  # FastAPI's own, of a body it cannot decode


def html(text: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An HTML answer with the content type as Flask writes it: a view's `text, status, headers`.

    `PlainTextResponse` stays text/plain: that is what its name promises.
    """
    return HTMLResponse(text, status_code=status, headers=headers)


def page(
    status: int, description: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Werkzeug's page for `status`, with its own sentence or `description`.

    A status Werkzeug has no exception for gives the page of a 500: Flask crashes on `abort(204)`.
    """
    if status not in default_exceptions:
        return page(500)
    text = default_exceptions[status](description=description).get_body()
    return html(text, status=status, headers=headers)


def error_answer(envelope: Envelope | None) -> Handler:
    """The exception handler for HTTPException; a detail of its own replaces the sentence."""

    async def answer(_request: Request, error: HTTPException) -> Response:
        return _redirect(error) or _answer(
            envelope, error.status_code, _description(error), error.headers
        )

    return answer


def crash_answer(answer: Handler) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The exception handler for what nobody caught; says nothing about it.

    As in Flask an app's own handler for HTTPException is asked, else it is `answer`.
    """

    async def handle(request: Request, _error: Exception) -> Response:
        handler = request.app.exception_handlers.get(HTTPException, answer)
        return await ask_handler(handler, request, HTTPException(500))

    return handle


async def refuse(request: Request, error: HTTPException) -> Response:
    """What the app, or the kit in its place, answers to `error` where no exception can be raised.

    A handler that asks this for its own status is not asked again.
    """
    handlers = request.app.exception_handlers
    handler = None if error.status_code == 405 else handlers.get(error.status_code)
    return await ask_handler(handler or handlers[HTTPException], request, error)


def range_pages(app: ASGIApp) -> ASGIApp:
    """The app's answer to a 416 of Starlette's files, which they send past all exception handlers."""

    async def answer_ranges(scope: Scope, receive: Receive, send: Send) -> None:
        replaced = False

        async def send_answer(message: Message) -> None:
            nonlocal replaced
            if _is_bare_416(message):
                replaced = True
                size = dict(message["headers"])[b"content-range"].decode("latin-1")
                error = HTTPException(416, headers={"Content-Range": size})
                response = await refuse(Request(scope), error)
                await response(scope, receive, send)
            elif not replaced:
                await send(message)

        await app(scope, receive, send_answer)

    return answer_ranges


def markup(text: str) -> str:
    """Escaped for HTML, as Werkzeug's pages are."""
    return str(escape(text))


def _redirect(error: HTTPException) -> Response | None:
    """FastAPI's way to redirect from a dependency; in Flask that is `abort(redirect(url))`."""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    location = headers.pop("location", None)
    if location is None or error.status_code not in _REDIRECTS:
        return None
    response = redirect(location, error.status_code)
    response.headers.update(headers)
    return response


def _description(error: HTTPException) -> str | None:
    """None for the sentence of the page; FastAPI's details are phrases unless a handler says more."""
    status = error.status_code
    standard = status not in default_exceptions or error.detail in {
        HTTPStatus(status).phrase,
        _UNREADABLE,
    }
    return None if standard else str(error.detail)


def _answer(
    envelope: Envelope | None,
    status: int,
    description: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    if envelope is None:
        return page(status, description, headers)
    if status not in default_exceptions:
        return _answer(envelope, 500)
    if description is None:
        description = default_exceptions[status].description or ""
    return FlaskJSONResponse(envelope(status, description), status, headers)


def _is_bare_416(message: Message) -> bool:
    if message["type"] != "http.response.start" or message["status"] != 416:
        return False
    headers = dict(message["headers"])
    plain = headers.get(b"content-type", b"text/plain").startswith(b"text/plain")
    return plain and b"content-range" in headers
