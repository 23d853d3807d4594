"""A small pair with one route for each thing that `banyan routes` knows to say."""

from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI
from flask import Flask
from werkzeug.routing import BaseConverter

from gateway.listing import Kind, Where

# Route → who serves it, and the kinds of its notes.
EXPECTED: Final[dict[str, tuple[Where, set[Kind]]]] = {
    "GET /plain": (Where.BOTH, set()),
    "POST /both": (Where.LEGACY, {Kind.METHODS}),
    "PUT /both": (Where.MODERN, {Kind.METHODS}),
    "GET /typed/{n}": (Where.BOTH, {Kind.CONVERTER}),
    "GET /bounded/{n:int}": (Where.BOTH, {Kind.CONVERTER}),
    "GET /opaque/{n}": (Where.BOTH, {Kind.CONVERTER}),
    "GET /slashed/": (Where.LEGACY, {Kind.SLASH}),
    "GET /either/": (Where.BOTH, {Kind.SLASH}),
    "GET /u/me": (Where.BOTH, {Kind.SHADOWED}),
    "GET /files/list": (Where.LEGACY, {Kind.SWALLOWED}),
    "GET /page/{n:int}": (Where.BOTH, {Kind.REDIRECT}),
    "GET /moved": (Where.LEGACY, {Kind.REDIRECT}),
    "OPTIONS /asked": (Where.BOTH, {Kind.OPTIONS}),
    "GET /docs": (Where.MODERN, {Kind.DOCS}),
    "GET /new": (Where.MODERN, set()),
}


class Even(BaseConverter):
    """Code that reads a text."""

    def to_python(self, value: str) -> int:
        return int(value)


def legacy() -> Flask:
    app = Flask("listed", static_folder=None)
    app.url_map.converters["even"] = Even
    app.add_url_rule("/plain", "plain", _said)
    app.add_url_rule("/both", "both", _said, methods=["GET", "POST"])
    app.add_url_rule("/typed/<n>", "typed", _said)
    app.add_url_rule("/bounded/<int(max=9):n>", "bounded", _said)
    app.add_url_rule("/opaque/<even:n>", "opaque", _said)
    app.add_url_rule("/slashed/", "slashed", _said)
    app.add_url_rule("/either/", "either", _said, strict_slashes=False)
    app.add_url_rule("/u/me", "me", _said)
    app.add_url_rule("/u/<name>", "user", _said)
    app.add_url_rule("/files/list", "files", _said)
    app.add_url_rule("/page/", "page", _said, defaults={"n": 1})
    app.add_url_rule("/page/<int:n>", "page")
    app.add_url_rule("/moved", "moved", _said, redirect_to="/plain")
    app.add_url_rule("/asked", "asked", _said, methods=["GET", "OPTIONS"])
    return app


def by_host() -> Flask:
    app = Flask("hosts", static_folder=None, host_matching=True)
    app.add_url_rule("/plain", "plain", _said, host="a.example")
    return app


def modern() -> FastAPI:
    app = FastAPI()
    for path in ("/plain", "/both", "/slashed", "/either/", "/u/{name}", "/u/me", "/new", "/page/"):
        app.get(path)(_answer)
    app.put("/both")(_answer)
    app.get("/files/{name}")(_answer)
    app.api_route("/asked", methods=["GET", "OPTIONS"])(_answer)

    @app.get("/typed/{n}")
    async def typed(n: UUID) -> None: ...

    @app.get("/bounded/{n}")
    async def bounded(n: int) -> None: ...

    @app.get("/opaque/{n}")
    async def opaque(n: str) -> None: ...

    @app.get("/page/{n}")
    async def page(n: int) -> None: ...

    return app


def _said(**_values: Any) -> str:
    return "said"


async def _answer() -> str:
    return "said"
