"""Parameters of a path against Werkzeug's converters, declared in each of FastAPI's ways."""

from functools import cache
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends, FastAPI, Path
from fastapi import Request as FastAPIRequest
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from hypothesis import given
from hypothesis import strategies as st
from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.responses import Response

from gateway.kit.compat import Behaviour, FlaskJSONResponse, flask_compatible
from tests.drive import AsgiTarget, Request, WsgiTarget
from tests.kit.equal import both, quiet_flask

RULES = {
    "/int/<int:x>": "int",
    "/named-int/<int:x>": "named-int",
    "/float/<float:x>": "float",
    "/named-float/<float:x>": "named-float",
    "/uuid/<uuid:x>": "uuid",
    "/named-uuid/<uuid:x>": "named-uuid",
    "/path/<path:x>": "path",
    "/path/<path:x>/end": "path-end",
    "/mixed/<int:x>": "mixed-int",
    "/str/<x>": "str",
    "/any/<any(a, b):x>": "any",
    "/min/<int(min=3):x>": "min",
    "/in-dependency/<int:x>": "in-dependency",
    "/sub/<int:y>/i/<int:x>.json": "sub",
}
VALUES = {
    "digits": "5",
    "leading zero": "05",
    "negative": "-1",
    "plus": "+5",
    "blank before": " 5",
    "underscore": "1_000",
    "decimal point": "5.0",
    "only a fraction": ".5",
    "only a point": "5.",
    "exponent": "1e3",
    "NaN": "nan",
    "infinity": "inf",
    "overflow": f"{'9' * 400}.0",
    "letters": "abc",
    "Arabic digit": "٣",
    "Arabic decimal": "٣.٤",
    "wide digit": "\N{FULLWIDTH DIGIT FIVE}",
    "superscript": "²",
    "UUID": "00000000-0000-0000-0000-00000000000a",
    "UUID in upper case": "00000000-0000-0000-0000-00000000000A",
    "UUID without dashes": "00000000000000000000000000000001",
    "UUID in braces": "{00000000-0000-0000-0000-000000000001}",
    "empty": "",
    "slash inside": "a/b",
    "slashes inside": "a//b",
    "slash first": "/a",
    "line feed after digits": "5\n",
    "line feed after letters": "a\n",
    "end": "a/end",
    "literal": "a",
}
TOO_MANY_DIGITS = "9" * 5_000


def flask_echo(x: object, y: object = None) -> ResponseReturnValue:
    return jsonify(x=x, y=y)


@cache
def flask_app() -> Flask:
    app = quiet_flask(__name__)
    for rule, endpoint in RULES.items():
        app.add_url_rule(rule, endpoint, flask_echo)
    app.add_url_rule("/mixed/<x>", "mixed-str", lambda x: jsonify(text=x))
    return app


def echo(x: object, y: object = None) -> Response:
    return FlaskJSONResponse({"x": x, "y": y})


router = APIRouter(prefix="/sub/{y}")
views = APIRouter()


@router.get("/i/{x}.json")
async def included(y: int, x: int) -> Response:
    return echo(x, y)


@views.get("/int/{x}")
@views.get("/named-int/{x:int}")
@views.get("/mixed/{x}")
async def integer(x: int) -> Response:
    return echo(x)


@views.get("/float/{x}")
@views.get("/named-float/{x:float}")
async def real(x: Annotated[float, Path()]) -> Response:
    return echo(x)


@views.get("/uuid/{x}")
@views.get("/named-uuid/{x:uuid}")
async def unique(x: UUID) -> Response:
    return echo(x)


@views.get("/path/{x:path}")
@views.get("/path/{x:path}/end")  # the lower one is asked first
@views.get("/str/{x}")
async def text(x: str) -> Response:
    return echo(x)


@views.get("/mixed/{x}")
async def mixed_text(x: str) -> Response:
    return FlaskJSONResponse({"text": x})


@views.get("/any/{x}")
async def one_of(x: Literal["a", "b"]) -> Response:
    return echo(x)


@views.get("/min/{x}")
async def at_least(x: Annotated[int, Path(ge=3)]) -> Response:
    return echo(x)


async def of_path(x: int) -> int:
    return x


@views.get("/in-dependency/{x}")
async def depending(y: Annotated[int, Depends(of_path)]) -> Response:
    return echo(y)


@cache
def fastapi_app(*without: Behaviour) -> AsgiTarget:
    app = FastAPI()
    app.include_router(router)
    for route in views.routes:
        app.router.routes.append(route)  # some are included, some are the app's own
    flask_compatible(app, without=without)
    return AsgiTarget(app)


async def assert_alike(request: Request) -> None:
    ours, flasks = await both(flask_app(), fastapi_app(), request)
    assert ours == flasks


def spelled(kind: str, value: str) -> str:
    path = f"/sub/{quote(value)}/i/1.json" if kind == "sub" else f"/{kind}/{quote(value)}"
    return path.replace("%2B", "+")


KINDS = [rule.split("/")[1] for rule in RULES] + ["mixed"]


@pytest.mark.parametrize("kind", dict.fromkeys(KINDS))
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
async def test_p008_to_p013_a_parameter_takes_what_a_converter_takes(kind: str, value: str) -> None:
    await assert_alike(Request("GET", spelled(kind, value)))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize("value", ["-1", "٣", "1.5", ""])
@pytest.mark.parametrize("kind", ["int", "named-int", "float", "path", "mixed", "sub"])
async def test_p008_other_methods_know_the_same_paths(method: str, kind: str, value: str) -> None:
    await assert_alike(Request(method, spelled(kind, value)))


# A Literal refuses after the redirect that merges slashes, `any()` before it.
@given(
    st.sampled_from([kind for kind in KINDS if kind != "any"]),
    st.text(alphabet="05-+.eE_ ٣a/\n", max_size=6),
)
async def test_p008_to_p013_any_text_is_taken_as_in_flask(kind: str, text: str) -> None:
    request = Request("GET", spelled(kind, text))
    expected = WsgiTarget(flask_app()).ask(request)
    got = await fastapi_app().send(request)
    assert (got.status, got.body) == (expected.status, expected.body)


@pytest.mark.parametrize("kind", ["int", "named-int", "mixed", "sub"])
async def test_p008_more_digits_than_python_reads_are_unknown(kind: str) -> None:
    await assert_alike(Request("GET", spelled(kind, TOO_MANY_DIGITS)))


async def test_p008_the_first_request_may_be_the_one_for_the_methods() -> None:
    fresh = fastapi_app.__wrapped__()
    assert (await fresh.send(Request("OPTIONS", "/int/-1"))).status == 404
    assert (await fresh.send(Request("POST", "/sub/-1/i/1.json"))).status == 404


async def test_p009_without_converters_a_refused_parameter_is_a_bad_request() -> None:
    bare = fastapi_app(Behaviour.CONVERTERS)
    assert (await bare.send(Request("GET", "/int/abc"))).status == 400
    assert (await bare.send(Request("GET", "/int/+5"))).json() == {"x": 5, "y": None}


async def test_p008_a_parameter_that_is_spelled_out_stays_fastapis() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/{x:str}")
    async def signed(x: int) -> Response:
        return echo(x)

    assert (await AsgiTarget(app).send(Request("GET", "/-1"))).json() == {"x": -1, "y": None}


class Negative(Convertor[int]):
    regex = "-[0-9]+"

    def convert(self, value: str) -> int:
        return int(value)


async def test_p018_a_convertor_of_the_apps_own_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONVERTOR_TYPES, "negative", Negative())
    app = FastAPI()
    flask_compatible(app)

    @app.get("/{x:negative}")
    async def negative(x: int) -> Response:
        return echo(x)

    assert (await AsgiTarget(app).send(Request("GET", "/-1"))).json() == {"x": -1, "y": None}
    assert (await AsgiTarget(app).send(Request("GET", "/1"))).status == 404


async def test_p010_a_parameter_that_is_read_as_text_as_well_stays_text() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/{x}")
    async def view(request: FastAPIRequest, x: int) -> Response:
        return echo(x, request.path_params["x"])

    assert (await AsgiTarget(app).send(Request("GET", "/%D9%A305"))).json() == {
        "x": 305,
        "y": "305",
    }


async def test_p008_the_schema_and_the_urls_of_the_app_stay() -> None:
    plain, app = FastAPI(), FastAPI()
    for one in (plain, app):
        one.include_router(router)
    flask_compatible(app)
    await AsgiTarget(app).send(Request("GET", "/"))
    assert app.openapi() == plain.openapi()
    path = app.url_path_for("included", y="1", x="2")
    assert path == plain.url_path_for("included", y="1", x="2")


async def test_p008_a_router_that_another_app_includes_stays_plain_there() -> None:
    fastapi_app()
    other = FastAPI()
    other.include_router(router)
    assert (await AsgiTarget(other).send(Request("GET", "/sub/-1/i/+5.json"))).status == 200
