"""CORS as flask-cors answers by default: open, echoing the origin, on errors as well.

Starlette's CORSMiddleware answers preflights itself (400 for what it does not know), allows GET
only, writes `*` where flask-cors echoes, and is absent from 500s. May go once browsers are served
under one origin, or with a policy of the app's own.
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.kit.compat.headers import joined_lines

Header = tuple[bytes, bytes]

_METHODS = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_ANY: list[Header] = [(b"access-control-allow-origin", b"*")]


def cors(app: ASGIApp) -> ASGIApp:
    """Add the CORS headers to every answer of `app` that has none yet."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        added = _headers(scope["method"], joined_lines(scope["headers"]))

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                if all(name != b"access-control-allow-origin" for name, _ in headers):
                    message["headers"] = [*headers, *added]
            await send(message)

        await app(scope, receive, send_with_cors)

    return answer


def _headers(method: str, request: Mapping[bytes, bytes]) -> list[Header]:
    origin = request.get(b"origin")
    headers = _ANY.copy() if not origin else [(b"access-control-allow-origin", origin)]
    if request.get(b"access-control-request-private-network") == b"true":
        headers.append((b"access-control-allow-private-network", b"false"))
    if method == "OPTIONS":
        headers += _preflight(request)
    if origin:
        headers.append((b"vary", b"Origin"))
    return headers


def _preflight(request: Mapping[bytes, bytes]) -> list[Header]:
    asked = request.get(b"access-control-request-method", b"").upper()
    if not asked or asked not in _METHODS.split(b", "):
        return []
    names = request.get(b"access-control-request-headers", b"")
    allowed = b", ".join(sorted(name.strip() for name in names.split(b",")))
    headers = [(b"access-control-allow-methods", _METHODS)]
    return [(b"access-control-allow-headers", allowed), *headers] if allowed else headers
