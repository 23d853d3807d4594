"""Bodies that a handler reads through the kit against Flask's."""

from functools import cache
from typing import Annotated, Any

import flask
import pytest
from fastapi import APIRouter, FastAPI, Form
from fastapi import Request as FastAPIRequest
from fastapi.responses import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from gateway.kit.compat import Cors, FlaskJSONResponse, flask_compatible
from gateway.kit.compat.bodies import limited_body, read_limited, silent_json
from tests.drive import AsgiTarget, Request, WsgiTarget, _scope
from tests.kit.equal import both, comparable, quiet_flask

JSON = {"Content-Type": "application/json"}
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


views = flask.Blueprint("views", __name__)
router = APIRouter()
small = APIRouter(route_class=limited_body(10))


@views.post("/limited/<int:size>")
def flask_limited(size: int) -> flask.Response:
    flask.request.max_content_length = size
    return flask.jsonify(len(flask.request.get_data()), flask.request.args.get("a"))


@router.post("/limited/{size}")
async def read_within(request: FastAPIRequest, size: int, a: str | None = None) -> Any:
    return [len(await read_limited(request, size)), a]


@views.post("/limit/form")
def flask_limited_form() -> flask.Response:
    flask.request.max_content_length = 10
    return flask.jsonify(flask.request.form["a"])


@small.post("/limit/form")
async def limited_form(a: Annotated[str, Form()]) -> FlaskJSONResponse:
    return FlaskJSONResponse(a)


@cache
def flask_app() -> flask.Flask:
    app = quiet_flask(__name__)
    app.register_blueprint(views)

    @app.after_request
    def open_to_all(response: flask.Response) -> flask.Response:
        response.headers.update(ANY_ORIGIN)
        return response

    @app.post("/silent")
    def post_silent() -> flask.Response:
        return flask.jsonify(flask.request.get_json(silent=True))

    @app.post("/force")
    def post_force() -> flask.Response:
        return flask.jsonify(flask.request.get_json(silent=True, force=True))

    @app.post("/limit")
    def post_limit() -> flask.Response:
        flask.request.max_content_length = 10
        return flask.jsonify(len(flask.request.get_data()))

    @app.post("/limit/json")
    def post_limit_json() -> flask.Response:
        flask.request.max_content_length = 10
        return flask.jsonify(flask.request.get_json())

    @app.post("/limit/query")
    def post_limit_query() -> flask.Response:
        flask.request.max_content_length = 10
        return flask.jsonify({"a": flask.request.args.get("a")})

    @app.post("/limit/unread")
    def post_unread() -> flask.Response:
        flask.request.max_content_length = 10
        return flask.jsonify({"read": 0})

    return app


@cache
def fastapi_app() -> AsgiTarget:
    app = FastAPI()
    flask_compatible(app, cors=Cors())
    limited = APIRouter(prefix="/limit", route_class=limited_body(10))

    @app.post("/silent")
    async def post_silent(request: FastAPIRequest) -> Any:
        return await silent_json(request)

    @app.post("/force")
    async def post_force(request: FastAPIRequest) -> Any:
        return await silent_json(request, force=True)

    @limited.post("")
    async def post_limit(request: FastAPIRequest) -> int:
        return len(await request.body())

    @limited.post("/json")
    async def post_limit_json(body: dict[str, Any]) -> dict[str, Any]:
        return body

    @limited.post("/query")
    async def post_limit_query(a: str) -> dict[str, str]:
        return {"a": a}

    @limited.post("/unread")
    async def post_unread() -> dict[str, int]:
        return {"read": 0}

    for one in (limited, small, router):
        app.include_router(one)
    return AsgiTarget(app)


async def assert_same(request: Request) -> None:
    ours, flasks = await both(flask_app(), fastapi_app(), request)
    assert ours == flasks


@pytest.mark.parametrize("path", ["/silent", "/force"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        JSON,
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/vnd.x+json; charset=utf-8"},
        {"Content-Type": "APPLICATION/JSON"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "body", [b'{"a":1}', b"", b"{", b"null", b'"\xff"', '{"a":1}'.encode("utf-16")], ids=repr
)
async def test_p068_json_is_read_silently_as_in_flask(
    path: str, headers: dict[str, str], body: bytes
) -> None:
    await assert_same(Request("POST", path, headers, body))


@settings(deadline=None)  # the first example builds the apps
@given(st.binary(max_size=12))
async def test_p068_any_body_is_read_as_flask_reads_it(body: bytes) -> None:
    await assert_same(Request("POST", "/force", {}, body))


@pytest.mark.parametrize("size", [0, 10, 11, 100])
@pytest.mark.parametrize("path", ["/limit", "/limit/unread"])
async def test_p055_a_body_beyond_the_limit_is_refused_as_in_flask(path: str, size: int) -> None:
    await assert_same(Request("POST", path, {}, b"x" * size))


@pytest.mark.parametrize("body", [b'{"a": 123}', b'{"a": 1234}'])
async def test_p055_the_limit_holds_for_bodies_that_fastapi_reads(body: bytes) -> None:
    await assert_same(Request("POST", "/limit/json", JSON, body))


@pytest.mark.parametrize("size", [0, 9, 10, 11])
async def test_p055_a_handler_may_decide_the_limit(size: int) -> None:
    await assert_same(Request("POST", f"/limited/{size}?a=1&a=2", {}, b"x" * 10))


async def test_p055_a_chunked_body_beyond_a_handlers_limit_is_refused() -> None:
    request = Request("POST", "/limited/10", {"Transfer-Encoding": "chunked"}, b"x" * 11)
    assert (await fastapi_app().send(request)).status == 413


@pytest.mark.parametrize("body", [b"a=", b"a=%FF", b"a=1&a=2", b"b=1", b"a=123456789"])
async def test_p055_a_limited_route_reads_forms_as_flask(body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    await assert_same(Request("POST", "/limit/form", form, body))


async def test_p055_a_limited_route_reads_all_else_as_flask() -> None:
    await assert_same(Request("POST", "/limit/query?a=1&a=2"))


@pytest.mark.parametrize("body", [b"{", b"", b'"\xff"'])
async def test_p055_a_limited_route_refuses_what_is_no_json_as_flask(body: bytes) -> None:
    await assert_same(Request("POST", "/limit/json", JSON, body))


async def test_p055_a_chunked_body_is_refused_where_flask_cuts_it() -> None:
    request = Request("POST", "/limit", {"Transfer-Encoding": "chunked"}, b"x" * 11)
    announced = WsgiTarget(flask_app()).ask(Request("POST", "/limit", {}, b"x" * 11))
    assert WsgiTarget(flask_app()).ask(request).body == b"10\n"
    assert comparable(await fastapi_app().send(request)) == comparable(announced)


async def test_p055_a_chunked_body_within_the_limit_is_read() -> None:
    await assert_same(Request("POST", "/limit", {"Transfer-Encoding": "chunked"}, b"x" * 10))


async def test_p055_nothing_is_read_of_a_body_that_says_it_is_too_long() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("it reads")

    async def send(message: Message) -> None:
        sent.append(message)

    request = Request("POST", "/limit", {"Content-Length": "11"})
    await fastapi_app().app(_scope(request, {}), receive, send)
    assert sent[0]["status"] == 413


async def test_p055_a_single_route_may_have_its_limit() -> None:
    app = FastAPI()

    async def post(request: FastAPIRequest) -> Response:
        return Response(await request.body())

    app.router.add_api_route("/x", post, methods=["POST"], route_class_override=limited_body(1))
    answer = await AsgiTarget(app).send(Request("POST", "/x", {}, b"xx"))
    assert answer.status == 413
