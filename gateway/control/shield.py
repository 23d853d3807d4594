"""What stands in front of the control plane: against other sites' pages, forged names and huge bodies.

A browser on an operator's machine runs anybody's pages. Such a page may point its own name at us (DNS
rebinding), post a form to us, or put us in a frame: none of this reaches the app.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from gateway.control.problems import ApiProblem
from gateway.head import Header
from gateway.messages import App, Message, Receive, Scope, Send

BODY_LIMIT: Final = 2 << 20  # bytes; a plan of 10 000 routes takes 600 000
_ANY_NAME: Final = frozenset({"/health", "/ready", "/metrics"})  # probes call by address
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST: Final = r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?"
_HOST_ONLY: Final = re.compile(_HOST)
_ORIGIN: Final = re.compile(rf"https?://{_HOST}")
_HEADERS: Final = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    b"form-action 'self'",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
}
_OF_API: Final = {**_HEADERS, b"cache-control": b"no-store"}


class Shield:
    """Answers to `names` only, to its own pages and to programs; adds security headers to every answer."""

    def __init__(self, app: App, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # the server answers 403
        elif scope["type"] == "http":
            await self._http(scope, receive, _with_headers(scope["path"], send))
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] not in _ANY_NAME:
                _check_host(scope["headers"], self._names)
            _check_origin(scope, self._names)
            _check_content_type(scope)
            body = await _read(scope["headers"], receive)
        except ApiProblem as problem:
            await problem.response()(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, _replay(body, receive), send)


def own_names(host: str, names: Iterable[str]) -> frozenset[str]:
    """Host names the control plane answers to: this machine's, its bound address, and those it is told."""
    told = [name for name in (host, *names) if name not in {"", "0.0.0.0", "::", "[::]"}]
    return _OURS | {_spelled(name) for name in told}


def _check_host(headers: Iterable[Header], names: frozenset[str]) -> None:
    hosts = _values(headers, b"host")
    if len(hosts) != 1:
        raise ApiProblem(400, "host_required", f"a request has one `Host`, not {len(hosts)}")
    if _name(_HOST_ONLY, hosts[0]) not in names:
        detail = "not a name of this control plane; BANYAN_CONTROL_NAMES adds names"
        raise ApiProblem(421, "wrong_host", detail)


def _check_origin(scope: Scope, names: frozenset[str]) -> None:
    origins = _values(scope["headers"], b"origin")
    foreign = any(_name(_ORIGIN, origin) not in names for origin in origins)
    cross_site = b"cross-site" in {
        value.lower() for value in _values(scope["headers"], b"sec-fetch-site")
    }
    if foreign or (cross_site and scope["method"] not in _SAFE):
        raise ApiProblem(403, "cross_origin", "pages of other sites may not call this API")


def _check_content_type(scope: Scope) -> None:
    """Forms can be sent across sites without asking; JSON cannot (Fetch standard, CORS safelist)."""
    if scope["method"] in _SAFE:
        return
    headers = scope["headers"]
    types = [
        value.partition(b";")[0].strip().lower() for value in _values(headers, b"content-type")
    ]
    bodyless = not _values(headers, b"transfer-encoding") and set(
        _values(headers, b"content-length")
    ) <= {b"0"}
    if types != [b"application/json"] and (types or not bodyless):
        raise ApiProblem(415, "json_required", "send `Content-Type: application/json`")


async def _read(headers: Iterable[Header], receive: Receive) -> bytes | None:
    """The whole body; None if the client left. Kept in memory: FastAPI would do the same."""
    if any(_over_limit(value) for value in _values(headers, b"content-length")):
        raise _too_large()
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_LIMIT:
            raise _too_large()
    return bytes(body)


def _over_limit(length: bytes) -> bool:
    digits = length.lstrip(b"0")
    return len(digits) > len(str(BODY_LIMIT)) or (digits.isdigit() and int(digits) > BODY_LIMIT)


def _too_large() -> ApiProblem:
    detail = f"a body has at most {BODY_LIMIT} bytes"
    return ApiProblem(413, "body_too_large", detail, headers={"Connection": "close"})


def _replay(body: bytes, receive: Receive) -> Receive:
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return left.pop() if left else await receive()

    return replayed


def _with_headers(path: str, send: Send) -> Send:
    ours = _OF_API if path == "/api" or path.startswith("/api/") else _HEADERS

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            theirs = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ours]
            message = {**message, "headers": [*theirs, *ours.items()]}
        await send(message)

    return wrapped


def _values(headers: Iterable[Header], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


def _name(pattern: re.Pattern[str], value: bytes) -> str | None:
    """The host in it, as `own_names` spells it; None if it is not spelled as one."""
    found = pattern.fullmatch(value.decode("latin-1"))
    return _spelled(found[1]) if found else None


def _spelled(name: str) -> str:
    """Names in lower case, addresses of IPv6 in brackets and as short as can be."""
    try:
        address = ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return name.lower()
    return f"[{address}]" if address.version == 6 else str(address)
