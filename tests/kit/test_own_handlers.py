"""Exception handlers of the app's own against Flask's error handlers: who answers what."""

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from flask import Flask, abort, redirect
from flask import request as flask_request
from flask.typing import ResponseReturnValue
from starlette.exceptions import HTTPException
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse, Response
from werkzeug.exceptions import HTTPException as WerkzeugException

from gateway.kit.compat import FlaskJSONResponse, flask_compatible
from tests.drive import AsgiTarget, Request
from tests.kit.equal import both, quiet_flask

REQUESTS = [
    Request("GET", "/number?n=1"),
    Request("GET", "/number"),
    Request("GET", "/nope"),
    Request("PUT", "/number"),
    Request("OPTIONS", "/number"),
    Request("HEAD", "/nope"),
    Request("GET", "/boom"),
    Request("GET", "/abort"),
]
KINDS: list[list[int]] = [[], [400], [404], [405], [500], [400, 404, 405, 500]]


router = APIRouter()


@router.get("/number")
async def get_number(n: str) -> str:
    return n


@router.post("/number")
async def post_number() -> str:
    return "posted"


@router.get("/boom")
async def boom() -> str:
    return str(1 // 0)


@router.get("/abort")
async def refuse() -> None:
    raise HTTPException(403)


def kit(app: FastAPI) -> None:
    flask_compatible(app)


def flask_app(statuses: list[int], *, all_errors: bool) -> Flask:
    app = quiet_flask(__name__)

    def of_status(error: WerkzeugException) -> ResponseReturnValue:
        return {"one": error.code}, error.code or 0

    def of_all(error: WerkzeugException) -> ResponseReturnValue:
        return {"any": error.code}, error.code or 0

    for status in statuses:
        app.register_error_handler(status, of_status)
    if all_errors:
        app.register_error_handler(WerkzeugException, of_all)
    app.get("/number")(lambda: flask_request.args["n"])
    app.post("/number", endpoint="post")(lambda: "posted")
    app.get("/boom", endpoint="boom")(lambda: str(1 // 0))
    app.get("/abort", endpoint="abort")(lambda: abort(403))
    return app


async def of_status(_request: Asked, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    return FlaskJSONResponse({"one": status}, status)


def of_all(_request: Asked, error: HTTPException) -> Response:
    return FlaskJSONResponse({"any": error.status_code}, error.status_code)


def fastapi_app(statuses: list[int], *, all_errors: bool, kit_first: bool) -> AsgiTarget:
    app = FastAPI()
    if kit_first:
        kit(app)

    for status in statuses:
        app.exception_handler(status)(of_status)
    if all_errors:
        app.exception_handler(HTTPException)(of_all)
    app.include_router(router)
    if not kit_first:
        kit(app)
    return AsgiTarget(app)


@pytest.mark.parametrize("kit_first", [True, False], ids=["kit first", "handlers first"])
@pytest.mark.parametrize("all_errors", [True, False], ids=["all errors", "statuses"])
@pytest.mark.parametrize("statuses", KINDS, ids=str)
async def test_p043_to_p053_the_apps_own_handlers_answer_what_flasks_answer(
    statuses: list[int], all_errors: bool, kit_first: bool
) -> None:
    flask = flask_app(statuses, all_errors=all_errors)
    fastapi = fastapi_app(statuses, all_errors=all_errors, kit_first=kit_first)
    for request in REQUESTS:
        ours, flasks = await both(flask, fastapi, request)
        assert (ours, request) == (flasks, request)


async def test_p045_a_handler_for_validation_that_came_first_stays() -> None:
    app = FastAPI()

    @app.exception_handler(RequestValidationError)
    async def own(_request: Asked, _error: Exception) -> Response:
        return JSONResponse("own", 422)

    app.get("/number")(lambda n: n)
    kit(app)
    assert (await AsgiTarget(app).send(Request("GET", "/number"))).body == b'"own"'


async def test_p044_a_handler_for_crashes_that_came_first_stays() -> None:
    app = FastAPI()

    @app.exception_handler(Exception)
    async def own(_request: Asked, _error: Exception) -> Response:
        return JSONResponse("own", 500)

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("the reason")

    kit(app)
    assert (await AsgiTarget(app).send(Request("GET", "/boom"))).body == b'"own"'


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_p053_an_exception_redirects_as_an_abort_with_a_redirect(status: int) -> None:
    flask = quiet_flask(__name__)
    flask.get("/x")(lambda: abort(redirect("/login?next=é", status)))
    app = FastAPI()
    kit(app)

    @app.get("/x")
    async def guarded() -> None:
        raise HTTPException(status, headers={"Location": "/login?next=é"})

    ours, flasks = await both(flask, AsgiTarget(app), Request("GET", "/x"))
    assert ours == flasks


async def test_p053_other_headers_of_an_exception_that_redirects_are_sent() -> None:
    app = FastAPI()
    kit(app)

    @app.get("/x")
    async def guarded() -> None:
        raise HTTPException(303, headers={"location": "/login", "X-Why": "expired"})

    answer = await AsgiTarget(app).send(Request("GET", "/x"))
    assert (answer.header("location"), answer.header("x-why")) == ("/login", "expired")
