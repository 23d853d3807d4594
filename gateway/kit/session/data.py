"""The session of one request, and how a handler gets it."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection
from werkzeug.datastructures import CallbackDict


class SessionData(CallbackDict[str, Any]):
    """A dict that knows whether it was read or changed.

    As in Flask only the dict itself is watched: after `session["cart"].append(…)` the session is
    not written unless `session.modified = True` says so.
    """

    new = False  # Flask's own cannot tell new from empty either

    def __init__(self, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(initial, _modified)
        self.accessed = False
        self.modified = False
        self.flashes: list[tuple[str, str]] | None = None  # those of this request, once asked for

    def mark_accessed(self) -> None:
        """The answer depends on the cookie now; `request.session` calls it (Starlette 1.10)."""
        self.accessed = True

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser: the key `_permanent`."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


def session_of(connection: HTTPConnection) -> SessionData:
    """The session of a request; asking for it adds `Vary: Cookie` to the answer."""
    session = connection.scope.get("session")
    if not isinstance(session, SessionData):
        raise TypeError("no session of Flask's kind here: app.add_middleware(FlaskSession, …)")
    session.mark_accessed()
    return session


async def _session(connection: HTTPConnection) -> SessionData:
    return session_of(connection)


Session = Annotated[SessionData, Depends(_session)]


def _modified(session: SessionData) -> None:
    session.modified = True
