"""Which methods the app serves on a path, as Flask's `url_map` would tell."""

import re
from functools import cached_property

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Route


class Routes:
    """Routes of `app` as they stand at the first question; Flask, too, takes no later ones."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def methods(self, path: str) -> set[str]:
        """Methods declared for `path` over all its routes; none if it is nobody's or mounted."""
        return {
            method
            for pattern, methods in self._table
            if pattern.fullmatch(path)
            for method in methods
        }

    def allow(self, path: str) -> set[str]:
        """As `methods`, with what Flask adds by itself: HEAD beside GET, and OPTIONS."""
        methods = self.methods(path)
        if "GET" in methods:
            methods.add("HEAD")
        return methods | {"OPTIONS"} if methods else methods

    @cached_property
    def _table(self) -> list[tuple[re.Pattern[str], frozenset[str]]]:
        # app.routes alone would miss what include_router brought: FastAPI resolves it lazily.
        return [
            (context.path_regex, frozenset(context.methods or ()))
            for context in iter_route_contexts(self._app.routes)
            if isinstance(context.original_route, Route)
        ]
