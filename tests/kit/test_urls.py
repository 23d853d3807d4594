"""Redirects and URLs of the kit against those of Flask."""

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

import flask
import pytest
from fastapi import APIRouter, FastAPI
from fastapi import Request as FastAPIRequest
from fastapi.responses import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from werkzeug.routing import BuildError

from gateway.kit.compat import flask_compatible
from gateway.kit.compat.files import static_files
from gateway.kit.compat.urls import redirect, url_for
from tests.drive import AsgiTarget, Request
from tests.kit.equal import both, quiet_flask

LOCATIONS = [
    "/json",
    "/json?a=é b",
    "json",
    "../x",
    "https://b.example/ü?q=%20%2F#é",
    "http://bücher.example/",
    '/<a href="x">&\'',
    "",
    "//b.example",
]


def fastapi_app() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    flask_compatible(app)
    return app


async def assert_same_redirect(location: str, code: int) -> None:
    flask_app, app = quiet_flask(__name__), fastapi_app()
    flask_app.add_url_rule("/go", "go", lambda: flask.redirect(location, code))
    app.add_api_route("/go", lambda: redirect(location, code), response_class=Response)
    ours, flasks = await both(flask_app, AsgiTarget(app), Request("GET", "/go"))
    assert ours == flasks


@pytest.mark.parametrize("location", LOCATIONS)
async def test_p092_a_redirect_is_the_answer_of_flask(location: str) -> None:
    await assert_same_redirect(location, 302)


@pytest.mark.parametrize("code", [301, 303, 307, 308])
async def test_p092_the_status_may_be_another(code: int) -> None:
    await assert_same_redirect("/json", code)


@settings(deadline=None)  # the first example builds the apps
@given(st.text(st.characters(codec="utf-8"), max_size=8))
async def test_p092_any_location_is_encoded_as_flask_encodes_it(text: str) -> None:
    await assert_same_redirect(f"/x{text}", 302)  # a host that is none crashes the server


Build = Callable[[Callable[..., str]], str]
SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "scheme": "http",
    "path": "/",
    "query_string": b"",
    "headers": [],
}
U = UUID("12345678-1234-5678-1234-567812345678")
CALLS: dict[str, Build] = {
    "no values": lambda url: url("json"),
    "a value": lambda url: url("item", item_id=1),
    "external": lambda url: url("item", item_id=1, _external=True),
    "not external": lambda url: url("item", item_id=1, _external=False),
    "scheme": lambda url: url("json", _scheme="https", _external=True),
    "scheme alone": lambda url: url("json", _scheme="https"),
    "anchor": lambda url: url("json", _anchor="a b/é?#%"),
    "empty anchor": lambda url: url("json", _anchor=""),
    "to the query": lambda url: url("json", a="é b&/", b=[1, 2], c=None, d=True),
    "query and anchor": lambda url: url("item", item_id=2, page=1, _anchor="x"),
    "text": lambda url: url("name", name="a/b ü?#%;=&+"),
    "number as text": lambda url: url("name", name=5),
    "path": lambda url: url("deep", rest="a/b c//d"),
    "float": lambda url: url("measure", x=1.5),
    "float of a whole number": lambda url: url("measure", x=2),
    "uuid": lambda url: url("one", u=U),
    "two methods": lambda url: url("put_item", item_id=3),
    "one name, two routes": lambda url: url("twice"),
    "of a router": lambda url: url("inside", item_id=3),
    "static": lambda url: url("static", filename="css/a b.css"),
    "static with a version": lambda url: url("static", filename="a.css", v=2),
}


def flask_urls(build: Build) -> flask.Flask:
    app = flask.Flask(__name__, static_folder="anywhere", static_url_path="/static")
    app.logger.disabled = True
    app.logger.propagate = False
    app.add_url_rule("/json", "json", lambda: build(flask.url_for))
    for rule, name, methods in (
        ("/items/<int:item_id>", "item", ["GET"]),
        ("/items/<int:item_id>", "put_item", ["PUT"]),
        ("/twice/post", "twice", ["POST"]),
        ("/twice", "twice", ["GET"]),
        ("/name/<name>", "name", ["GET"]),
        ("/path/<path:rest>", "deep", ["GET"]),
        ("/fl/<float:x>", "measure", ["GET"]),
        ("/uu/<uuid:u>", "one", ["GET"]),
        ("/in/<int:item_id>/ü x", "inside", ["GET"]),
    ):
        app.add_url_rule(rule, name, methods=methods)
    return app


def fastapi_urls(build: Build) -> FastAPI:
    app, router = fastapi_app(), APIRouter(prefix="/in")

    def get_json(request: FastAPIRequest) -> Response:
        return Response(build(lambda *names, **values: url_for(request, *names, **values)), 200, {})

    app.add_api_route("/json", get_json, name="json")
    for path, name, methods in (
        ("/items/{item_id}", "item", ["GET"]),
        ("/items/{item_id}", "put_item", ["PUT"]),
        ("/twice/post", "twice", ["POST"]),
        ("/twice", "twice", ["GET"]),
        ("/name/{name}", "name", ["GET"]),
        ("/path/{rest:path}", "deep", ["GET"]),
        ("/fl/{x:float}", "measure", ["GET"]),
        ("/uu/{u}", "one", ["GET"]),
    ):
        app.add_api_route(path, lambda: None, name=name, methods=methods)
    router.add_api_route("/{item_id}/ü x", lambda: None, name="inside")
    app.include_router(router)
    app.mount("/static", static_files("/anywhere"), name="static")
    return app


async def assert_same_url(build: Build, headers: dict[str, str]) -> None:
    target = AsgiTarget(fastapi_urls(build))
    ours, flasks = await both(flask_urls(build), target, Request("GET", "/json", headers))
    assert (ours[0], ours[2]) == (flasks[0], flasks[2])
    assert ours[0] == 200


@pytest.mark.parametrize("host", ["A.example", "a.example:80", "a.example:8080", "[::1]:8000"])
@pytest.mark.parametrize("call", CALLS)
async def test_p093_a_url_is_flasks(call: str, host: str) -> None:
    await assert_same_url(CALLS[call], {"Host": host})


@cache
def urls() -> tuple[flask.Flask, FastAPI]:
    return flask_urls(str), fastapi_urls(str)


@settings(deadline=None)  # the first example builds the apps
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=6))
async def test_p093_any_text_is_quoted_as_flask_quotes_it(text: str) -> None:
    oracle, app = urls()
    request = FastAPIRequest({**SCOPE, "app": app})
    with oracle.test_request_context():
        expected = flask.url_for("name", name=text, q=text, _anchor=text)
    assert url_for(request, "name", name=text, q=text, _anchor=text) == expected


async def test_p093_urls_lie_below_the_root_path() -> None:
    app = fastapi_urls(lambda url: url("item", item_id=1) + url("item", item_id=1, _external=True))

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": "/p"}, receive, send)

    answer = await AsgiTarget(below).send(Request("GET", "/p/json"))
    assert answer.body == b"/p/items/1http://api.example/p/items/1"


@pytest.mark.parametrize(
    "build",
    [
        lambda url: url("nope"),
        lambda url: url("item"),
        lambda url: url("json", _scheme="https", _external=False),
    ],
)
async def test_p093_what_cannot_be_built_is_an_error_as_in_flask(build: Build) -> None:
    request = Request("GET", "/json")
    ours, flasks = await both(flask_urls(build), AsgiTarget(fastapi_urls(build)), request)
    assert ours == flasks
    assert ours[0] == 500


def test_p093_an_unknown_name_is_told() -> None:
    with pytest.raises(BuildError, match="Could not build url for endpoint 'jsn'"):
        url_for(FastAPIRequest({**SCOPE, "app": fastapi_urls(str)}), "jsn")
