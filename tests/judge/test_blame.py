"""What went wrong in an app, as a gateway around it knows."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI, HTTPException, Request
from flask import Flask, abort, jsonify, request
from starlette.responses import JSONResponse

from gateway.dispatch import Dispatch
from gateway.exchange import Exchange
from gateway.head import HeadReader, UnitSource
from gateway.override import Overrides
from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.stacks.wsgi.bridge import WSGIStack
from gateway.stacks.wsgi.reference import ReferenceStack
from gateway.turn import ActivePlan
from gateway.words import Phase, Stack
from tests.drive import Answer, AsgiTarget
from tests.drive import Request as Asked
from tests.stacks import Recorder, settings

SECRET = "tok_4711_of_the_client"


def place_order(name: str) -> Any:
    return dict[str, Any]()[name]


def shop() -> Flask:
    app = Flask("shop")
    app.add_url_rule("/raises", view_func=raises, methods=["GET", "POST"])
    app.add_url_rule("/aborts", "aborts", lambda: abort(500))
    app.add_url_rule("/says-so", "says_so", lambda: (jsonify(error="as it should be"), 500))
    app.add_url_rule("/refuses", "refuses", lambda: abort(422))
    app.add_url_rule("/fine", "fine", lambda: jsonify(ok=True))
    app.add_url_rule("/streams", "streams", lambda: app.response_class(parts()))
    return app


def raises() -> Any:
    name = request.get_json()["name"] if request.method == "POST" else request.headers["x-secret"]
    return place_order(name)


def parts() -> Iterator[bytes]:
    yield b"first"
    place_order("a")


PATHS = ("/raises", "/aborts", "/says-so", "/refuses", "/fine", "/streams")


class Asker:
    """A gateway with everything at one stack."""

    def __init__(self, app: Any, stack: Stack) -> None:
        self.recorder = Recorder()
        self._dispatch = Dispatch([self.recorder], Overrides(b"secret"), Settings())
        self._dispatch.stacks = {Stack.LEGACY: app, Stack.MODERN: app}
        split = SPACE if stack is Stack.MODERN else 0
        routes = tuple(
            Route(method, path, True, True, split, "", b"key", False)
            for path in PATHS
            for method in ("GET", "POST")
        )
        table = RouteTable(routes, Phase.GRADUAL, 1, key=b"key")
        self._dispatch.plan = ActivePlan(table, HeadReader((UnitSource("client"),)))
        self.answer: Answer | None = None
        self.keys: set[str] = set()  # of the messages that the server gets

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            self.keys |= set(message)
            await send(message)

        await self._dispatch(scope, receive, noting)

    async def asks(self, path: str, method: str = "GET") -> Exchange:
        body = json.dumps({"name": SECRET}).encode() if method == "POST" else b""
        headers = {"x-secret": SECRET, "content-type": "application/json"}
        with suppress(KeyError, ValueError):  # the server logs it
            asked = Asked(method, path, headers, body)
            self.answer = await AsgiTarget(self._app).send(asked)
        return self.recorder.seen[-1]


@pytest.fixture(params=[WSGIStack, ReferenceStack], ids=["ours", "a2wsgi"])
async def flask_asker(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[Any], Asker]]:
    closing: list[Any] = []

    def make(app: Any) -> Asker:
        stack = request.param(app, settings(tmp_path, wsgi_threads=2), BlockingPortal(), {})
        closing.append(stack)
        return Asker(stack, Stack.LEGACY)

    yield make
    for stack in closing:
        stack.close()


Make = Callable[[Any], Asker]
PLACED = f"KeyError at {__name__}.place_order"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_500_that_flask_makes_of_an_exception_has_its_fingerprint(
    flask_asker: Make, method: str
) -> None:
    asker = flask_asker(shop())
    seen = await asker.asks("/raises", method)
    assert (seen.status, seen.fault) == (500, PLACED)


async def test_the_client_hears_nothing_of_it(flask_asker: Make) -> None:
    asker = flask_asker(shop())
    await asker.asks("/raises")
    assert asker.answer is not None
    assert {name for name, _ in asker.answer.headers} == {
        "content-type", "content-length", "x-served-by", "x-request-id",
    }  # fmt: skip
    assert b"place_order" not in asker.answer.body
    assert asker.keys == {"type", "status", "headers", "body", "more_body"}


@pytest.mark.parametrize(
    ("path", "status"), [("/aborts", 500), ("/says-so", 500), ("/refuses", 422), ("/fine", 200)]
)
async def test_an_answer_that_no_exception_made_has_none(
    flask_asker: Make, path: str, status: int
) -> None:
    seen = await flask_asker(shop()).asks(path)
    assert (seen.status, seen.fault) == (status, "")


async def test_one_request_has_nothing_of_another(flask_asker: Make) -> None:
    asker = flask_asker(shop())
    faults = [(await asker.asks(path)).fault for path in ("/raises", "/says-so", "/fine") * 3]
    assert faults == [PLACED, "", ""] * 3


async def test_middleware_around_the_app_hides_nothing(flask_asker: Make) -> None:
    app = shop()
    inner = app.wsgi_app

    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        return inner({**environ, "HTTP_X_ADDED": "1"}, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]  # as Flask's manual does
    asker = flask_asker(lambda environ, start: app(dict(environ), start))
    assert (await asker.asks("/raises")).fault == PLACED


@pytest.mark.parametrize("status", [200, 500])
async def test_what_a_handler_of_the_app_answers_is_no_failure_that_flask_knows_of(
    flask_asker: Make, status: int
) -> None:
    """Flask tells nobody of an exception that has a handler: a 500 is then one without fingerprint."""
    app = shop()
    app.register_error_handler(Exception, lambda error: (jsonify(error="sorry"), status))
    seen = await flask_asker(app).asks("/raises")
    assert (seen.status, seen.fault, seen.error) == (status, "", status == 500)


@pytest.mark.parametrize(("status", "fault"), [(500, PLACED), (503, PLACED), (200, ""), (404, "")])
async def test_a_page_for_500_does_not_hide_of_what_it_was_made(
    flask_asker: Make, status: int, fault: str
) -> None:
    app = shop()
    app.register_error_handler(500, lambda error: (jsonify(error="sorry"), status))
    seen = await flask_asker(app).asks("/raises")
    assert (seen.status, seen.fault) == (status, fault)


@pytest.mark.parametrize("setting", ["PROPAGATE_EXCEPTIONS", "TESTING", "DEBUG"])
async def test_an_app_that_lets_its_exceptions_go_has_the_same_fingerprint(
    flask_asker: Make, setting: str
) -> None:
    app = shop()
    app.config[setting] = True
    seen = await flask_asker(app).asks("/raises")
    assert (seen.status, seen.fault) == (500, PLACED)


async def test_an_answer_that_breaks_in_its_middle_has_one(flask_asker: Make) -> None:
    seen = await flask_asker(shop()).asks("/streams")
    assert (seen.status, seen.fault) == (500, PLACED)


async def test_an_app_that_asks_itself_is_blamed_for_its_own_answer(flask_asker: Make) -> None:
    app = shop()

    @app.get("/fine/inner")
    def inner() -> Any:
        raise ValueError

    outer = Flask("outer")

    @outer.get("/says-so")
    def asks() -> Any:
        app.test_client().get("/fine/inner")
        return jsonify(), 500

    assert (await flask_asker(outer).asks("/says-so")).fault == ""


def modern_shop() -> FastAPI:
    app = FastAPI()

    @app.get("/raises")
    async def raises(request: Request) -> Any:
        return place_order(request.headers["x-secret"])

    @app.get("/aborts")
    async def aborts() -> Any:
        raise HTTPException(500)

    @app.get("/says-so")
    async def says_so() -> Any:
        return JSONResponse({}, 500)

    @app.get("/refuses")
    async def refuses() -> Any:
        raise HTTPException(422)

    @app.get("/fine")
    def fine(request: Request) -> Any:  # in a thread
        return place_order(request.headers["x-secret"])

    return app


@pytest.mark.parametrize("path", ["/raises", "/fine"], ids=["async", "sync"])
async def test_an_exception_of_fastapi_has_the_fingerprint_that_flasks_has(path: str) -> None:
    asker = Asker(modern_shop(), Stack.MODERN)
    seen = await asker.asks(path)
    assert (seen.status, seen.fault) == (500, PLACED)


async def test_middleware_of_fastapi_hides_nothing() -> None:
    app = modern_shop()

    @app.middleware("http")
    async def passes(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    assert (await Asker(app, Stack.MODERN).asks("/raises")).fault == PLACED


async def test_a_page_of_fastapis_for_500_does_not_hide_of_what_it_was_made() -> None:
    app = modern_shop()
    app.add_exception_handler(Exception, lambda request, error: JSONResponse({}, 503))
    seen = await Asker(app, Stack.MODERN).asks("/raises")
    assert (seen.error, seen.fault) == (True, PLACED)


@pytest.mark.parametrize(
    ("path", "status"), [("/aborts", 500), ("/says-so", 500), ("/refuses", 422)]
)
async def test_an_answer_of_fastapi_that_no_exception_made_has_none(path: str, status: int) -> None:
    seen = await Asker(modern_shop(), Stack.MODERN).asks(path)
    assert (seen.status, seen.fault) == (status, "")


async def test_the_client_of_fastapi_hears_nothing_of_it() -> None:
    asker = Asker(modern_shop(), Stack.MODERN)
    await asker.asks("/raises")
    assert asker.answer is not None
    assert "place_order" not in repr(asker.answer)
