"""Cookies as Werkzeug writes them: with `Expires`, without a `SameSite` nobody asked for, in UTF-8.

Starlette adds `SameSite=lax`, which takes the cookie from every embedded page. May go once the
app names each attribute itself.
"""

from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from starlette.responses import Response
from werkzeug.http import dump_cookie


class Attributes(TypedDict, total=False):
    """Where a cookie is sent; `path` is `/` if it is left out."""

    path: str | None
    domain: str | None
    secure: bool
    httponly: bool
    samesite: str | None
    partitioned: bool


class Lasting(Attributes, total=False):
    """`max_age` in seconds; without it and `expires` the cookie ends with the browser."""

    max_age: timedelta | int | None
    expires: str | datetime | int | float | None


def set_cookie(
    response: Response, key: str, value: str = "", **attributes: Unpack[Lasting]
) -> None:
    """What `flask.Response.set_cookie` writes."""
    line = dump_cookie(key, value, **attributes)
    response.raw_headers.append((b"set-cookie", line.encode("latin-1")))


def delete_cookie(response: Response, key: str, **attributes: Unpack[Attributes]) -> None:
    """What `flask.Response.delete_cookie` writes; path and domain must be those of the cookie."""
    set_cookie(response, key, expires=0, max_age=0, **attributes)
