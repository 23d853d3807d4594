"""`Authorization` as `flask.request.authorization` reads it.

FastAPI's `HTTPBasic` answers 401 by itself, with a challenge of its own, also to the Bearer header
for which a Flask view runs. May go once no client sends what only Werkzeug accepts.
"""

from fastapi import Request
from werkzeug.datastructures import Authorization

from gateway.kit.compat.headers import header


async def authorization(request: Request) -> Authorization | None:
    """A dependency: credentials of any scheme, None without any or with unreadable ones.

    The handler decides what to refuse, and writes the challenge. Only `basic` gives a username.
    """
    return Authorization.from_header(header(request.scope, "authorization"))
