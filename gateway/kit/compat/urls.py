"""`redirect` and `url_for` of Flask: 302 with a page, and paths instead of absolute URLs.

Starlette redirects with 307, which makes a browser send a form a second time. `redirect` may go
once each handler names its status, `url_for` once no client compares or stores the URLs.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote
from weakref import WeakKeyDictionary

import werkzeug.utils
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from werkzeug.routing import Map, Rule

from gateway.kit.compat.wsgi import environ, raw_headers

_PARAMETER = re.compile(r"\{([a-zA-Z_]\w*)(?::(\w+))?\}")
_SAME_CONVERTERS = {"int", "float", "path", "uuid"}
_ANCHOR_SAFE = "%!#$&'()*+,/:;=?@"  # flask.Flask.url_for
_maps: WeakKeyDictionary[Starlette, Map] = WeakKeyDictionary()


def redirect(location: str, code: int = 302) -> Response:
    """What `flask.redirect` answers; a relative `location` stays relative."""
    answer = werkzeug.utils.redirect(location, code)
    response = HTMLResponse(answer.get_data(as_text=True), code)
    response.raw_headers = raw_headers(answer, {})
    return response


def url_for(
    request: Request,
    name: str,
    /,
    *,
    _anchor: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: object,
) -> str:
    """What `flask.url_for` gives for the route `name`; unknown values go to the query.

    The routes are those of the first call. Of a mounted app the value is `filename`, as of Flask's
    static route. Raises werkzeug.routing.BuildError without such a route, or without its values.
    """
    if _scheme is not None and _external is False:
        raise ValueError("When specifying '_scheme', '_external' must be True.")
    app: Starlette = request.app
    if app not in _maps:
        _maps[app] = Map(list(_rules(app)))
    url = (
        _maps[app]
        .bind_to_environ(environ(request.scope))
        .build(name, values, url_scheme=_scheme, force_external=bool(_external or _scheme))
    )
    return url if _anchor is None else f"{url}#{quote(_anchor, _ANCHOR_SAFE)}"


def _rules(app: Starlette) -> Iterator[Rule]:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, Mount):
            yield Rule(f"{_template(route.path)}/<path:filename>", endpoint=route.name)
        elif isinstance(route, Route):
            yield _rule(context)


def _rule(context: RouteContext) -> Rule:
    return Rule(_template(context.path or "/"), endpoint=context.name, methods=context.methods)


def _template(path: str) -> str:
    """Starlette's `/a/{b:int}` as Werkzeug's `/a/<int:b>`; what else is converted is a string."""
    return _PARAMETER.sub(_placeholder, path)


def _placeholder(parameter: re.Match[str]) -> str:
    name, converter = parameter.groups()
    return f"<{converter}:{name}>" if converter in _SAME_CONVERTERS else f"<{name}>"
