"""What the gateway's front door decided, said by this app: with its pages, hooks and CORS headers.

In `phase: full` the gateway still routes by the Flask app's rules. What they refuse or redirect reaches
this app with a word of it in the scope, and no route of its own is tried. Goes with the gateway.
"""

from typing import Final
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.kit.compat.pages import html, page
from gateway.kit.compat.paths import moved

DECIDED: Final = "banyan.door"  # in a scope: no client can say it, also when the gateway is gone


def front_door(app: ASGIApp) -> ASGIApp:
    """Raises 404 and 405, and answers redirects and OPTIONS, where the scope says so.

    Raises HTTPException, so that it belongs inside of what handles exceptions.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        told = decided(scope)
        status, _, what = told.partition(" ")
        if status in {"404", "405"}:
            raise HTTPException(int(status), headers={"Allow": what} if what else None)
        await (said(scope, told) if status in {"200", "308"} else app)(scope, receive, send)

    return answer


def decided(scope: Scope) -> str:
    """Empty where the front door left the request to a route."""
    return str(scope.get(DECIDED, ""))


def said(scope: Scope, told: str) -> Response:
    """The decision in Werkzeug's words: `404`, `405 GET, HEAD`, `308 /x/`, `200 GET, HEAD, OPTIONS`."""
    status, _, what = told.partition(" ")
    if status == "308":
        return moved(scope, what if "://" in what else unquote(what))
    headers = {"Allow": what} if what else None
    return html("", headers=headers) if status == "200" else page(int(status), headers=headers)
