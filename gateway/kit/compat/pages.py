"""Werkzeug's HTML pages for refusals and crashes, byte for byte.

Clients of the Flask app get HTML for a 404 whatever they accept, and FastAPI's `{"detail": …}`
is no shape they know. May go once the app answers every error in a shape of its own.
"""

from collections.abc import Mapping
from html import escape
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.kit.compat.descriptions import PAGES

_UNREADABLE = "There was an error parsing the body"  # FastAPI's own, of a body it cannot decode


def html(text: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An HTML answer with the content type as Flask writes it."""
    return HTMLResponse(text, status_code=status, headers=headers)


def page(
    status: int, description: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Werkzeug's page for `status`, with its own sentence or `description`.

    A status Werkzeug has no exception for gives the page of a 500: Flask crashes on `abort(204)`.
    """
    if status not in PAGES:
        return page(500)
    name, sentence = PAGES[status]
    text = markup(sentence if description is None else description).replace("\n", "<br>")
    return html(
        "<!doctype html>\n"
        "<html lang=en>\n"
        f"<title>{status} {markup(name)}</title>\n"
        f"<h1>{markup(name)}</h1>\n"
        f"<p>{text}</p>\n",
        status=status,
        headers=headers,
    )


async def error_page(_request: Request, error: HTTPException) -> Response:
    """The exception handler for HTTPException; a detail of its own replaces the sentence."""
    status = error.status_code
    standard = status not in PAGES or error.detail in {HTTPStatus(status).phrase, _UNREADABLE}
    return page(status, None if standard else str(error.detail), error.headers)


async def server_error_page(_request: Request, _error: Exception) -> Response:
    """The exception handler for what nobody caught; says nothing about it."""
    return page(500)


def markup(text: str) -> str:
    """Escaped as markupsafe does, which spells the quotes differently from the stdlib."""
    return escape(text, quote=False).replace('"', "&#34;").replace("'", "&#39;")
