"""Paths as Werkzeug reads them: leading slashes merged, other wrong slashes redirected, ends exact.

Starlette redirects with 307 where Flask does with 308, and to paths that Flask calls unknown.

May go once no client sends such paths; the redirect tells them the right one.
"""

import re
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.sansio.utils import get_host

from gateway.kit.compat.headers import header
from gateway.kit.compat.pages import html, markup
from gateway.kit.compat.routes import Routes, listed, route_path

_SLASHES = re.compile("/{2,}")
# What Werkzeug leaves unquoted: https://url.spec.whatwg.org/#url-path-segment-string
_PATH_SAFE = "!$&'()*+,/:;=@"
_QUERY_SAFE = "%!$&'()*+,/:;=?@"


def exact_paths(app: ASGIApp, routes: Routes) -> ASGIApp:
    """Merge leading slashes; keep a trailing line feed from matching a route without it.

    Starlette's patterns end with `$`, which in Python also matches before a last line feed, so
    `/orders%0A` would be served as `/orders`.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope) if scope["type"] == "http" else ""
        if path.startswith("//"):
            root = scope["path"].removesuffix(path)
            path = "/" + path.lstrip("/")
            scope = {**scope, "path": root + path}
        if path.endswith("\n") and "//" not in path and not routes.methods(scope):
            scope = {**scope, "path": f"{scope['path']}\n"}  # `$` forgives one
        await app(scope, receive, send)

    return answer


def redirect_or_not_found(routes: Routes, not_found: ASGIApp) -> ASGIApp:
    """What a router does with a path it does not know.

    It redirects to the path with its slashes merged, or to the one that only lacks its last slash.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await not_found(scope, receive, send)
            return
        merged = _SLASHES.sub("/", route_path(scope))
        allow = routes.allow(merged)
        for path, methods in ((merged, allow), (f"{merged}/", routes.allow(f"{merged}/"))):
            if scope["method"] in methods:
                await moved(scope, path)(scope, receive, send)
                return
        if allow:
            raise HTTPException(405, headers={"Allow": listed(allow)})
        await not_found(scope, receive, send)

    return answer


def moved(scope: Scope, target: str) -> Response:
    """Werkzeug's 308 to a decoded path of this app, or to a URL; the query goes along."""
    query = scope["query_string"].decode("utf-8", "replace")
    root = scope.get("root_path", "").strip("/")
    url = f"{scope['scheme']}://{_host(scope)}{root and '/' + root}{quote(target, _PATH_SAFE)}"
    if "://" in target:
        url, query = target, ""
    link = markup(f"{url}?{query}" if query else url)
    return html(
        "<!doctype html>\n"
        "<html lang=en>\n"
        "<title>Redirecting...</title>\n"
        "<h1>Redirecting...</h1>\n"
        "<p>You should be redirected automatically to the target URL: "
        f'<a href="{link}">{link}</a>. If not, click the link.\n',
        status=308,
        headers={"Location": f"{url}?{quote(query, _QUERY_SAFE)}" if query else url},
    )


def _host(scope: Scope) -> str:
    """The client's Host without a standard port; empty if it is absent or malformed."""
    return get_host(scope["scheme"], header(scope, "host")).lower()
