"""Answers that a client has already: `add_etag` and `make_conditional` of Werkzeug.

Without them each poll of a client that sends `If-None-Match` gets the whole body again. May go
once nobody asks conditionally.
"""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from werkzeug.http import generate_etag
from werkzeug.wrappers import Response as WerkzeugResponse

from gateway.kit.compat.wsgi import environ, raw_headers


def conditional(
    request: Request,
    response: Response,
    *,
    etag: str | bool = True,
    weak: bool = False,
    last_modified: datetime | float | None = None,
) -> Response:
    """`response` with its validators, or what `request` gets instead of it: a 304, or its 412.

    `etag` is a tag without quotes, or whether to make one of the body; a tag that `response` has
    already stays. `last_modified` is in seconds since 1970, or aware.
    """
    twin = WerkzeugResponse(status=response.status_code, headers=_headers(response))
    if etag and "etag" not in response.headers:
        twin.set_etag(etag if isinstance(etag, str) else generate_etag(_body(response)), weak)
        response.headers["etag"] = twin.headers["etag"]
    if last_modified is not None:
        twin.last_modified = last_modified  # type: ignore[assignment]  # its setter takes seconds
        response.headers["last-modified"] = twin.headers["last-modified"]
    asked = environ(request.scope)
    twin.make_conditional(asked)
    if twin.status_code == 304:
        answer = Response(status_code=304, background=response.background)
        answer.raw_headers = raw_headers(twin, asked)
        return answer
    response.status_code = twin.status_code
    return response


def _headers(response: Response) -> list[tuple[str, str]]:
    return [(n.decode("latin-1"), v.decode("latin-1")) for n, v in response.raw_headers]


def _body(response: Response) -> bytes:
    body = getattr(response, "body", None)
    if body is None:
        raise TypeError("no tag can be made of a stream: give one, or etag=False")
    return bytes(body)
