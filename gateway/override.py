"""A signed header that sends one request to a chosen stack: `X-Banyan-Stack: modern;1767225600;<hmac>`.

Made by `banyan override` for engineers who want to see one stack's answer. Unsigned, wrong and
expired ones are ignored and counted.
"""

import hmac
from hashlib import sha256

from gateway.observe import metrics
from gateway.words import Stack


class Overrides:
    """Signs and verifies overrides with HMAC-SHA256 (RFC 2104) under the process's secret."""

    def __init__(self, secret: bytes) -> None:
        self._key = sha256(b"override\0" + secret).digest()

    def sign(self, stack: Stack, expires: int) -> str:
        """The header's value; `expires` in seconds since 1970."""
        claim = f"{stack.value};{expires}"
        return f"{claim};{self._mac(claim.encode())}"

    def verify(self, value: bytes, now: float) -> Stack | None:
        """The stack, or None if the value is not ours or its time has passed."""
        claim, _, mac = value.rpartition(b";")
        stack, _, expires = claim.partition(b";")
        if hmac.compare_digest(self._mac(claim).encode(), mac) and now < int(expires):
            return Stack(stack.decode())
        metrics.OVERRIDES_IGNORED.inc()
        return None

    def _mac(self, claim: bytes) -> str:
        return hmac.new(self._key, claim, sha256).hexdigest()
