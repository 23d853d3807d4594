"""How the session cookie is sent: Flask's settings, with Flask's defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from starlette.requests import HTTPConnection
from werkzeug.http import dump_cookie, parse_cookie


@dataclass(frozen=True, slots=True)
class CookieAttributes:
    """Name and attributes of a cookie of Flask's or Flask-Login's; no SameSite unless one is set."""

    name: str
    domain: str | None = None
    path: str = "/"
    secure: bool = False
    httponly: bool = True
    samesite: str | None = None
    partitioned: bool = False

    def set(self, value: str, expires: datetime | None) -> str:
        """The value of a Set-Cookie header."""
        return dump_cookie(self.name, value, expires=expires, **self._attributes())

    def delete(self) -> str:
        """The value of a Set-Cookie header that makes the client forget the cookie."""
        return dump_cookie(self.name, "", max_age=0, expires=0, **self._attributes())

    def read(self, connection: HTTPConnection) -> str | None:
        """The cookie's value as Werkzeug reads it: the first of its name; None if it is absent."""
        lines = ";".join(connection.headers.getlist("cookie"))  # latin-1 in ASGI, UTF-8 meant
        text = lines.encode("latin-1").decode(errors="replace").encode().decode("latin-1")
        return parse_cookie(text).get(self.name)

    def _attributes(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "domain": self.domain,
            "secure": self.secure,
            "httponly": self.httponly,
            "samesite": self.samesite,
            "partitioned": self.partitioned,
        }


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """`SESSION_COOKIE_*`, `PERMANENT_SESSION_LIFETIME` and `SESSION_REFRESH_EACH_REQUEST`."""

    attributes: CookieAttributes = field(default_factory=lambda: CookieAttributes("session"))
    lifetime: timedelta = timedelta(days=31)
    refresh_each_request: bool = True

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """From a Flask app's config, so that both stacks read one file of settings."""
        own = (*CookieAttributes.__dataclass_fields__,)
        given = {
            name: config[key] for name in own if (key := f"SESSION_COOKIE_{name.upper()}") in config
        }
        path = given.get("path") or config.get("APPLICATION_ROOT", "/")
        lifetime = config.get("PERMANENT_SESSION_LIFETIME", cls().lifetime)
        return cls(
            CookieAttributes(**{"name": "session", **given, "path": path}),
            lifetime if isinstance(lifetime, timedelta) else timedelta(seconds=lifetime),
            config.get("SESSION_REFRESH_EACH_REQUEST", True),
        )

    def expires(self, *, permanent: bool) -> datetime | None:
        """None for a cookie that ends with the browser."""
        return datetime.now(UTC) + self.lifetime if permanent else None
