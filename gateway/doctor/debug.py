"""Debuggers in an app and in what it is wrapped in: some run code for whoever asks."""

from collections.abc import Iterator
from types import FunctionType, MethodType
from typing import Any, Final

_INNER: Final = ("wsgi_app", "app", "application", "__wrapped__", "__self__", "func")
_MOST: Final = 10_000  # objects looked at


def debuggers(app: Any) -> list[tuple[str, str]]:
    """What was found, and what to do about it; each once."""
    return list(dict.fromkeys(found for one in _chain(app) if (found := _debugger(one))))


def _debugger(app: Any) -> tuple[str, str] | None:
    if _is_werkzeugs(app):
        return (
            "Werkzeug's DebuggedApplication is wrapped around it: its console runs code for anybody",
            "take DebuggedApplication out of the app that is served",
        )
    if _get(app, "debug") is not True:
        return None
    if _get(app, "url_map") is not None:
        return (
            "app.debug is on: with `app.run` or DebuggedApplication clients get a console that runs code",
            "unset FLASK_DEBUG, and set no DEBUG and no app.debug in what is served",
        )
    if _get(app, "routes") is not None:
        return (
            "debug is on: clients see source code in tracebacks",
            "make the app without debug=True",
        )
    return None


def _is_werkzeugs(app: Any) -> bool:
    return any(
        kind.__name__ == "DebuggedApplication" and kind.__module__.startswith("werkzeug.debug")
        for kind in type(app).__mro__
    )


def _chain(app: Any) -> Iterator[Any]:
    """The app, and everything it hands requests on to."""
    waiting, seen = [app], {id(None)}
    while waiting and len(seen) < _MOST:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting.extend(_inner(one))


def _inner(app: Any) -> Iterator[Any]:
    if isinstance(app, FunctionType):
        yield from _closed_over(app)
    for name in _INNER:
        yield _get(app, name)
    if isinstance(app, FunctionType | MethodType | type):
        return
    mounts, routes = _get(app, "mounts"), _get(app, "routes")
    if isinstance(mounts, dict):  # werkzeug.middleware.dispatcher
        yield from mounts.values()
    if isinstance(routes, list):
        yield from routes
    for middleware in _get(app, "user_middleware") or ():  # Starlette's, before the first request
        yield from (_get(middleware, "kwargs") or {}).values()


def _closed_over(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # nothing yet
            continue


def _get(app: Any, name: str) -> Any:
    try:
        return getattr(app, name, None)
    except Exception:  # foreign code: a property, or a proxy outside a request
        return None
