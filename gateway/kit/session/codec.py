"""The value of Flask's session cookie: tagged JSON, compressed if that helps, signed with a time.

Flask 3.1's SecureCookieSessionInterface: salt `cookie-session`, HMAC-SHA1, key derivation `hmac`.
Either stack reads what the other wrote. May go when no cookie of that form is left, which is one
lifetime after the app has begun to write another.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from gateway.kit.session import tags

Key = str | bytes


class SessionCodec:
    """Signs with the secret key, accepts the fallbacks too: `SECRET_KEY` and `SECRET_KEY_FALLBACKS`."""

    def __init__(self, secret_key: Key, fallbacks: Sequence[Key], lifetime: timedelta) -> None:
        if not secret_key:
            raise ValueError("a session needs a secret key, the one of the Flask app")
        self._max_age = int(lifetime.total_seconds())
        self._signed = URLSafeTimedSerializer(
            [_octets(key) for key in (*fallbacks, secret_key)],  # the last one signs
            salt="cookie-session",
            serializer=tags,
            signer_kwargs={"key_derivation": "hmac"},
        )

    def read(self, value: str) -> dict[str, Any]:
        """What the cookie holds; nothing if it is forged, too old, or no session. Never raises."""
        try:
            found = self._signed.loads(value, max_age=self._max_age)
        except (BadData, ValueError, OverflowError):  # the latter of a signed, absurd time
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, session: Mapping[str, Any]) -> str:
        """The cookie's value, signed now; raises TypeError for a value that is no JSON."""
        return self._signed.dumps(dict(session))


def _octets(key: Key) -> bytes:
    return key.encode() if isinstance(key, str) else key
