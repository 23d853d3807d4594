"""One call makes a FastAPI app answer as a Flask app does."""

from collections.abc import Collection
from enum import StrEnum

from fastapi import FastAPI
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from gateway.kit.compat.cors import cors
from gateway.kit.compat.json import FlaskJSONResponse
from gateway.kit.compat.methods import automatic_methods, method_not_allowed
from gateway.kit.compat.pages import error_page, server_error_page
from gateway.kit.compat.paths import exact_paths, redirect_or_not_found
from gateway.kit.compat.routes import Routes
from gateway.kit.compat.validation import refused


class Behaviour(StrEnum):
    """What `flask_compatible` adds; drop one on purpose once no client relies on it."""

    JSON = "json"
    PAGES = "pages"
    METHODS = "methods"
    PATHS = "paths"
    VALIDATION = "validation"
    CORS = "cors"


def flask_compatible(app: FastAPI, *, without: Collection[Behaviour] = ()) -> None:
    """Make `app` answer as Flask does wherever the framework, not a handler, decides.

    Call it before routes are added: they take the JSON class when they are made. Exception
    handlers that the app adds afterwards win over the pages.
    """
    _refuse_routes(app)
    wanted = set(Behaviour) - set(without)
    routes = Routes(app)
    if Behaviour.JSON in wanted:
        app.router.default_response_class = FlaskJSONResponse
    if Behaviour.PAGES in wanted:
        app.exception_handler(HTTPException)(error_page)
        app.exception_handler(Exception)(server_error_page)
    if Behaviour.METHODS in wanted:
        refuse = error_page if Behaviour.PAGES in wanted else http_exception_handler
        app.exception_handler(405)(method_not_allowed(routes, refuse))
    if Behaviour.PATHS in wanted:
        app.router.redirect_slashes = False
        app.router.default = redirect_or_not_found(routes, app.router.default)
    if Behaviour.VALIDATION in wanted:
        app.exception_handler(RequestValidationError)(refused)
    _wrap(app, routes, wanted)


def _refuse_routes(app: FastAPI) -> None:
    contexts = iter_route_contexts(app.routes)
    paths = [context.path for context in contexts if isinstance(context.original_route, APIRoute)]
    if paths:
        raise RuntimeError(
            f"flask_compatible(app) comes before the routes, but {paths[0]} is there already"
        )


def _wrap(app: FastAPI, routes: Routes, wanted: Collection[Behaviour]) -> None:
    """Put the layers outside all middleware, whenever it is added, and around Starlette's own 500.

    `add_middleware` could do neither: what is added later is further out, and the 500 of an
    unhandled exception is sent past all of it, without CORS headers.
    """
    build = app.build_middleware_stack

    def build_with_layers() -> ASGIApp:
        stack = build()
        if Behaviour.METHODS in wanted:
            stack = automatic_methods(stack, routes)
        if Behaviour.PATHS in wanted:
            stack = exact_paths(stack, routes)
        return cors(stack) if Behaviour.CORS in wanted else stack

    app.build_middleware_stack = build_with_layers  # type: ignore[method-assign]
