"""Flask-Login's session, read and written (Flask-Login 0.6.3): who is logged in stays logged in.

Flask-Login keeps the user's id in the session beside a hash of address and User-Agent, and drops or
distrusts the session when the hash changes. Add the middleware before FlaskSession, so that it is
inside of it:

    app.add_middleware(FlaskLogin, secret_key=…)
    app.add_middleware(FlaskSession, secret_key=…)

May go when no such session and no `remember_token` is left.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from hashlib import sha512
from typing import TypeVar

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.session.codec import Key
from gateway.kit.session.crashes import answering_crashes
from gateway.kit.session.data import SessionData, session_of
from gateway.kit.session.remember import RememberCookie, update_remember_cookie

User = TypeVar("User")

_SCOPE_KEY = "gateway.kit.login"
_SESSION_KEYS = ("_user_id", "_remember", "_remember_seconds", "_id", "_fresh", "next")


class Protection(StrEnum):
    """What happens to a session whose address or User-Agent changed: `SESSION_PROTECTION`."""

    BASIC = "basic"  # it is no longer fresh
    STRONG = "strong"  # it ends, unless it is permanent
    OFF = "off"  # None in Flask's config


class FlaskLogin:
    """What `load_user`, `log_in` and `log_out` need, and the remember cookie on each answer."""

    def __init__(
        self,
        app: ASGIApp,
        secret_key: Key,
        protection: Protection = Protection.BASIC,
        cookie: RememberCookie | None = None,
    ) -> None:
        self._app = app
        self.secret_key = secret_key
        self.protection = protection
        self.cookie = cookie or RememberCookie()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        session_of(HTTPConnection(scope))  # fails at once if FlaskSession is not outside
        scope[_SCOPE_KEY] = self

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                session = session_of(HTTPConnection(scope))
                headers = MutableHeaders(scope=message)
                update_remember_cookie(session, headers, self.cookie, self.secret_key)
            await send(message)

        await answering_crashes(self._app, scope, receive, send_with_cookie)


def login_user_id(session: SessionData) -> str | None:
    """The id of the user who is logged in, without any check; `load_user` is what makes them."""
    user_id: str | None = session.get("_user_id")
    return user_id


async def load_user(
    connection: HTTPConnection, find: Callable[[str], Awaitable[User | None]]
) -> User | None:
    """The logged-in user, found by the id in the session or else in the remember cookie.

    Session protection comes first, and may change the session.
    """
    login, session = _login_of(connection), session_of(connection)
    if _has_ended(session, session_identifier(connection), login.protection):
        return None
    user_id = login_user_id(session)
    user = None if user_id is None else await find(user_id)
    if user is None and session.get("_remember") != "clear":
        remembered = login.cookie.remembered(connection, login.secret_key)
        if remembered is not None:
            session["_user_id"] = remembered
            session["_fresh"] = False
            user = await find(remembered)
    return user


def log_in(
    connection: HTTPConnection,
    user_id: str,
    *,
    remember: bool = False,
    duration: timedelta | None = None,
    fresh: bool = True,
) -> None:
    """Write the session that Flask-Login's `login_user` writes; whether the user may is for you."""
    session = session_of(connection)
    session["_user_id"] = user_id
    session["_fresh"] = fresh
    session["_id"] = session_identifier(connection)
    if remember:
        session["_remember"] = "set"
        if duration is not None:
            session["_remember_seconds"] = duration.total_seconds()


def log_out(connection: HTTPConnection) -> None:
    """Take from the session what `log_in` wrote, and the remember cookie from the client.

    Session protection comes first, as in `load_user`: Flask-Login loads whom it logs out.
    """
    login, session = _login_of(connection), session_of(connection)
    _has_ended(session, session_identifier(connection), login.protection)
    for key in ("_user_id", "_fresh", "_id"):
        session.pop(key, None)
    if login.cookie.read(connection) is not None:
        session["_remember"] = "clear"
        session.pop("_remember_seconds", None)


def session_identifier(connection: HTTPConnection) -> str:
    """The session's `_id`: a hash of the first X-Forwarded-For, or else the peer, and User-Agent."""
    peer = connection.client.host if connection.client else ""  # a unix socket has none
    forwarded = _joined(connection, "x-forwarded-for")
    agent = _joined(connection, "user-agent")
    address = (peer if forwarded is None else forwarded).encode().split(b",")[0].strip()
    # Flask-Login hashes the text that Python makes of bytes and of None.
    return sha512(f"{address!r}|{None if agent is None else agent.encode()!r}".encode()).hexdigest()


def _joined(connection: HTTPConnection, name: str) -> str | None:
    """Of a repeated header WSGI servers make one."""
    lines = connection.headers.getlist(name)
    return ",".join(lines) if lines else None


def _login_of(connection: HTTPConnection) -> FlaskLogin:
    login = connection.scope.get(_SCOPE_KEY)
    if not isinstance(login, FlaskLogin):
        raise TypeError("no login here: app.add_middleware(FlaskLogin, …)")
    return login


def _has_ended(session: SessionData, identifier: str, protection: Protection) -> bool:
    """Flask-Login's `_session_protection_failed`; an empty session is nobody's and safe."""
    if protection is Protection.OFF or not session or session.get("_id") == identifier:
        return False
    if protection is Protection.BASIC or session.permanent:
        if session.get("_fresh") is not False:
            session["_fresh"] = False
        return False
    for key in _SESSION_KEYS:
        session.pop(key, None)
    session["_remember"] = "clear"
    return True
