"""An app below a prefix, mounted or told by its server, against Flask under Werkzeug's dispatcher."""

from collections.abc import Callable
from functools import cache

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from gateway.kit.compat import flask_compatible
from tests.drive import AsgiTarget, Request, WsgiTarget
from tests.kit.equal import comparable, quiet_flask

TARGETS = [
    "/sub/",
    "/sub//",
    "/sub/x",
    "/sub//x",
    "/sub///x",
    "/sub/s",
    "/sub/s/",
    "/sub/s//",
    "/sub/x/",
    "/sub/nope",
    "/sub/x%0A",
]


@cache
def flask_app() -> WsgiTarget:
    app = quiet_flask(__name__)
    for rule in ("/", "/x", "/s/"):
        app.get(rule, endpoint=rule)(lambda: "here")
    outside = Flask("outside", static_folder=None)
    return WsgiTarget(DispatcherMiddleware(outside, {"/sub": app}))


@cache
def fastapi_app() -> FastAPI:
    app = FastAPI()
    flask_compatible(app)
    for path in ("/", "/x", "/s/"):
        app.get(path)(lambda: "here")
    return app


def mounted() -> ASGIApp:
    outside = FastAPI()
    outside.mount("/sub", fastapi_app())
    return outside


def told() -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await fastapi_app()({**scope, "root_path": "/sub"}, receive, send)

    return answer


@pytest.mark.parametrize("app", [mounted, told])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
@pytest.mark.parametrize("target", TARGETS)
async def test_p004_to_p007_slashes_below_a_prefix_are_those_of_flask(
    app: Callable[[], ASGIApp], method: str, target: str
) -> None:
    request = Request(method, target)
    expected = await flask_app().send(request)
    assert comparable(await AsgiTarget(app()).send(request)) == comparable(expected)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT"])
async def test_p004_the_prefix_alone_lacks_its_slash(method: str) -> None:
    request = Request(method, "/sub")
    expected = await flask_app().send(request)
    assert comparable(await AsgiTarget(told()).send(request)) == comparable(expected)
