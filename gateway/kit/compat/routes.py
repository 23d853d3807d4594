"""Which methods the app serves on a path, as Flask's `url_map` would tell."""

import re
from collections.abc import Iterable
from functools import cached_property

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Route
from starlette.types import Scope

from gateway.kit.compat.converters import flask_path


class Routes:
    """Routes of `app` as they stand at the first question; Flask, too, takes no later ones."""

    def __init__(self, app: FastAPI, *, converters: bool) -> None:
        self._app = app
        self._converters = converters

    def methods(self, path: Scope | str) -> set[str]:
        """Methods declared for a path over all its routes; none if it is nobody's or mounted."""
        text = path if isinstance(path, str) else route_path(path)
        matching = (methods for pattern, methods in self._table if pattern.fullmatch(text))
        return set().union(*matching)

    def allow(self, path: Scope | str) -> set[str]:
        """As `methods`, with what Flask adds by itself: HEAD beside GET, and OPTIONS."""
        methods = self.methods(path)
        if "GET" in methods:
            methods.add("HEAD")
        return methods | {"OPTIONS"} if methods else methods

    @cached_property
    def _table(self) -> list[tuple[re.Pattern[str], frozenset[str]]]:
        # app.routes alone would miss what include_router brought: FastAPI resolves it lazily.
        return [
            (self._pattern(context), frozenset(context.methods or ()))
            for context in iter_route_contexts(self._app.routes)
            if isinstance(context.original_route, Route)
        ]

    def _pattern(self, context: RouteContext) -> re.Pattern[str]:
        pattern: re.Pattern[str] = context.path_regex
        by_converters = self._converters and isinstance(context.original_route, APIRoute)
        return flask_path(context)[0] if by_converters else pattern


def route_path(scope: Scope) -> str:
    """The path below `root_path`, which is what routes are matched with."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if f"{path}/".startswith(f"{root}/") else path


def listed(methods: Iterable[str]) -> str:
    """The value of `Allow`."""
    return ", ".join(sorted(methods))
