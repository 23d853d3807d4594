"""CORS as flask-cors 6 answers: by default open, echoing the origin, on errors as well.

Starlette's CORSMiddleware answers preflights itself (400 for what it does not know), allows GET
only, writes `*` where flask-cors echoes, and is absent from 500s. May go once browsers are served
under one origin, or with a policy of the app's own.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.compat.headers import joined_lines
from gateway.kit.compat.routes import route_path

Header = tuple[bytes, bytes]
Text = str | re.Pattern[str]

_PATTERNS_HAVE = frozenset(
    "*\\]?$^[]()"
)  # flask-cors takes a string with one of them for a pattern


@dataclass(frozen=True, slots=True)
class Cors:
    """The options of flask-cors under their names, with their defaults; `max_age` in seconds.

    A pattern is matched with the beginning of an origin or header, in either case; end one with
    `$` unless you mean that. `automatic_options` and `intercept_exceptions` are always on.
    """

    origins: Text | Iterable[Text] = "*"
    methods: str | Iterable[str] | None = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    allow_headers: Text | Iterable[Text] = "*"
    expose_headers: str | Iterable[str] | None = None
    supports_credentials: bool = False
    max_age: timedelta | int | str | None = None
    send_wildcard: bool = False
    vary_header: bool = True
    always_send: bool = True
    allow_private_network: bool = False


Resources = Mapping[str, Cors] | Mapping[re.Pattern[str], Cors] | Mapping[Text, Cors]
"""Paths and the policies of each; three types, because a Mapping is invariant in its keys."""

_OPEN = Cors()


def cors(app: ASGIApp, policy: Cors = _OPEN, resources: Resources | None = None) -> ASGIApp:
    """Add the CORS headers of `policy` to every answer of `app` that has none yet.

    With `resources`, paths and the policies of each, `policy` counts for nothing: the first path
    that matches decides, literal ones before patterns and long ones before short.
    """
    rules = _rules({"*": policy} if resources is None else resources)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        rule = _rule(rules, scope) if scope["type"] == "http" else None
        if rule is None:
            await app(scope, receive, send)
            return
        added = _headers(rule, scope["method"], _decoded(scope["headers"]))

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                if not any(n == b"access-control-allow-origin" and value for n, value in headers):
                    message["headers"] = [*headers, *added]
            await send(message)

        await app(scope, receive, send_with_cors)

    return answer


@dataclass(frozen=True, slots=True)
class _Rule:
    """A policy with its patterns compiled and its lists written out."""

    policy: Cors
    origins: tuple[Text, ...]
    any_origin: bool
    allow_headers: tuple[Text, ...]
    methods: str
    expose_headers: str
    max_age: str


def _rules(resources: Resources) -> list[tuple[Text, _Rule]]:
    paths = sorted(((_anything(path), policy) for path, policy in resources.items()), key=_rank)
    return [(_compiled(path), _compile(policy)) for path, policy in paths]


def _rank(resource: tuple[Text, Cors]) -> tuple[int, int, int]:
    path, _ = resource
    text, kind = (path, int(_is_pattern(path)) * 2) if isinstance(path, str) else (path.pattern, 1)
    return kind, -text.count("/"), -len(text)


def _compile(policy: Cors) -> _Rule:
    origins = [_anything(origin) for origin in _each(policy.origins)]
    any_origin = ".*" in origins
    if any_origin and policy.supports_credentials and policy.send_wildcard:
        raise ValueError("supports_credentials and the wildcard of any origin exclude each other")
    max_age = policy.max_age
    if isinstance(max_age, timedelta):
        max_age = str(int(max_age.total_seconds()))
    return _Rule(
        policy=policy,
        origins=tuple(_compiled(origin, re.IGNORECASE) for origin in origins),
        any_origin=any_origin,
        allow_headers=tuple(
            _compiled(_anything(name), re.IGNORECASE) for name in _each(policy.allow_headers)
        ),
        methods=_listed(policy.methods).upper(),
        expose_headers=_listed(policy.expose_headers),
        max_age=str(max_age or ""),
    )


def _each(texts: Text | Iterable[Text]) -> list[Text]:
    return [texts] if isinstance(texts, str | re.Pattern) else list(texts)


def _anything(text: Text) -> Text:
    return ".*" if text == "*" else text


def _is_pattern(text: str) -> bool:
    return not _PATTERNS_HAVE.isdisjoint(text)


def _compiled(text: Text, flags: re.RegexFlag = re.NOFLAG) -> Text:
    return re.compile(text, flags) if isinstance(text, str) and _is_pattern(text) else text


def _listed(texts: str | Iterable[str] | None) -> str:
    return (texts or "") if isinstance(texts, str | None) else ", ".join(sorted(texts))


def _rule(rules: list[tuple[Text, _Rule]], scope: Scope) -> _Rule | None:
    path = unquote("/" + route_path(scope).lstrip("/"))  # flask-cors decodes it once more
    for resource, rule in rules:
        if resource.match(path) if isinstance(resource, re.Pattern) else resource == path:
            return rule
    return None


def _decoded(headers: Iterable[Header]) -> dict[str, str]:
    lines = joined_lines(list(headers))
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in lines.items()}


def _headers(rule: _Rule, method: str, request: Mapping[str, str]) -> list[Header]:
    origins = _allowed_origins(rule, request.get("origin", ""))
    if not origins:
        return []
    values = {
        "access-control-allow-origin": origins[0],
        "access-control-expose-headers": rule.expose_headers,
        "access-control-allow-credentials": "true" if rule.policy.supports_credentials else "",
        "vary": "Origin" if _varies(rule, origins) else "",
    }
    if request.get("access-control-request-private-network") == "true":
        allowed = rule.policy.allow_private_network
        values["access-control-allow-private-network"] = "true" if allowed else "false"
    if method == "OPTIONS":
        values |= _preflight(rule, request)
    return [(name.encode(), value.encode("latin-1")) for name, value in values.items() if value]


def _allowed_origins(rule: _Rule, origin: str) -> list[str]:
    """The first is sent; that there are more decides about `Vary`."""
    if origin:
        if rule.any_origin and rule.policy.send_wildcard:
            return ["*"]
        return [origin] if _matches(origin, rule.origins) else []
    if not rule.policy.always_send:
        return []
    if rule.any_origin:
        return [] if rule.policy.supports_credentials else ["*"]
    return sorted(text for text in rule.origins if isinstance(text, str))


def _varies(rule: _Rule, sent: list[str]) -> bool:
    if not rule.policy.vary_header or sent[0] == "*":
        return False
    return len(rule.origins) > 1 or any(isinstance(text, re.Pattern) for text in rule.origins)


def _preflight(rule: _Rule, request: Mapping[str, str]) -> dict[str, str]:
    asked = request.get("access-control-request-method", "").upper()
    if not asked or asked not in rule.methods:  # as flask-cors: a part of a name will do
        return {}
    names = request.get("access-control-request-headers", "")
    stripped = [name.strip() for name in names.split(",")] if names else []
    allowed = [name for name in stripped if _matches(name, rule.allow_headers)]
    return {
        "access-control-allow-headers": ", ".join(sorted(allowed)),
        "access-control-max-age": rule.max_age,
        "access-control-allow-methods": rule.methods,
    }


def _matches(value: str, texts: Iterable[Text]) -> bool:
    return any(
        bool(text.match(value))
        if isinstance(text, re.Pattern)
        else text.casefold() == value.casefold()
        for text in texts
    )
