"""One call makes a FastAPI app read requests and answer them as a Flask app does."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Literal, TypedDict, Unpack

from fastapi import FastAPI
from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from gateway.kit.compat import pages
from gateway.kit.compat.behaviours import Behaviour
from gateway.kit.compat.cors import Cors, Resources, cors
from gateway.kit.compat.docs import hide_docs
from gateway.kit.compat.door import front_door
from gateway.kit.compat.endpoints import Endpoints
from gateway.kit.compat.forms import FormLimits
from gateway.kit.compat.hooks import After, Before, after, before
from gateway.kit.compat.methods import automatic_head, automatic_options, method_not_allowed
from gateway.kit.compat.paths import exact_paths, redirect_or_not_found
from gateway.kit.compat.reading import Reading
from gateway.kit.compat.routes import Routes
from gateway.kit.compat.validation import refused

_LIMITS: Final[tuple[Literal["max_form_memory_size", "max_form_parts"], ...]] = (
    "max_form_memory_size",
    "max_form_parts",
)


class Options(TypedDict, total=False):
    """What the Flask app may have set itself; the names are those of Flask and its config."""

    cors: Cors | Resources | None
    """flask-cors's policy, or those of paths (its `resources`), on errors as well; by default none."""
    envelope: pages.Envelope | None
    """The errors' JSON, of apps whose error handlers write it; by default they are pages."""
    before_request: Sequence[Before]
    after_request: Sequence[After]
    allow_nan: bool
    """Whether NaN and Infinity are written as such; else they are a 500. By default they are."""
    max_form_memory_size: int | None
    max_form_parts: int | None


def flask_compatible(
    app: FastAPI, *, without: Collection[Behaviour] = (), **options: Unpack[Options]
) -> None:
    """Make `app` answer as Flask does wherever the framework, not a handler, decides.

    Call it once, before the app serves; routes may come before or after, and from any router.
    Exception handlers of the app's own, added before or after, win over those for errors here.
    """
    if app.middleware_stack is not None:
        raise RuntimeError("flask_compatible(app) comes before the first request")
    wanted = frozenset(Behaviour) - set(without)
    routes = Routes(app, converters=Behaviour.CONVERTERS in wanted)
    if Behaviour.DOCS in wanted:
        hide_docs(app)
    if Behaviour.PATHS in wanted:
        app.router.redirect_slashes = False
        app.router.default = redirect_or_not_found(routes, app.router.default)
    _answer_errors(app, wanted, routes, options.get("envelope"))
    _wrap_router(app, wanted, routes, options)
    _wrap_app(app, wanted, routes, options)


def _answer_errors(
    app: FastAPI,
    wanted: Collection[Behaviour],
    routes: Routes,
    envelope: pages.Envelope | None,
) -> None:
    answer = pages.error_answer(envelope) if Behaviour.PAGES in wanted else http_exception_handler
    if Behaviour.PAGES in wanted:
        _unless_own(app, HTTPException, answer, http_exception_handler)
        if 500 not in app.exception_handlers:
            _unless_own(app, Exception, pages.crash_answer(answer))
    if Behaviour.METHODS in wanted:
        _unless_own(app, 405, method_not_allowed(routes))
    if Behaviour.VALIDATION in wanted:
        handler = refused(unknown_paths=Behaviour.CONVERTERS in wanted)
        default = request_validation_exception_handler
        _unless_own(app, RequestValidationError, handler, default)


def _unless_own(
    app: FastAPI,
    kind: int | type[Exception],
    handler: Callable[..., Awaitable[Response]],
    default: object = None,
) -> None:
    """Leave a handler that the app has added before."""
    if app.exception_handlers.get(kind) in {default, None}:
        app.exception_handler(kind)(handler)


def _wrap_router(
    app: FastAPI, wanted: Collection[Behaviour], routes: Routes, options: Options
) -> None:
    """Put layers inside what handles exceptions, as close to the endpoints as can be."""
    reading = _reading(wanted, options)
    endpoints = Endpoints(app, wanted, reading, allow_nan=options.get("allow_nan", True))
    router = endpoints.layer(app.router.middleware_stack)
    if Behaviour.METHODS in wanted:
        router = automatic_options(router, routes)
    router = before(front_door(router), options.get("before_request", ()), reading)
    app.state.flask_compatible = sorted(wanted)  # the gateway asks, and lets this app say more
    app.router.middleware_stack = router  # type: ignore[assignment]  # any app will do


def _wrap_app(
    app: FastAPI, wanted: Collection[Behaviour], routes: Routes, options: Options
) -> None:
    """Put layers outside all middleware, whenever it is added, and around Starlette's own 500.

    `add_middleware` could do neither: what is added later is further out, and the 500 of an
    unhandled exception is sent past all of it, without CORS headers.
    """
    build = app.build_middleware_stack

    def build_with_layers() -> ASGIApp:
        stack: ASGIApp = build()
        if Behaviour.PAGES in wanted:
            stack = pages.range_pages(stack)
        if Behaviour.METHODS in wanted:
            stack = automatic_head(stack, routes)
        if Behaviour.PATHS in wanted:
            stack = exact_paths(stack, routes)
        stack = after(stack, options.get("after_request", ()), _reading(wanted, options))
        return _with_cors(stack, options.get("cors"))

    app.build_middleware_stack = build_with_layers  # type: ignore[method-assign]


def _reading(wanted: Collection[Behaviour], options: Options) -> Reading:
    limits = {name: options[name] for name in _LIMITS if name in options}
    return Reading(
        query=Behaviour.QUERY in wanted,
        cookies=Behaviour.COOKIES in wanted,
        forms=FormLimits(**limits) if Behaviour.FORMS in wanted else None,
    )


def _with_cors(app: ASGIApp, policy: Cors | Resources | None) -> ASGIApp:
    if policy is None:
        return app
    return cors(app, resources=policy) if isinstance(policy, Mapping) else cors(app, policy)
