"""One call makes a FastAPI app read requests and answer them as a Flask app does."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal, TypedDict, Unpack

from fastapi import FastAPI
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from gateway.kit.compat import pages
from gateway.kit.compat.behaviours import Behaviour
from gateway.kit.compat.cors import Cors, Text, cors
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

    cors: Cors | Mapping[Text, Cors] | None
    """One policy, or those of paths, as flask-cors's `resources`; by default everything is open."""
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
    Exception handlers that the app adds afterwards win over those for errors here.
    """
    if app.middleware_stack is not None:
        raise RuntimeError("flask_compatible(app) comes before the first request")
    wanted = frozenset(Behaviour) - set(without)
    routes = Routes(app)
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
    answer: pages.Handler = http_exception_handler
    if Behaviour.PAGES in wanted:
        answer = pages.error_answer(envelope)
        app.exception_handler(HTTPException)(answer)
        app.exception_handler(Exception)(pages.crash_answer(envelope))
    if Behaviour.METHODS in wanted:
        app.exception_handler(405)(method_not_allowed(routes, answer))
    if Behaviour.VALIDATION in wanted:
        app.exception_handler(RequestValidationError)(refused(answer))


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
            stack = pages.range_pages(stack, pages.error_answer(options.get("envelope")))
        if Behaviour.METHODS in wanted:
            stack = automatic_head(stack, routes)
        if Behaviour.PATHS in wanted:
            stack = exact_paths(stack, routes)
        stack = after(stack, options.get("after_request", ()), _reading(wanted, options))
        return _with_cors(stack, options.get("cors")) if Behaviour.CORS in wanted else stack

    app.build_middleware_stack = build_with_layers  # type: ignore[method-assign]


def _reading(wanted: Collection[Behaviour], options: Options) -> Reading:
    limits = {name: options[name] for name in _LIMITS if name in options}
    return Reading(
        query=Behaviour.QUERY in wanted,
        cookies=Behaviour.COOKIES in wanted,
        forms=FormLimits(**limits) if Behaviour.FORMS in wanted else None,
    )


def _with_cors(app: ASGIApp, policy: Cors | Mapping[Text, Cors] | None) -> ASGIApp:
    if isinstance(policy, Mapping):
        return cors(app, resources=policy)
    return cors(app) if policy is None else cors(app, policy)
