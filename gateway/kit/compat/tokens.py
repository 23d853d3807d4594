"""JSON web tokens as flask-jwt-extended 4.7 takes and refuses them.

FastAPI's `OAuth2PasswordBearer` accepts `bearer`, and answers with other statuses, another shape
and a challenge. May go once clients know the app's own refusals.
"""

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

from starlette.requests import Request
from starlette.responses import Response

from gateway.kit.compat.headers import header
from gateway.kit.compat.json import FlaskJSONResponse
from gateway.kit.compat.reading import FlaskRequest

if TYPE_CHECKING:
    from jwt.types import Options

Claims = dict[str, object]


class TokenRefused(Exception):
    """Why a request is refused; `refuse_token` answers it, and an app may raise its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TokenMissing(TokenRefused):
    """There is none in one of the places, or in all."""

    def __init__(self, message: str) -> None:
        super().__init__(401, message)


class TokenExpired(TokenRefused):
    """It was valid once; `claims` are what it said."""

    def __init__(self, claims: Claims) -> None:
        super().__init__(401, "Token has expired")
        self.claims = claims


class Location(StrEnum):
    """Where a token may be; JWT_TOKEN_LOCATION has two more, which are not read here."""

    HEADERS = "headers"
    COOKIES = "cookies"


class JwtOptions(TypedDict, total=False):
    """What PyJWT verifies, under its own names; the algorithm is HS256 if it is left out."""

    algorithms: Sequence[str]
    audience: str | Sequence[str] | None
    issuer: str | None
    leeway: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """The settings of a `JWTManager`, with its defaults.

    `decode` verifies a token and raises TokenRefused; `jwt_decoder` makes one. `revoked` is asked
    about each token whose claims are right.
    """

    decode: Callable[[str], Claims]
    revoked: Callable[[Claims], Awaitable[bool]] | None = None
    locations: Sequence[Location] = (Location.HEADERS,)
    header_name: str = "Authorization"
    header_type: str = "Bearer"
    access_cookie: str = "access_token_cookie"
    refresh_cookie: str = "refresh_token_cookie"
    identity_claim: str = "sub"
    cookie_csrf_protect: bool = True
    csrf_methods: frozenset[str] = frozenset({"POST", "PUT", "PATCH", "DELETE"})
    csrf_header: str = "X-CSRF-TOKEN"


def jwt_required(
    tokens: Tokens, *, optional: bool = False, fresh: bool = False, refresh: bool = False
) -> Callable[[Request], Awaitable[Claims]]:
    """A dependency: the claims of the request's token, none if it may be absent and is.

    The app adds `refuse_token` as its exception handler for TokenRefused.
    """

    async def claims(request: Request) -> Claims:
        if request.method == "OPTIONS":
            return {}
        try:
            token, csrf = _find(request, tokens, refresh=refresh)
        except TokenMissing:
            if optional:
                return {}
            raise
        decoded = _decoded(tokens, token, csrf)
        _check_type(decoded, refresh=refresh)
        if fresh:
            _check_fresh(decoded)
        if tokens.revoked is not None and await tokens.revoked(decoded):
            raise TokenRefused(401, "Token has been revoked")
        return decoded

    return claims


async def refuse_token(_request: Request, error: TokenRefused) -> Response:
    """The exception handler for TokenRefused."""
    return FlaskJSONResponse({"msg": str(error)}, error.status)


def jwt_decoder(
    key: str | bytes, *, verify_sub: bool = True, **options: Unpack[JwtOptions]
) -> Callable[[str], Claims]:
    """A `Tokens.decode` with PyJWT, which the app brings along."""
    import jwt  # noqa: PLC0415 - the kit does not depend on it

    given: JwtOptions = {"algorithms": ["HS256"], **options}
    checks: Options = {
        "verify_sub": verify_sub,
        "verify_aud": options.get("audience") is not None,
    }

    def decode(token: str) -> Claims:
        try:
            jwt.decode(token, options={"verify_signature": False})  # first told: what is no token
            try:
                return jwt.decode(token, key, options=checks, **given)
            except jwt.ExpiredSignatureError:
                timeless: Options = {**checks, "verify_exp": False}
                raise TokenExpired(jwt.decode(token, key, options=timeless, **given)) from None
        except jwt.InvalidTokenError as error:
            raise TokenRefused(422, str(error)) from error

    return decode


def _find(request: Request, tokens: Tokens, *, refresh: bool) -> tuple[str, str | None]:
    """The token and what must be its `csrf` claim, from the first place that has one."""
    missing: list[str] = []
    for location in tokens.locations:
        try:
            if location is Location.HEADERS:
                return _from_header(request, tokens), None
            return _from_cookie(request, tokens, refresh=refresh)
        except TokenMissing as error:
            missing.append(str(error))
    if len(missing) == 1:
        raise TokenMissing(missing[0])
    *others, last = tokens.locations
    raise TokenMissing(f"Missing JWT in {', '.join(others)} or {last} ({'; '.join(missing)})")


def _from_header(request: Request, tokens: Tokens) -> str:
    name, kind = tokens.header_name, tokens.header_type
    field = (header(request.scope, name) or "").strip().strip(",")
    if not field:
        raise TokenMissing(f"Missing {name} Header")
    expected = f"Expected '{name}: {f'{kind} ' if kind else ''}<JWT>'"
    if kind:
        fields = [each for each in re.split(r",\s*", field) if each.split()[:1] == [kind]]
        if len(fields) != 1:
            raise TokenMissing(f"Missing '{kind}' type in '{name}' header. {expected}")
        field = fields[0].removeprefix(kind)
    parts = field.split()
    if len(parts) != 1:
        raise TokenRefused(422, f"Bad {name} header. {expected}")
    return parts[0]


def _from_cookie(request: Request, tokens: Tokens, *, refresh: bool) -> tuple[str, str | None]:
    name = tokens.refresh_cookie if refresh else tokens.access_cookie
    token = FlaskRequest(request.scope).cookies.get(name)
    if not token:
        raise TokenMissing(f'Missing cookie "{name}"')
    if not tokens.cookie_csrf_protect or request.method not in tokens.csrf_methods:
        return token, None
    csrf = header(request.scope, tokens.csrf_header)
    if not csrf:
        raise TokenRefused(401, "Missing CSRF token")
    return token, csrf


def _decoded(tokens: Tokens, token: str, csrf: str | None) -> Claims:
    try:
        return _complete(tokens, tokens.decode(token), csrf)
    except TokenExpired as error:
        _complete(tokens, error.claims, csrf)  # its claims are checked before its age
        raise


def _complete(tokens: Tokens, claims: Claims, csrf: str | None) -> Claims:
    if tokens.identity_claim not in claims:
        raise TokenRefused(422, f"Missing claim: {tokens.identity_claim}")
    if csrf and "csrf" not in claims:
        raise TokenRefused(422, "Missing claim: csrf")
    if csrf and not compare_digest(str(claims["csrf"]).encode(), csrf.encode()):
        raise TokenRefused(401, "CSRF double submit tokens do not match")
    return {"type": "access", "fresh": False, "jti": None, **claims}


def _check_type(claims: Claims, *, refresh: bool) -> None:
    if refresh and claims["type"] != "refresh":
        raise TokenRefused(422, "Only refresh tokens are allowed")
    if not refresh and claims["type"] == "refresh":
        raise TokenRefused(422, "Only non-refresh tokens are allowed")


def _check_fresh(claims: Claims) -> None:
    """`fresh` is a flag, or the time until which it is."""
    fresh = claims["fresh"]
    stale = not fresh if isinstance(fresh, bool) else cast("float", fresh) < time.time()
    if stale:
        raise TokenRefused(401, "Fresh token required")
