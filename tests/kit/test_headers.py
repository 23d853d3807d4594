"""Headers in several lines as the kit and as Flask read them."""

from functools import cache
from typing import Annotated

import flask
import pytest
from fastapi import Depends, FastAPI

from gateway.kit.compat import flask_compatible, joined_header
from tests.drive import AsgiTarget, Request
from tests.kit.equal import both, quiet_flask


@cache
def flask_app() -> flask.Flask:
    app = quiet_flask(__name__)

    @app.get("/hdr")
    def get_header() -> flask.Response:
        headers = flask.request.headers
        value = headers.get("X-Dup")
        assert headers.getlist("X-Dup") == ([] if value is None else [value])
        return flask.jsonify({"value": value})

    return app


@cache
def fastapi_app() -> AsgiTarget:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/hdr")
    async def get_header(
        value: Annotated[str | None, Depends(joined_header("X-Dup", "any"))],
    ) -> dict[str, str | None]:
        return {"value": value}

    return AsgiTarget(app)


@pytest.mark.parametrize("value", ["1", "1\n2", "1\n\n2,3", "", "\xe9"])
async def test_p089_a_repeated_header_is_joined_as_in_flask(value: str) -> None:
    request = Request("GET", "/hdr", {"X-Dup": value})
    ours, flasks = await both(flask_app(), fastapi_app(), request)
    assert ours == flasks


async def test_p089_an_absent_header_is_none() -> None:
    ours, flasks = await both(flask_app(), fastapi_app(), Request("GET", "/hdr"))
    assert ours == flasks
