"""Credentials as the kit and as Flask read them, from the same header."""

from base64 import b64encode
from functools import cache
from typing import Annotated

import flask
import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse, Response
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Authorization

from gateway.kit.compat import flask_compatible
from gateway.kit.compat.auth import authorization
from tests.drive import AsgiTarget, Request
from tests.kit.equal import both, quiet_flask

CHALLENGE = {"WWW-Authenticate": 'Basic realm="x"', "Access-Control-Allow-Origin": "*"}


def told(credentials: Authorization | None) -> tuple[str, int]:
    if credentials is None:
        return "who?", 401
    parts = credentials.username, credentials.password, credentials.type, credentials.token
    return repr(parts), 200


@cache
def flask_app() -> flask.Flask:
    app = quiet_flask(__name__)

    @app.get("/basic")
    def get_basic() -> flask.Response:
        text, status = told(flask.request.authorization)
        return flask.Response(text, status, CHALLENGE, content_type="text/plain; charset=utf-8")

    return app


@cache
def fastapi_app() -> AsgiTarget:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/basic")
    async def get_basic(
        credentials: Annotated[Authorization | None, Depends(authorization)],
    ) -> Response:
        return PlainTextResponse(*told(credentials), CHALLENGE)

    return AsgiTarget(app)


async def assert_same(headers: dict[str, str]) -> None:
    ours, flasks = await both(flask_app(), fastapi_app(), Request("GET", "/basic", headers))
    assert ours == flasks


def basic(text: bytes) -> str:
    return f"Basic {b64encode(text).decode()}"


HEADERS = {
    "valid": basic(b"user:pass"),
    "colons": basic(b"user:a:b"),
    "no colon": basic(b"user"),
    "beyond ASCII": basic("ü:é".encode()),
    "not UTF-8": basic(b"\xff:x"),
    "not base64": "Basic !!!",
    "lower case": basic(b"user:pass").replace("Basic", "basic"),
    "two blanks": basic(b"user:pass").replace(" ", "  "),
    "empty": "",
    "scheme only": "Basic",
    "digest": 'Digest username="u", realm="r"',
    "twice": f"{basic(b'a:b')}\n{basic(b'c:d')}",
}


@pytest.mark.parametrize("name", HEADERS)
async def test_p083_credentials_are_read_as_flask_reads_them(name: str) -> None:
    await assert_same({"Authorization": HEADERS[name]})


async def test_p083_without_credentials_the_handler_writes_its_challenge() -> None:
    await assert_same({})


async def test_p084_a_bearer_token_is_a_credential_without_a_user() -> None:
    await assert_same({"Authorization": "Bearer x"})


@settings(deadline=None)  # the first example builds the apps
@given(st.text('Basicrer =,:QUJD!"é\t', max_size=20))
async def test_p083_any_header_is_read_as_flask_reads_it(text: str) -> None:
    await assert_same({"Authorization": text})
