"""Flask's session on FastAPI: `app.add_middleware(FlaskSession, secret_key=…)`.

Without it every user is logged out when a request changes stacks, in both directions: Starlette's
SessionMiddleware signs another way, sends SameSite=lax, and lets every session live for 14 days.
May go when no cookie of Flask's is left and the app has another session.
"""

from collections.abc import Sequence
from functools import partial

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.session.codec import Key, SessionCodec
from gateway.kit.session.cookie import SessionCookie
from gateway.kit.session.crashes import answering_crashes
from gateway.kit.session.data import SessionData
from gateway.kit.session.late import later_of


class FlaskSession:
    """Opens the session of each request and writes it with the start of the answer.

    What is changed later, while a body streams, is lost, as in Flask. A WebSocket may read its
    session; nothing it changes is written.

    Two requests at the same time: the session is in the cookie, the server remembers nothing, so
    of two changes the one whose answer reaches the client last wins as a whole, in Flask as here,
    on one stack or on two. No server can refuse the second: a client that keeps no cookies, or
    repeats a request whose answer was lost, sends the same cookie twice with every right. What is
    sure: a session that was not changed is not written, so reading never undoes another request's
    change. A permanent session is the exception, as long as `SESSION_REFRESH_EACH_REQUEST` is on,
    Flask's default: each answer renews its cookie. State that must not be lost belongs in a store.
    """

    def __init__(
        self,
        app: ASGIApp,
        secret_key: Key,
        fallbacks: Sequence[Key] = (),
        cookie: SessionCookie | None = None,
    ) -> None:
        self._app = app
        self._cookie = cookie or SessionCookie()
        self._codec = SessionCodec(secret_key, fallbacks, self._cookie.lifetime)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        value = self._cookie.attributes.read(HTTPConnection(scope))
        session = SessionData(self._codec.read(value) if value else None)
        scope["session"] = session
        later = later_of(scope)
        if later is not None:
            later.session, later.save = session, partial(self._save, session)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and later is None:
                message.setdefault("headers", [])
                self._save(session, MutableHeaders(scope=message))
            await send(message)

        await answering_crashes(self._app, scope, receive, send_with_cookie)

    def _save(self, session: SessionData, headers: MutableHeaders) -> None:
        line = self._line(session)
        if line is not None:
            headers.append("set-cookie", line)
        if line is not None or session.accessed:
            _vary_by_cookie(headers)

    def _line(self, session: SessionData) -> str | None:
        """The value of Set-Cookie, None if the client's cookie stays as it is."""
        if not session:
            return self._cookie.attributes.delete() if session.modified else None
        permanent = session.permanent
        if session.modified or (permanent and self._cookie.refresh_each_request):
            expires = self._cookie.expires(permanent=permanent)
            return self._cookie.attributes.set(self._codec.write(session), expires)
        return None


def _vary_by_cookie(headers: MutableHeaders) -> None:
    """Else a shared cache gives one user's page to another."""
    names = [name.strip() for line in headers.getlist("vary") for name in line.split(",")]
    if "cookie" not in {name.lower() for name in names}:
        headers["vary"] = ", ".join([*filter(None, names), "Cookie"])
