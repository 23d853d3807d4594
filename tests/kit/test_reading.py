"""What an endpoint is given, against what Flask's views are given."""

from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request as Asked
from starlette.responses import Response

from gateway.kit.compat import Behaviour, flask_compatible
from gateway.kit.compat.reading import FlaskRequest
from tests.drive import AsgiTarget, Request
from tests.kit.fastapi_twin import assert_alike, fastapi_twin, router
from tests.kit.flask_twin import flask_twin

QUERIES = {
    "p057: the first counts": "a=1&a=2",
    "p057: the first counts, blank": "a=&a=2",
    "p057: a plus is a blank": "a=x+y",
    "p058: blank numbers": "a=&n=&m=&f=",
    "p059: junk": "n=x&m=x&f=x",
    "p059: junk first": "n=x&n=2",
    "p059: first of two numbers": "n=1&n=2",
    "p059: junk in a list": "ns=1&ns=x&ns=&ns=3",
    "p060: a point": "n=5.0&m=5.0&f=5",
    "p060: a space": "n=%205&m=5%20",
    "p060: a sign": "n=%2B5&m=-5",
    "p060: underscores": "n=1_0&f=1_0.5",
    "p060: digits of another script": "n=%D9%A3",
    "p060: hexadecimal": "n=0x10",
    "p060: many digits": f"n={'9' * 5000}",
    "p060: odd floats": "f=1e3&m=1e3",
    "p060: infinite": "f=inf",
    "p061: false": "flag=false&off=false",
    "p061: zero": "flag=0&off=0",
    "p061: true": "flag=true&off=1",
    "p062: blank": "flag=&off=",
    "p062: absent": "",
    "p063: not UTF-8": "a=%FF",
    "p063: not UTF-8 in a name": "%FF=1&a=%C3%A9%FF",
    "without a sign": "a&n",
    "semicolons part nothing": "a=1;n=2",
    "plain": "a=%C3%A9&n=-1&m=7&f=1.5&ns=1&ns=2&flag=x",
}

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
BODIES: dict[str, tuple[Mapping[str, str], bytes]] = {
    "p030: NaN": (JSON, b"NaN"),
    "p047: malformed": (JSON, b'{"a":'),
    "p047: two documents": (JSON, b"1 2"),
    "p048: not UTF-8": (JSON, b'{"a":"\xff"}'),
    "p048: another charset": ({"Content-Type": "application/json; charset=latin-1"}, b'"\xe9"'),
    "p048: UTF-16": (JSON, '{"a":"é"}'.encode("utf-16")),
    "p048: a byte order mark": (JSON, b"\xef\xbb\xbf1"),
    "p048: too many digits": (JSON, b"9" * 5000),
    "p049: empty": (JSON, b""),
    "p049: blank": (JSON, b" "),
    "p050: no type": ({}, b'{"a":1}'),
    "p050: no type, empty": ({}, b""),
    "p050: text": ({"Content-Type": "text/plain"}, b'{"a":1}'),
    "p050: text/json": ({"Content-Type": "text/json"}, b'{"a":1}'),
    "p050: form": ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=1"),
    "p050: another type, malformed": ({"Content-Type": "text/plain"}, b'{"a":'),
    "p050: a dialect": ({"Content-Type": "application/vnd.x+json"}, b'{"a":1}'),
    "p050: capitals": ({"Content-Type": "Application/JSON"}, b'{"a":1}'),
    "null": (JSON, b"null"),
    "list": (JSON, b"[1]"),
    "object": (JSON, b'{"name":"x","a":[1.0,null,true]}'),
}

COOKIES = {
    "p076: octal": r'e="\303\251"',
    "p076: octal that is no UTF-8": r'e="\377"',
    "p076: quotes": r'a="x y\073\"\\"',
    "p077: without a sign": "a=1; d",
    "p077: without a name": "=x; a=1",
    "p079: twice": "a=1; a=2",
    "blanks": " a = 1 ;b=2;;c=",
    "raw UTF-8": "a=\xc3\xa9",
    "odd": 'a=1,b=2; c="x; d=y"',
}


@pytest.mark.parametrize("name", QUERIES)
async def test_p057_to_p063_a_query_is_read_as_flask_reads_it(name: str) -> None:
    await assert_alike(Request("GET", f"/q?{QUERIES[name]}"))


pieces = st.sampled_from(
    [
        "a=",
        "n=",
        "m=",
        "f=",
        "ns=",
        "flag=",
        "off=",
        "&",
        "=",
        "+",
        "%20",
        "%FF",
        "%C3%A9",
        "%",
        ";",
        "1",
        "-",
        "_",
        ".",
        "e",
        "0",
        "x",
        "false",
        "inf",
        "nan",
        "%2B",
        "%0A",
        "%00",
    ]
)


@given(st.lists(pieces, max_size=12).map("".join))
async def test_p057_to_p063_any_query_is_read_as_flask_reads_it(query: str) -> None:
    await assert_alike(Request("GET", f"/q?{query}"))


@given(st.lists(pieces, max_size=12).map("".join))
async def test_p063_any_form_is_read_as_flask_reads_it(form: str) -> None:
    await assert_alike(Request("POST", "/field", FORM, form.encode()))


@pytest.mark.parametrize("query", ["a=1&a=2", "n=x", "n=5.0", "n=1_0", "flag=false", "flag=", ""])
async def test_a_model_of_the_query_may_declare_the_kits_types(query: str) -> None:
    await assert_alike(Request("GET", f"/model?{query}"))


@pytest.mark.parametrize("value", ["5.0", "x", "", "1e3"])
async def test_p046_a_required_number_that_is_none_is_a_400_where_flask_crashes(value: str) -> None:
    request = Request("GET", f"/number?n={value}")
    assert (await flask_twin().send(request)).status == 500
    assert (await fastapi_twin().send(request)).status == 400


@pytest.mark.parametrize("value", ["%205", "1_0", "-1"])
async def test_p060_a_required_number_is_what_int_takes(value: str) -> None:
    await assert_alike(Request("GET", f"/number?n={value}"))


@pytest.mark.parametrize("path", ["/number", "/query"])
async def test_p045_a_missing_parameter_is_a_400(path: str) -> None:
    await assert_alike(Request("GET", path))


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", ["/body", "/guarded"])
async def test_p047_to_p050_a_body_is_read_as_flask_reads_it(path: str, name: str) -> None:
    headers, body = BODIES[name]
    await assert_alike(Request("POST", path, headers, body))  # without a user, nobody reads it
    await assert_alike(Request("POST", path, {**headers, "X-User": "me"}, body))


MALFORMED = {name for name in BODIES if name.startswith(("p047", "p048"))} - {
    "p048: UTF-16",
    "p048: a byte order mark",
}


@pytest.mark.parametrize("name", sorted(BODIES.keys() - MALFORMED - {"p049: blank"}))
async def test_p050_an_optional_body_of_another_type_is_absent(name: str) -> None:
    headers, body = BODIES[name]
    await assert_alike(Request("POST", "/silent", headers, body))


@pytest.mark.parametrize("name", [*sorted(MALFORMED), "p049: blank"])
async def test_p047_an_optional_body_that_is_malformed_is_refused(name: str) -> None:
    """Nothing tells `get_json(silent=True)` from `get_json()`: to refuse acts on no wrong data."""
    headers, body = BODIES[name]
    answer = await fastapi_twin().send(Request("POST", "/silent", headers, body))
    assert answer.status == 400


REFUSED = [name for name in BODIES if name.startswith(("p047", "p049", "p050: no", "p050: text"))]


@pytest.mark.parametrize("name", [*sorted(MALFORMED), *sorted(REFUSED)])
async def test_p050_a_typed_body_is_refused_as_an_untyped_one(name: str) -> None:
    headers, body = BODIES[name]
    await assert_alike(Request("POST", "/named", headers, body))


async def test_a_typed_body_is_read() -> None:
    await assert_alike(Request("POST", "/named", JSON, b'{"name":"x","qty":"2"}'))


async def test_p052_no_answer_repeats_the_input() -> None:
    request = Request("POST", "/named", JSON, b'{"qty":"hunter2"}')
    answer = await fastapi_twin().send(request)
    assert answer.status == 400
    assert b"hunter2" not in answer.body


async def test_p056_a_deeply_nested_body_is_a_400() -> None:
    body = b"[" * 100_000 + b"]" * 100_000
    answer = await fastapi_twin().send(Request("POST", "/body", JSON, body))
    assert answer.status == 400


async def test_a_part_of_a_malformed_body_is_refused_after_the_dependencies() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.post("/")
    async def parts(a: Annotated[int, Body()], b: Annotated[int, Body()] = 2) -> list[int]:
        return [a, b]

    target = AsgiTarget(app)
    assert (await target.send(Request("POST", "/", JSON, b"{"))).status == 400
    assert (await target.send(Request("POST", "/", {}, b'{"a":1}'))).status == 415
    assert (await target.send(Request("POST", "/", JSON, b'{"a":1}'))).body == b"[1,2]\n"


async def test_a_dependency_that_reads_a_malformed_body_refuses_it() -> None:
    app = FastAPI()
    flask_compatible(app)

    async def signed(request: Asked) -> None:
        await request.json()

    @app.post("/", dependencies=[Depends(signed)])
    async def post(body: Annotated[Any, Body()]) -> Any:
        return body

    assert (await AsgiTarget(app).send(Request("POST", "/", JSON, b"{"))).status == 400
    assert (await AsgiTarget(app).send(Request("POST", "/", JSON, b"[1]"))).body == b"[1]\n"


async def test_a_raw_body_needs_no_media_type() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.post("/")
    async def raw(body: Annotated[bytes, Body()]) -> bytes:
        return body

    request = Request("POST", "/", {"Content-Type": "text/plain"}, b"{")
    assert (await AsgiTarget(app).send(request)).body == b"{"


@pytest.mark.parametrize("name", COOKIES)
async def test_p076_to_p079_cookies_are_read_as_werkzeug_reads_them(name: str) -> None:
    await assert_alike(Request("GET", "/cookies", {"Cookie": COOKIES[name]}))


async def test_p080_two_lines_of_cookies_are_both_read() -> None:
    request = Request("GET", "/cookies", {"Cookie": "a=1\nb=2"})
    assert (await fastapi_twin().send(request)).json() == {"a": "1", "b": "2"}


async def test_an_app_that_shares_a_router_stays_plain() -> None:
    flask, plain = FastAPI(), FastAPI()
    for app in (flask, plain):
        app.include_router(router)
    flask_compatible(flask)
    for request in (Request("GET", "/q?a=1&a=2"), Request("GET", "/two"), Request("GET", "/json")):
        before = await AsgiTarget(plain).send(request)
        assert (await AsgiTarget(flask).send(request)).body != before.body
        assert (await AsgiTarget(plain).send(request)) == before


async def test_an_app_that_includes_a_compatible_one_stays_plain() -> None:
    inner, outer = FastAPI(), FastAPI()
    inner.get("/two")(_two)
    flask_compatible(inner)
    assert (await AsgiTarget(inner).send(Request("GET", "/two"))).body == b"two"
    outer.include_router(inner.router)
    assert (await AsgiTarget(outer).send(Request("GET", "/two"))).body == b'"two"'


async def test_routes_added_after_the_first_request_are_read_alike() -> None:
    app, late = FastAPI(), APIRouter()
    flask_compatible(app)
    late.get("/early")(_two)
    app.include_router(late)
    target = AsgiTarget(app)
    assert (await target.send(Request("GET", "/early"))).body == b"two"
    late.get("/late")(_two)
    for path in ("/early", "/late"):
        assert (await target.send(Request("GET", path))).body == b"two"


async def test_a_route_class_of_the_app_still_wraps_its_handlers() -> None:
    class Marked(APIRoute):
        def get_route_handler(self) -> Any:
            handler = super().get_route_handler()

            async def handle(request: Asked) -> Any:
                response = await handler(type(request)(request.scope, request.receive))
                response.headers["X-Marked"] = "1"
                return response

            return handle

    app, own = FastAPI(), APIRouter(route_class=Marked)
    flask_compatible(app)
    own.get("/q")(_query)
    app.include_router(own)
    answer = await AsgiTarget(app).send(Request("GET", "/q?a=1&a=2"))
    assert (answer.header("x-marked"), answer.body) == ("1", b"1")


async def test_an_exception_handler_reads_the_body_that_the_endpoint_has_read() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.exception_handler(LookupError)
    async def handle(request: Asked, _error: Exception) -> Any:
        return Response(await request.body())

    @app.post("/")
    async def fail(body: Annotated[Any, Body()]) -> None:
        raise LookupError

    assert (await AsgiTarget(app).send(Request("POST", "/", JSON, b"[1]"))).body == b"[1]"


async def test_the_schema_is_that_of_what_was_declared() -> None:
    plain, flask = FastAPI(), FastAPI()
    flask_compatible(flask)
    for app in (plain, flask):
        app.include_router(router)
    await AsgiTarget(flask).send(Request("GET", "/json"))
    assert flask.openapi() == plain.openapi()


async def test_without_its_behaviours_a_request_is_read_as_starlette_reads_it() -> None:
    off = (Behaviour.QUERY, Behaviour.NUMBERS, Behaviour.BOOLEANS)
    answer = await fastapi_twin(*off).send(Request("GET", "/q?a=1&a=2&flag=false&n=5.0"))
    assert {**answer.json(), "m": 0} == {
        "a": "2",
        "many": ["1", "2"],
        "n": 5,
        "m": 0,
        "f": None,
        "ns": [],
        "flag": False,
        "off": False,
    }


def test_a_request_made_by_hand_reads_as_flask() -> None:
    scope = {"type": "http", "query_string": b"a=1&a=%FF", "headers": [(b"cookie", b"d")]}
    request = FlaskRequest(scope)
    assert request.query_params["a"] == "1"
    assert request.query_params.getlist("a") == ["1", "%FF"]
    assert request.cookies == {"d": ""}


async def _two() -> str:
    return "two"


async def _query(a: str) -> str:
    return a
