"""Hooks, against Flask's own, on answers of every kind."""

from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from flask import Flask, abort, g, request
from flask.typing import ResponseReturnValue
from starlette.requests import Request as Asked
from starlette.responses import Response

from gateway.kit.compat import Cors, flask_compatible
from gateway.kit.compat.hooks import Head
from gateway.kit.compat.pages import html
from tests.drive import AsgiTarget, Request, WsgiTarget
from tests.kit.equal import comparable

REQUESTS = [
    Request("GET", "/json"),
    Request("GET", "/nope"),
    Request("POST", "/json"),
    Request("GET", "/boom"),
    Request("GET", "/hookstop"),
    Request("GET", "/nope?stop=1"),
    Request("POST", "/json?stop=1"),
    Request("OPTIONS", "/json?stop=1"),
    Request("OPTIONS", "/json"),
    Request("HEAD", "/json"),
    Request("HEAD", "/boom"),
    Request("GET", "/slash"),
    Request("GET", "/json?refuse=1"),
    Request("GET", "/nope?refuse=1"),
    Request("GET", "/json?crash=1"),
    Request("GET", "/json?user=1&user=2"),
]


def flask() -> WsgiTarget:
    app = Flask(__name__, static_folder=None)
    app.logger.disabled = True

    @app.before_request
    def first() -> ResponseReturnValue | None:
        g.user = request.args.get("user", "nobody")
        if "refuse" in request.args:
            abort(403)
        if "crash" in request.args:
            raise ValueError("the reason")
        return None

    @app.before_request
    def second() -> ResponseReturnValue | None:
        stop = request.path == "/hookstop" or "stop" in request.args
        return ("stopped", 418) if stop else None

    @app.after_request
    def last(response: Any) -> Any:
        response.headers["X-After"] += " last"
        response.headers["X-Status"] = response.status_code
        return response

    @app.after_request
    def early(response: Any) -> Any:
        response.headers["X-After"] = f"early {g.user}"
        if response.status_code == 403:
            response.status_code = 404
        return response

    app.get("/json")(lambda: {"a": 1})
    app.get("/slash/", endpoint="slash")(dict)
    app.get("/boom")(flask_boom)
    return WsgiTarget(app)


def flask_boom() -> ResponseReturnValue:
    raise ValueError("the reason")


async def first(request: Asked) -> Response | None:
    request.state.user = request.query_params.get("user", "nobody")
    if "refuse" in request.query_params:
        raise HTTPException(403)
    if "crash" in request.query_params:
        raise ValueError("the reason")
    return None


async def second(request: Asked) -> Response | None:
    stop = request.url.path == "/hookstop" or "stop" in request.query_params
    return html("stopped", status=418) if stop else None


async def last(request: Asked, head: Head) -> None:
    head.headers["X-After"] += " last"
    head.headers["X-Status"] = str(head.status)


async def early(request: Asked, head: Head) -> None:
    head.headers["X-After"] = f"early {request.state.user}"
    if head.status == 403:
        head.status = 404


def fastapi() -> AsgiTarget:
    app = FastAPI()
    flask_compatible(app, before_request=(first, second), after_request=(last, early))

    @app.get("/json")
    async def json() -> dict[str, int]:
        return {"a": 1}

    @app.get("/slash/")
    async def slash() -> dict[str, int]:
        return {}

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("the reason")

    return AsgiTarget(app)


@pytest.mark.parametrize("one", REQUESTS, ids=lambda one: f"{one.method} {one.target}")
async def test_p108_hooks_run_for_every_answer_as_in_flask(one: Request) -> None:
    expected = await flask().send(one)
    assert comparable(await fastapi().send(one)) == comparable(expected)


async def test_p044_a_hook_reaches_a_crash_in_middleware() -> None:
    app = FastAPI()

    async def mark(_request: Asked, head: Head) -> None:
        head.headers["X-After"] = "1"

    flask_compatible(app, cors=Cors(), after_request=(mark,))

    class Crashing:
        def __init__(self, app: Any) -> None:
            pass

        async def __call__(self, *_asgi: Any) -> None:
            raise ValueError("the reason")

    app.add_middleware(Crashing)
    answer = await AsgiTarget(app).send(Request("GET", "/", {"Origin": "https://a.example"}))
    assert (answer.status, answer.header("x-after")) == (500, "1")
    assert answer.header("access-control-allow-origin") == "https://a.example"
