"""Errors in an envelope of the app's own, against a Flask app whose error handlers write one."""

from pathlib import Path
from typing import Annotated

import pytest
from fastapi import APIRouter, Body, FastAPI, HTTPException
from flask import Blueprint, Flask, abort, jsonify
from flask import request as flask_request
from flask.typing import ResponseReturnValue
from starlette.responses import FileResponse
from starlette.responses import Response as StarletteResponse
from starlette.staticfiles import StaticFiles
from werkzeug.exceptions import HTTPException as WerkzeugException

from gateway.kit.compat import flask_compatible
from tests.drive import AsgiTarget, Request, WsgiTarget
from tests.kit.equal import comparable

JSON = {"Content-Type": "application/json"}

REQUESTS = [
    Request("GET", "/nope"),
    Request("POST", "/described"),
    Request("GET", "/described"),
    Request("GET", "/abort/403"),
    Request("GET", "/abort/204"),
    Request("GET", "/boom"),
    Request("HEAD", "/nope"),
    Request("GET", "/number"),
    Request("POST", "/body", JSON, b"{"),
    Request("POST", "/body", {}, b"{}"),
]


views = Blueprint("views", __name__)
router = APIRouter()


def flask() -> WsgiTarget:
    app = Flask(__name__, static_folder=None)
    app.logger.disabled = True
    app.register_blueprint(views)

    @app.errorhandler(WerkzeugException)
    def envelope(error: WerkzeugException) -> ResponseReturnValue:
        headers = [pair for pair in error.get_headers() if pair[0] != "Content-Type"]
        return jsonify(error=error.description, code=error.code), error.code or 500, headers

    return WsgiTarget(app)


def fastapi() -> AsgiTarget:
    app = FastAPI()
    app.include_router(router)
    flask_compatible(
        app,
        envelope=lambda status, text: {"error": text, "code": status},
    )
    return AsgiTarget(app)


@views.get("/described")
def flask_described() -> ResponseReturnValue:
    abort(404, "no <order>")


@router.get("/described")
async def described() -> None:
    raise HTTPException(404, "no <order>")


@views.get("/abort/<int:status>")
def flask_abort(status: int) -> ResponseReturnValue:
    abort(status)


@router.get("/abort/{status}")
async def aborted(status: int) -> None:
    raise HTTPException(status)


@views.get("/boom")
def flask_boom() -> ResponseReturnValue:
    raise ValueError("the reason")


@router.get("/boom")
async def boom() -> None:
    raise ValueError("the reason")


@views.get("/number")
def flask_number() -> ResponseReturnValue:
    return flask_request.args["n"]


@router.get("/number")
async def number(n: str) -> str:
    return n


@views.post("/body")
def flask_body() -> ResponseReturnValue:
    return jsonify(flask_request.get_json())


@router.post("/body")
async def body(got: Annotated[dict[str, int], Body()]) -> dict[str, int]:
    return got


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: f"{one.method} {one.target}")
async def test_p043_every_error_is_in_the_apps_envelope(request_: Request) -> None:
    expected = await flask().send(request_)
    assert comparable(await fastapi().send(request_)) == comparable(expected)


@pytest.mark.parametrize("mounted", [True, False])
async def test_p054_a_range_beyond_the_file_is_a_page(tmp_path: Path, mounted: bool) -> None:
    (tmp_path / "a.txt").write_text("hello static\n")
    oracle = Flask(__name__, static_folder=str(tmp_path), static_url_path="/files")
    app = FastAPI()
    flask_compatible(app)
    if mounted:
        app.mount("/files", StaticFiles(directory=tmp_path))
    else:

        @app.get("/files/a.txt")
        async def get() -> StarletteResponse:
            return FileResponse(tmp_path / "a.txt")

    request = Request("GET", "/files/a.txt", {"Range": "bytes=100-"})
    expected = await WsgiTarget(oracle).send(request)
    answer = await AsgiTarget(app).send(request)
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert answer.header("content-range") == expected.header("content-range") == "bytes */13"
    assert answer.header("content-type") == expected.header("content-type")
