"""The one place where every endpoint of an app gets Flask's way of reading and answering.

FastAPI offers three ways in. A dependency of the whole app runs after the body is read, and cannot
touch the answer. A `route_class`, with its `get_route_handler`, can do both, but each router has to
be made with it, also those of other people. So this walks the routes as they stand, those of
included routers with their contexts, and builds each handler again as `get_route_handler` does,
from a copy of what the route declares. FastAPI makes one context per inclusion, so a router that
another app includes as well stays plain there, and the schema is still made from what was declared.
Websockets, mounts and plain Starlette routes are left alone, route classes of the app's own work.

This leans on four private names of FastAPI 0.165, imported here and nowhere else. May go with the
last of the behaviours that it serves.
"""

from collections.abc import Awaitable, Callable, Collection
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import FastAPI
from fastapi._body_limit import wrap_app_with_body_limit
from fastapi.datastructures import DefaultPlaceholder
from fastapi.exceptions import RequestValidationError
from fastapi.routing import (
    APIRoute,
    _effective_route_context_var,
    iter_route_contexts,
    request_response,
)
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.kit.compat.answering import FlaskTypes, response_class, typed_as_flask
from gateway.kit.compat.behaviours import Behaviour
from gateway.kit.compat.converters import flask_path
from gateway.kit.compat.fields import flask_fields, json_body
from gateway.kit.compat.json import FlaskJSONResponse, is_json
from gateway.kit.compat.reading import READING, FlaskRequest, Reading

Handler = Callable[[Request], Awaitable[Response]]

# flask.Request.on_json_loading_failed (Flask 3.1)
NOT_JSON = (
    "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
)


@dataclass(eq=False)
class Endpoints:
    """The endpoints of `app`, each built again once; as an ASGI layer also those added later."""

    app: FastAPI
    wanted: Collection[Behaviour]
    reading: Reading
    allow_nan: bool
    _version: int = -1
    _rebuilt: set[ASGIApp] = field(default_factory=set)

    def layer(self, router: ASGIApp) -> ASGIApp:
        """`router` with its endpoints up to date before each request."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            version = self.app.router._get_routes_version()  # noqa: SLF001 (FastAPI asks it, too)
            if version != self._version:
                self._rebuild_all()
                self._version = version
            await router(scope, receive, send)

        return answer

    def _rebuild_all(self) -> None:
        routes = self.app.router.routes
        for index, route in enumerate(routes):
            if isinstance(route, APIRoute) and route.app not in self._rebuilt:
                own = routes[index] = copy(route)  # it may be another app's as well
                self._rebuild(route, own)
        for found in iter_route_contexts(routes):
            context = found._route_context  # noqa: SLF001 (the only way to what will be called)
            route = found.original_route
            if context is None or not isinstance(route, APIRoute):
                continue
            if context.app not in self._rebuilt:
                self._rebuild(route, context)

    def _rebuild(self, route: APIRoute, declared: Any) -> None:
        """`declared` is the route or its context: both have the same attributes, and no type."""
        if Behaviour.CONVERTERS in self.wanted:
            declared.path_regex, declared.param_convertors = flask_path(declared)
        view = copy(declared)
        view.original_route = route
        view.dependant = flask_fields(declared.dependant, self.wanted)
        self._answer_as_flask(view)
        token = _effective_route_context_var.set(view)
        try:
            handler = route.get_route_handler()
        finally:
            _effective_route_context_var.reset(token)
        json = Behaviour.BODIES in self.wanted and json_body(declared.body_field)
        app = request_response(self._handler(handler, replace(self.reading, json_body=json)))
        declared.app = wrap_app_with_body_limit(app, view.max_body_size)
        self._rebuilt.add(declared.app)

    def _answer_as_flask(self, view: Any) -> None:
        unnamed = isinstance(view.response_class, DefaultPlaceholder)
        flask = not unnamed and issubclass(view.response_class, FlaskJSONResponse)
        if Behaviour.TYPES in self.wanted and (unnamed or flask):
            view.response_field = FlaskTypes(view.response_field)
        if unnamed:
            view.response_class = response_class(self.wanted, allow_nan=self.allow_nan)

    def _handler(self, handler: Handler, reading: Reading) -> Handler:
        texts = Behaviour.TEXTS in self.wanted

        async def handle(request: Request) -> Response:
            request.scope[READING] = reading
            request.__class__ = FlaskRequest  # not another: exception handlers ask it as well
            try:
                response = await handler(request)
            except RequestValidationError as error:
                if reading.json_body and _of_another_type(request, error):
                    raise HTTPException(415, NOT_JSON) from error
                raise
            return typed_as_flask(response) if texts else response

        return handle


def _of_another_type(request: Request, error: RequestValidationError) -> bool:
    in_body = any(part["loc"][0] == "body" for part in error.errors())
    return in_body and not is_json(request.headers.get("content-type"))
