"""Who calls the admin API, and whether they may: bearer tokens (RFC 6750), no cookies.

Failures are limited and audited by the client's address; a right token is never limited.
"""

import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Annotated, Final, Literal
from urllib.parse import parse_qsl, unquote_plus

import structlog
from anyio import to_thread
from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from gateway.control.problems import ApiProblem
from gateway.control.tokens import (
    Compare,
    Outcome,
    Role,
    StoredToken,
    TokenStore,
    split,
    verify,
)
from gateway.errors import BanyanError
from gateway.head import HeadReader, Network
from gateway.messages import Scope

CALLER: Final = "banyan.caller"  # in a scope: who calls from inside this process
Audit = Callable[[str, str, str], None]
Line = tuple[str, str, str]  # action, origin, subject

_BURST: Final = 10.0  # failures of one address at once; then one a second
_ADDRESSES: Final = 10_000
_LINE_EVERY: Final = 1.0  # seconds between two audit lines of one address
_QUERY_NAMES: Final = frozenset({"token", "access_token"})
_LIKE_A_TOKEN: Final = re.compile(r"banyan_[a-z2-7]{8}_")
_log = structlog.get_logger()
_BEARER: Final = HTTPBearer(auto_error=False, description="A token: `banyan token` makes them.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; `origin` is the client's address, for people."""

    name: str
    role: Role
    origin: str
    door: Literal["api", "cli"] = "api"

    @property
    def actor(self) -> str:
        """As history and audit name them."""
        return f"{self.door}:{self.name}"


def require(role: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who has at least this role. Asks the Auth in `app.state.auth`."""

    async def allowed(
        request: Request,
        _documented: Annotated[object, Depends(_BEARER)],  # that OpenAPI says so
    ) -> Caller:
        auth: Auth = request.app.state.auth
        return await auth.allow(request.scope, role)

    return allowed


Viewer = Annotated[Caller, Depends(require(Role.VIEWER))]
Operator = Annotated[Caller, Depends(require(Role.OPERATOR))]
Admin = Annotated[Caller, Depends(require(Role.ADMIN))]


@dataclass(slots=True)
class Auth:
    """Knows callers by their tokens.

    `audit(action, origin, subject)` and `now` are called in threads; a line that `audit` cannot write
    (BanyanError) is logged.
    """

    tokens: TokenStore
    audit: Audit
    proxies: tuple[Network, ...] = ()  # whose X-Forwarded-For is believed
    now: Callable[[], float] = time.time  # tokens expire by it
    ticks: Callable[[], float] = time.monotonic  # failures are limited by it
    compare: Compare = hmac.compare_digest
    failures: "Failures" = field(
        init=False,
        default_factory=lambda: Failures(),  # noqa: PLW0108  # it stands below
    )

    async def allow(self, scope: Scope, role: Role) -> Caller:
        """The caller. Raises ApiProblem: 400, 401, 403 or 429."""
        caller = await self._caller(scope)
        if caller.role < role:
            subject = f"{caller.name} is {caller.role}, not {role}"
            await self._tell(caller.origin, "role.refused", subject)
            detail = f"this takes the role {role}; `{caller.name}` is {caller.role}"
            raise ApiProblem(403, "role_required", detail, needed=role, role=caller.role)
        return caller

    async def tell_folded(self) -> None:
        """Writes what was folded and not told yet; to be called about once a second."""
        for line in self.failures.due(self.ticks()):
            await self._write(line)

    async def _caller(self, scope: Scope) -> Caller:
        """Of this process, as the scope says, or of a token.

        A server makes the scope itself, and what a client sends lands under `headers`, `path` and
        `query_string` only: no request from the network can set a key of ours.
        """
        inside = scope.get(CALLER)
        if isinstance(inside, Caller):
            return inside
        origin = client_address(scope, self.proxies)
        await self._refuse_query(scope, origin)
        outcome, stored = await to_thread.run_sync(self._look_up, _bearer(scope))
        if stored is None or outcome is not Outcome.VALID:
            raise await self._failed(origin, outcome, stored.name if stored else "")
        return Caller(stored.name, stored.role, origin)

    def _look_up(self, text: str) -> tuple[Outcome, StoredToken | None]:
        parts = split(text)
        if parts is None:
            return Outcome.MISSING, None
        stored = self.tokens.find(parts[0])
        return verify(text, stored, self.now(), self.compare), stored

    async def _refuse_query(self, scope: Scope, origin: str) -> None:
        """A token in a URL is in logs and histories: it is refused even if it is right."""
        query = scope["query_string"].decode("latin-1")
        names = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
        if names & _QUERY_NAMES or _LIKE_A_TOKEN.search(unquote_plus(query)):
            await self._tell(origin, "token.in_query", "")
            detail = (
                "a token never stands in a URL: send `Authorization: Bearer`, and revoke this one"
            )
            raise ApiProblem(400, "token_in_query", detail)

    async def _failed(self, origin: str, outcome: Outcome, subject: str) -> ApiProblem:
        """The same answer, whatever was wrong with the token."""
        wait = self.failures.count(origin, self.ticks())
        await self._tell(origin, f"token.{outcome}", subject)
        if wait:
            detail = "too many failed attempts from this address; a valid token is not limited"
            headers = {"Retry-After": str(ceil(wait))}
            return ApiProblem(429, "too_many_failures", detail, headers=headers)
        detail = (
            "send `Authorization: Bearer <token>` with a valid token; `banyan token` makes them"
        )
        return ApiProblem(401, "token_required", detail, headers={"WWW-Authenticate": "Bearer"})

    async def _tell(self, origin: str, action: str, subject: str) -> None:
        line = self.failures.tell((action, origin, subject), self.ticks())
        if line:
            await self._write(line)

    async def _write(self, line: Line) -> None:
        try:
            await to_thread.run_sync(self.audit, *line)
        except BanyanError as error:
            action, origin, subject = line
            _log.warning(
                "audit.lost", action=action, origin=origin, subject=subject, error=str(error)
            )


@dataclass(slots=True)
class _Address:
    left: float = _BURST  # failures that it may make now
    at: float = 0.0  # when that was so
    told: float | None = None  # when its last audit line was written
    folded: int = 0  # attempts that no line has told yet
    last: Line = ("", "", "")  # of those


class Failures:
    """What addresses did wrong lately; of too many, the one that was quiet longest is forgotten."""

    def __init__(self, addresses: int = _ADDRESSES) -> None:
        self._most = addresses
        self._seen: OrderedDict[str, _Address] = OrderedDict()
        self._folded: dict[str, _Address] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def count(self, origin: str, now: float) -> float:
        """One more failure; gives the seconds it comes too early, 0 for in time."""
        seen = self._address(origin)
        seen.left = min(_BURST, seen.left + now - seen.at)
        seen.at = now
        if seen.left < 1:
            return 1 - seen.left
        seen.left -= 1
        return 0.0

    def tell(self, line: Line, now: float) -> Line | None:
        """What to write now; None if the line is folded into a later one of its address."""
        seen = self._address(line[1])
        seen.folded += 1
        seen.last = line
        if seen.told is not None and now - seen.told < _LINE_EVERY:
            self._folded[_key(line[1])] = seen
            return None
        self._folded.pop(_key(line[1]), None)
        return _folded_line(seen, now)

    def due(self, now: float) -> list[Line]:
        """Lines for what was folded and had its second."""
        due = [key for key, seen in self._folded.items() if now - (seen.told or 0) >= _LINE_EVERY]
        return [_folded_line(self._folded.pop(key), now) for key in due]

    def _address(self, origin: str) -> _Address:
        key = _key(origin)
        seen = self._seen.setdefault(key, _Address())
        self._seen.move_to_end(key)
        if len(self._seen) > self._most:
            oldest, _ = self._seen.popitem(last=False)
            self._folded.pop(oldest, None)
        return seen


def client_address(scope: Scope, proxies: tuple[Network, ...]) -> str:
    """The client's address; the peer's if a trusted proxy names none that can be read."""
    peer = str(scope["client"][0]) if scope.get("client") else "unknown"
    told = HeadReader((), proxies).client(scope)
    try:
        return str(ip_address(told))
    except ValueError:
        return peer


def _bearer(scope: Scope) -> str:
    """The token's text; empty if there is none, or more than one."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1:
        return ""
    scheme, _, text = values[0].decode("latin-1").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _key(origin: str) -> str:
    """A client of IPv6 has a whole /64 to choose addresses from: it counts as one."""
    try:
        address = ip_address(origin)
    except ValueError:
        return origin
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False))
    return origin


def _folded_line(seen: _Address, now: float) -> Line:
    action, origin, subject = seen.last
    attempts = f"{seen.folded} attempts; last: " if seen.folded > 1 else ""
    seen.told, seen.folded = now, 0
    return action, origin, f"{attempts}{subject}"
