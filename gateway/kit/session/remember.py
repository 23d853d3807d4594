"""Flask-Login's `remember_token`: a user's id and its HMAC-SHA512, for when the session has ended."""

import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection

from gateway.kit.session.codec import Key
from gateway.kit.session.cookie import CookieAttributes
from gateway.kit.session.data import SessionData


@dataclass(frozen=True, slots=True)
class RememberCookie:
    """`REMEMBER_COOKIE_*` of Flask-Login, with its defaults."""

    attributes: CookieAttributes = field(default_factory=lambda: CookieAttributes("remember_token"))
    duration: timedelta = timedelta(days=365)
    refresh_each_request: bool = False

    def read(self, connection: HTTPConnection) -> str | None:
        """The cookie as it came; None without one."""
        return self.attributes.read(connection)

    def remembered(self, connection: HTTPConnection, secret_key: Key) -> str | None:
        """The id in the cookie; None if there is no cookie or it is forged. Never raises."""
        payload, mark, digest = (self.read(connection) or "").rpartition("|")
        genuine = hmac.compare_digest(_digest(payload, secret_key).encode(), digest.encode())
        return payload if mark and genuine else None


def update_remember_cookie(
    session: SessionData, headers: MutableHeaders, cookie: RememberCookie, secret_key: Key
) -> None:
    """Set or delete the cookie on an answer if the session's `_remember` says so, and take that."""
    if "_remember" not in session and cookie.refresh_each_request:
        session["_remember"] = "set"
    operation = session.pop("_remember", None)
    if operation == "set" and "_user_id" in session:
        headers.append("set-cookie", _line(session, cookie, secret_key))
    elif operation == "clear":
        plain = CookieAttributes(
            cookie.attributes.name,
            domain=cookie.attributes.domain,
            path=cookie.attributes.path,
            httponly=False,
        )
        headers.append("set-cookie", plain.delete())


def _line(session: SessionData, cookie: RememberCookie, secret_key: Key) -> str:
    payload = str(session["_user_id"])
    seconds = session.get("_remember_seconds")
    duration = cookie.duration if seconds is None else timedelta(seconds=seconds)
    value = f"{payload}|{_digest(payload, secret_key)}"
    return cookie.attributes.set(value, datetime.now(UTC) + duration)


def _digest(payload: str, secret_key: Key) -> str:
    key = secret_key.encode("latin-1") if isinstance(secret_key, str) else secret_key
    return hmac.new(key, payload.encode(), "sha512").hexdigest()
