"""A Flask app with rules of every kind, and its port to FastAPI with the kit and without."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from flask import Flask, Response
from starlette.responses import Response as Answer
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from werkzeug.routing import BaseConverter

from gateway.kit.compat import flask_compatible
from gateway.kit.compat.hooks import Head

FILES: Final[dict[str, bytes]] = {"a.txt": b"hello static\n"}
FAILS: Final = "x-fail"  # a header that makes modern's views fail


class Letters(BaseConverter):
    """A converter of the app's own that no code has to ask."""

    regex = "[a-z]{2}"


def legacy() -> Flask:
    """Every answer carries `X-After`."""
    app = Flask("door", static_folder=None)
    app.url_map.converters["letters"] = Letters
    for rule, options in _RULES.items():
        _add(app, rule, **options)
    app.add_url_rule("/named", endpoint="named", view_func=_view("named"))
    app.add_url_rule("/alias", endpoint="named", alias=True)
    app.add_url_rule("/page/", endpoint="page", view_func=_view("page"), defaults={"n": 1})
    app.add_url_rule("/page/<int:n>", endpoint="page")
    app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=_file)

    @app.after_request
    def after(response: Response) -> Response:
        response.headers["X-After"] = "1"
        return response

    return app


_RULES: Final[dict[str, dict[str, Any]]] = {
    "/": {},
    "/json": {},
    "/only-post": {"methods": ["POST"]},
    "/two": {},
    "/two ": {"methods": ["POST", "PUT"]},
    "/slash/": {"methods": ["GET", "POST"]},
    "/noslash": {},
    "/either/": {"strict_slashes": False},
    "/items/<int:i>": {"methods": ["GET", "DELETE"]},
    "/items/<int:i>/parts/": {},
    "/fixed/<int(fixed_digits=3):n>": {},
    "/range/<int(min=2, max=9):n>": {},
    "/fl/<float:x>": {},
    "/uu/<uuid:u>": {},
    "/opt/<any(a, b):x>": {},
    "/len/<string(length=2):x>": {},
    "/own/<letters:x>": {},
    "/name/<name>": {},
    "/u/<name>": {},
    "/u/me": {},
    "/path/<path:p>": {},
    "/path/<path:p>/edit": {},
    "/moved": {"redirect_to": "/json"},
    "/moved/<int:i>": {"redirect_to": "/items/<i>"},
    "/asked": {"methods": ["GET", "OPTIONS"]},
    "/silent": {"provide_automatic_options": False},
}


class Modern(FastAPI):
    """Records what it is asked for: method, path and raw path, before anything of its own sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked.append((scope["method"], scope["path"], scope["raw_path"]))
        await super().__call__(scope, receive, send)


def modern() -> Modern:
    """The port without the kit."""
    return _port(kit=False)


def modern_with_kit() -> Modern:
    return _port(kit=True)


def _port(*, kit: bool) -> Modern:
    app = Modern()
    if kit:
        flask_compatible(app, after_request=[_after])

    @app.api_route("/items/{i}", methods=["GET", "DELETE"])
    async def item(request: Request, i: int) -> PlainTextResponse:
        return _answered(request, "/items/<int:i>", [i])

    @app.get("/fl/{x}")
    async def fl(request: Request, x: float) -> PlainTextResponse:
        return _answered(request, "/fl/<float:x>", [x])

    @app.get("/uu/{u}")
    async def uu(request: Request, u: UUID) -> PlainTextResponse:
        return _answered(request, "/uu/<uuid:u>", [u])

    app.router.routes += [
        Route(template, _endpoint(name), methods=methods) for template, name, methods in _ROUTES
    ]
    app.mount("/static", _static)
    return app


_ROUTES: Final[Sequence[tuple[str, str, list[str]]]] = (
    ("/", "/", ["GET"]),
    ("/json", "/json", ["GET"]),
    ("/only-post", "/only-post", ["POST"]),
    ("/two", "/two", ["GET"]),
    ("/two", "/two ", ["POST", "PUT"]),
    ("/slash/", "/slash/", ["GET", "POST"]),
    ("/noslash", "/noslash", ["GET"]),
    ("/either/", "/either/", ["GET"]),
    ("/items/{i:int}/parts/", "/items/<int:i>/parts/", ["GET"]),
    ("/fixed/{n:int}", "/fixed/<int(fixed_digits=3):n>", ["GET"]),
    ("/range/{n:int}", "/range/<int(min=2, max=9):n>", ["GET"]),
    ("/opt/{x}", "/opt/<any(a, b):x>", ["GET"]),
    ("/len/{x}", "/len/<string(length=2):x>", ["GET"]),
    ("/own/{x}", "/own/<letters:x>", ["GET"]),
    ("/name/{name}", "/name/<name>", ["GET"]),
    ("/u/me", "/u/me", ["GET"]),
    ("/u/{name}", "/u/<name>", ["GET"]),
    ("/path/{p:path}/edit", "/path/<path:p>/edit", ["GET"]),
    ("/path/{p:path}", "/path/<path:p>", ["GET"]),
    ("/asked", "/asked", ["GET", "OPTIONS"]),
    ("/silent", "/silent", ["GET"]),
    ("/named", "named", ["GET"]),
    ("/page/", "page", ["GET"]),
    ("/page/{n:int}", "page", ["GET"]),
)


def _add(app: Flask, rule: str, **options: Any) -> None:
    """A space at the end makes a second view of one path."""
    app.add_url_rule(rule.strip(), endpoint=rule, view_func=_view(rule), **options)


def _view(name: str) -> Any:
    def view(**values: object) -> Response:
        return Response(_text(name, list(values.values())), mimetype="text/plain")

    return view


def _file(filename: str) -> Response | tuple[Response, int]:
    content = FILES.get(filename)
    if content is None:
        return Response("no file", mimetype="text/plain"), 404
    return Response(content, mimetype="text/plain")


async def _static(scope: Scope, receive: Receive, send: Send) -> None:
    content = FILES.get(scope["path"].removeprefix("/static/"))
    answer = PlainTextResponse(
        "no file" if content is None else content, 404 if content is None else 200
    )
    await answer(scope, receive, send)


def _endpoint(name: str) -> Any:
    async def endpoint(request: Request) -> Answer:
        values = list(request.path_params.values())
        return _answered(request, name, values or ([1] if name == "page" else []))

    return endpoint


def _answered(request: Request, name: str, values: list[object]) -> PlainTextResponse:
    failed = FAILS in request.headers
    return PlainTextResponse(_text(name, values), 503 if failed else 200)


def _text(name: str, values: list[object]) -> str:
    return f"{name} {[str(value) for value in values]}"


async def _after(_request: Request, head: Head) -> None:
    head.headers["X-After"] = "1"
