"""The header that a shadow carries: an app may see by it that no client waits, and a gateway that gets it
back refuses the loop. What a client sends under this name reaches no app.
"""

import hmac
from hashlib import sha256
from typing import Final

from gateway.head import Header

SHADOW: Final = b"x-banyan-shadow"
_LIFE: Final = 600  # seconds; far longer than a shadow may take


class Marker:
    """Signs and knows the header with HMAC-SHA256 (RFC 2104) under the process's secret."""

    def __init__(self, secret: bytes) -> None:
        self._key = sha256(b"shadow\0" + secret).digest()

    def header(self, now: float) -> Header:
        """`now` in seconds since 1970; another gateway with this secret may hear it a while later."""
        expires = b"%d" % (int(now) + _LIFE)
        return SHADOW, expires + b";" + self._mac(expires)

    def knows(self, value: bytes, now: float) -> bool:
        """Whether a gateway with this secret has made it, lately."""
        expires, _, mac = value.partition(b";")
        return hmac.compare_digest(self._mac(expires), mac) and now < int(expires)

    def _mac(self, expires: bytes) -> bytes:
        return hmac.new(self._key, expires, sha256).hexdigest().encode()
