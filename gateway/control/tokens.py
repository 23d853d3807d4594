"""Tokens of the admin API: `banyan_<id>_<secret>`; kept is only a digest of the secret. Pure.

A secret is 192 random bits, so a plain SHA-256 cannot be searched backwards: the slow hashes that
passwords need would protect nothing here, and cost every request.
"""

import hmac
import re
import secrets
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final, Protocol

from gateway.errors import BanyanError

Compare = Callable[[bytes, bytes], bool]

_TEXT: Final = re.compile(r"banyan_([a-z2-7]{8})_([A-Za-z0-9_-]{32})")
_NAME: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_NOBODYS: Final = bytes(32)  # the digest of no secret that anybody knows


class Role(StrEnum):
    """What a caller may do; each role may do what those before it may, and `<` says so."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    # Inherited from str these would compare the words: admin < operator < viewer.
    def __lt__(self, other: str) -> bool:
        return _ORDER.index(self) < _ORDER.index(other)

    def __le__(self, other: str) -> bool:
        return _ORDER.index(self) <= _ORDER.index(other)

    def __gt__(self, other: str) -> bool:
        return _ORDER.index(self) > _ORDER.index(other)

    def __ge__(self, other: str) -> bool:
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER: Final[tuple[str, ...]] = tuple(Role)


class Outcome(StrEnum):
    """What a token turned out to be; the client is told only whether it is valid."""

    VALID = "valid"
    MISSING = "missing"  # none, or not spelled as one
    UNKNOWN = "unknown"
    WRONG = "wrong"
    REVOKED = "revoked"
    EXPIRED = "expired"


class TokenRefused(BanyanError):
    """A token cannot be made so."""


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What the store keeps; times in seconds since 1970."""

    id: str
    name: str
    role: Role
    digest: bytes
    created: float
    created_by: str
    expires: float | None = None  # valid before, not at this moment
    revoked: float | None = None


class TokenStore(Protocol):
    """Where tokens are looked up. Called in threads."""

    def find(self, token_id: str, /) -> StoredToken | None:
        """Revoked and expired ones too."""


def make(
    name: str, role: Role, created_by: str, now: float, ttl: float | None
) -> tuple[str, StoredToken]:
    """A new token: its text, which is shown once, and what is kept. `ttl` in seconds.

    Raises TokenRefused.
    """
    if not _NAME.fullmatch(name):
        raise TokenRefused("a token's name has 1 to 64 of: letters, digits, `.`, `_`, `@`, `-`")
    if ttl is not None and not ttl > 0:
        raise TokenRefused(f"a token that expires lives longer than 0 s, not {ttl:g} s")
    token_id = b32encode(secrets.token_bytes(5)).decode().lower()
    secret = secrets.token_urlsafe(24)
    expires = None if ttl is None else now + ttl
    stored = StoredToken(token_id, name, role, digest(secret), now, created_by, expires)
    return f"banyan_{token_id}_{secret}", stored


def split(text: str) -> tuple[str, str] | None:
    """Id and secret; None if the text cannot be a token."""
    found = _TEXT.fullmatch(text)
    return (found[1], found[2]) if found else None


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return sha256(secret.encode()).digest()


def verify(
    text: str, stored: StoredToken | None, now: float, compare: Compare = hmac.compare_digest
) -> Outcome:
    """What a token is, given what the store has under its id.

    Takes the same time for an unknown id, a wrong and a right secret; that a token is revoked or
    expired is said of the right secret only.
    """
    parts = split(text)
    same = compare(digest(parts[1] if parts else ""), stored.digest if stored else _NOBODYS)
    if parts is None:
        return Outcome.MISSING
    if stored is None:
        return Outcome.UNKNOWN
    if not same:
        return Outcome.WRONG
    if stored.revoked is not None:
        return Outcome.REVOKED
    if stored.expires is not None and now >= stored.expires:
        return Outcome.EXPIRED
    return Outcome.VALID
