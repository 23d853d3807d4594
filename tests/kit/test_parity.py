"""FastAPI with the kit against Flask itself, byte for byte."""

import pytest
from fastapi import FastAPI, Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from werkzeug.exceptions import default_exceptions

from gateway.kit.compat import Behaviour, FlaskJSONResponse, flask_compatible
from gateway.kit.compat.cors import Cors, Resources
from tests.drive import HOST, AsgiTarget, Request
from tests.kit.equal import comparable
from tests.kit.fastapi_twin import assert_alike, fastapi_twin, get_boom, get_list, router
from tests.kit.flask_twin import flask_twin

JSON = {"Content-Type": "application/json"}
ORIGIN = {"Origin": "https://a.example"}
PREFLIGHT = ORIGIN | {"Access-Control-Request-Method": "PUT"}

REQUESTS = {
    "sorted keys, compact, escaped": Request("GET", "/json"),
    "list": Request("GET", "/list"),
    "string": Request("GET", "/two"),
    "unknown path": Request("GET", "/nope"),
    "unknown path, JSON wanted": Request("GET", "/nope", {"Accept": "application/json"}),
    "unknown path, POST": Request("POST", "/nope", JSON, b"{}"),
    "root": Request("GET", "/"),
    "wrong method": Request("POST", "/json"),
    "wrong method, two routes": Request("DELETE", "/two"),
    "wrong method, fixed and variable": Request("DELETE", "/items/fixed"),
    "fixed loses to a variable of the right method": Request("GET", "/items/fixed"),
    "unknown method": Request("BREW", "/json"),
    "trailing slash": Request("GET", "/json/"),
    "leading slashes": Request("GET", "///json"),
    "leading slashes, wrong method": Request("PUT", "//json"),
    "inner slashes": Request("GET", "/items//x"),
    "inner and leading slashes": Request("GET", "//items///x"),
    "inner slashes, query": Request("GET", "/items//x?a=1&b=%20&c='"),
    "inner slashes, odd query": Request("GET", '/items//x?a=<">[]|'),
    "inner slashes, odd segment": Request("GET", "/items//%22%3C%C3%A9%25~%7E%5B%3B"),
    "inner slashes, POST": Request("POST", "//two"),
    "inner slashes, wrong method": Request("DELETE", "/items//x"),
    "inner slashes, OPTIONS": Request("OPTIONS", "/items//x"),
    "inner slashes, HEAD": Request("HEAD", "/items//x"),
    "inner slashes, unknown": Request("GET", "/no//pe"),
    "slashes at the end": Request("GET", "/json//"),
    "slash": Request("GET", "/slash/"),
    "missing slash": Request("GET", "/slash?a=1&b=%20x"),
    "missing slash, POST": Request("POST", "/slash", JSON, b"{}"),
    "missing slash, HEAD": Request("HEAD", "/slash"),
    "missing slash, OPTIONS": Request("OPTIONS", "/slash"),
    "missing slash, wrong method": Request("PUT", "/slash"),
    "slash with a wrong method": Request("PUT", "/slash/"),
    "two slashes at the end of slash": Request("GET", "/slash//"),
    "host in upper case with port": Request("GET", "/items//x", {"Host": "A.Example:8080"}),
    "host with the standard port": Request("GET", "/items//x", {"Host": "a.example:80"}),
    "malformed host": Request("GET", "/items//x", {"Host": "a/b<"}),
    "host with an impossible port": Request("GET", "/items//x", {"Host": "a:99999"}),
    "host with a port that begins with 0": Request("GET", "/items//x", {"Host": "a:080"}),
    "two hosts": Request("GET", "/items//x", {"Host": "a.example\nb.example"}),
    "IPv6 host": Request("GET", "/items//x", {"Host": "[::1]:8000"}),
    "encoded slash": Request("GET", "/items/a%2Fb"),
    "encoded slashes merge": Request("GET", "/items/%2Fb"),
    "twice encoded slash": Request("GET", "/items/a%252Fb"),
    "encoded letters of the route": Request("GET", "/js%6Fn"),
    "invalid UTF-8": Request("GET", "/items/%FF"),
    "line feed after a fixed path": Request("GET", "/json%0A"),
    "line feed after a fixed path, OPTIONS": Request("OPTIONS", "/json%0A"),
    "line feed in a segment": Request("GET", "/items/a%0A"),
    "HEAD": Request("HEAD", "/json"),
    "HEAD of an unknown path": Request("HEAD", "/nope"),
    "HEAD without GET": Request("HEAD", "/body"),
    "HEAD of a crash": Request("HEAD", "/boom"),
    "HEAD of a refusal": Request("HEAD", "/query"),
    "OPTIONS": Request("OPTIONS", "/json"),
    "OPTIONS of two routes": Request("OPTIONS", "/two"),
    "OPTIONS by hand": Request("OPTIONS", "/by/hand"),
    "OPTIONS of an unknown path": Request("OPTIONS", "/nope"),
    "OPTIONS with a body": Request("OPTIONS", "/two", JSON, b"{"),
    "crash": Request("GET", "/boom"),
    "crash with origin": Request("GET", "/boom", ORIGIN),
    "described refusal": Request("GET", "/described"),
    "missing query parameter": Request("GET", "/query"),
    "first of a repeated parameter": Request("GET", "/optional?a=1&a=2"),
    "blank parameter": Request("GET", "/optional?a="),
    "absent parameter": Request("GET", "/optional"),
    "body": Request("POST", "/body", JSON, b'{"b": [1, 2.5, null], "a": "\\u00e9"}'),
    "body of a JSON dialect": Request(
        "POST", "/body", {"Content-Type": "application/a+json"}, b"1"
    ),
    "body with parameters": Request(
        "POST", "/body", {"Content-Type": "application/json; charset=utf-8"}, b"[]"
    ),
    "malformed body": Request("POST", "/body", JSON, b'{"a":'),
    "empty body": Request("POST", "/body", JSON),
    "body that is not UTF-8": Request("POST", "/body", JSON, b'"\xff"'),
    "body of another type": Request("POST", "/body", {"Content-Type": "text/json"}, b'{"a":1}'),
    "CORS": Request("GET", "/json", ORIGIN),
    "CORS, blank origin": Request("GET", "/json", {"Origin": ""}),
    "CORS on a 404": Request("GET", "/nope", ORIGIN),
    "CORS on a 405": Request("PUT", "/json", ORIGIN),
    "CORS on a redirect": Request("GET", "/items//x", ORIGIN),
    "CORS of the view's own": Request("GET", "/allowed", ORIGIN),
    "CORS and a private network": Request(
        "GET", "/json", ORIGIN | {"Access-Control-Request-Private-Network": "true"}
    ),
    "preflight": Request("OPTIONS", "/json", PREFLIGHT),
    "origin twice": Request("GET", "/json", {"Origin": "https://a.example\nhttps://b.example"}),
    "preflight, headers asked for twice": Request(
        "OPTIONS", "/json", PREFLIGHT | {"Access-Control-Request-Headers": "x-b, x-c\nx-a"}
    ),
    "preflight in lower case": Request(
        "OPTIONS", "/json", ORIGIN | {"Access-Control-Request-Method": "put"}
    ),
    "preflight with headers": Request(
        "OPTIONS", "/json", PREFLIGHT | {"Access-Control-Request-Headers": "x-foo,  B , a"}
    ),
    "preflight with an empty header": Request(
        "OPTIONS", "/json", PREFLIGHT | {"Access-Control-Request-Headers": "b,,a"}
    ),
    "preflight for a method of no list": Request(
        "OPTIONS", "/json", ORIGIN | {"Access-Control-Request-Method": "BREW"}
    ),
    "preflight without origin": Request(
        "OPTIONS", "/json", {"Access-Control-Request-Method": "PUT"}
    ),
    "preflight of an unknown path": Request("OPTIONS", "/nope", PREFLIGHT),
    "preflight headers outside a preflight": Request("GET", "/json", PREFLIGHT),
} | {f"abort({status})": Request("GET", f"/abort/{status}") for status in default_exceptions}

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

MISSED = {  # what test_answers, test_forms and test_reading look at closely
    "type": Request("GET", "/types/decimal"),
    "text": Request("GET", "/two"),
    "query": Request("GET", "/q?a=1&a=2"),
    "number": Request("GET", "/q?n=x"),
    "number in a path": Request("GET", "/numbered/+5"),
    "boolean": Request("GET", "/q?flag=false"),
    "form": Request("POST", "/field", FORM, b"a="),
    "cookie": Request("GET", "/cookies", {"Cookie": "a=1; a=2"}),
    "documentation": Request("GET", "/docs"),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_the_kit_answers_as_flask(name: str) -> None:
    await assert_alike(REQUESTS[name])


async def test_a_status_werkzeug_has_no_exception_for_is_a_crash() -> None:
    await assert_alike(Request("GET", "/abort/204"))


segments = st.sampled_from(
    ["slash", "items", "json", "two", "x", "fixed", "%2F", "%0A", "é", ".", "..", ""]
)
paths = st.lists(segments, max_size=4).map(lambda parts: "/" + "/".join(parts))
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])


@given(methods, paths)
async def test_every_path_is_routed_as_flask_routes_it(method: str, path: str) -> None:
    request = Request(method, path.replace("é", "%C3%A9"))
    expected = flask_twin().ask(request)
    assert comparable(await fastapi_twin().send(request)) == comparable(expected)


@pytest.mark.parametrize("behaviour", Behaviour)
async def test_every_behaviour_can_be_dropped_and_is_missed(behaviour: Behaviour) -> None:
    kit, bare = fastapi_twin(), fastapi_twin(behaviour)
    missed = {
        name
        for name, request in (REQUESTS | MISSED).items()
        if comparable(await bare.send(request)) != comparable(await kit.send(request))
    }
    assert missed, f"{behaviour} does nothing"


async def test_all_behaviours_can_be_dropped_and_fastapi_is_left() -> None:
    plain = FastAPI()
    plain.include_router(router)
    bare = fastapi_twin(*Behaviour, cors=None)
    for request in (REQUESTS | MISSED).values():
        if request.target not in {"/list", "/form"} and not request.target.startswith("/two"):
            assert await bare.send(request) == await AsgiTarget(plain).send(request)


async def test_it_comes_before_the_first_request() -> None:
    app = FastAPI()
    await AsgiTarget(app).send(Request("GET", "/"))
    with pytest.raises(RuntimeError, match="before the first request"):
        flask_compatible(app)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
async def test_p016_the_documentation_is_unknown(path: str) -> None:
    await assert_alike(Request("GET", path))


async def test_p016_the_schema_can_still_be_made() -> None:
    app = FastAPI()
    flask_compatible(app)
    app.include_router(router)
    assert "/json" in app.openapi()["paths"]


@pytest.mark.parametrize("path", ["/list", "/boom"])
async def test_p106_a_policy_may_be_given_for_all_paths(path: str) -> None:
    target = _with_policy(Cors(origins="https://a.example"))
    answer = await target.send(Request("GET", path))
    assert answer.header("access-control-allow-origin") == "https://a.example"


async def test_p103_an_app_without_flask_cors_has_no_such_headers() -> None:
    app = FastAPI()
    flask_compatible(app)
    app.get("/list")(get_list)
    answer = await AsgiTarget(app).send(Request("GET", "/list", ORIGIN))
    assert answer.header("access-control-allow-origin") is None


async def test_p101_policies_may_be_given_for_paths() -> None:
    target = _with_policy({"/list": Cors(origins="https://a.example")})
    answer = await target.send(Request("GET", "/list", ORIGIN))
    assert answer.header("access-control-allow-origin") == "https://a.example"
    assert (await target.send(Request("GET", "/boom"))).header(
        "access-control-allow-origin"
    ) is None


def _with_policy(cors: Cors | Resources) -> AsgiTarget:
    app = FastAPI()
    flask_compatible(app, cors=cors)
    app.get("/list")(get_list)
    app.get("/boom")(get_boom)
    return AsgiTarget(app)


async def test_middleware_that_is_added_later_is_inside() -> None:
    app = FastAPI()
    flask_compatible(app, cors=Cors())

    app.add_middleware(lambda _app: Response(status_code=418))
    answer = await AsgiTarget(app).send(Request("GET", "/", ORIGIN))
    assert answer.header("access-control-allow-origin") == ORIGIN["Origin"]


async def test_an_exception_handler_of_the_app_wins_over_the_page() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.exception_handler(404)
    async def own(_request: object, _error: object) -> FlaskJSONResponse:
        return FlaskJSONResponse("nothing here", 404)

    assert (await AsgiTarget(app).send(Request("GET", "/nope"))).body == b'"nothing here"\n'


async def test_mounted_apps_are_left_alone() -> None:
    app = FastAPI()
    flask_compatible(app)
    app.mount("/sub", Starlette(routes=[Route("/x", lambda _: PlainTextResponse("there"))]))
    for method in ("OPTIONS", "PUT"):
        answer = await AsgiTarget(app).send(Request(method, "/sub/x"))
        assert sorted((answer.header("allow") or "").split(", ")) == ["GET", "HEAD"]
    assert (await AsgiTarget(app).send(Request("HEAD", "/sub/x"))).status == 200


async def test_paths_are_read_below_the_root_path() -> None:
    app = fastapi_twin().app

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": "/prefix"}, receive, send)

    target = AsgiTarget(below)
    options = await target.send(Request("OPTIONS", "/prefix/two"))
    assert options.header("allow") == "GET, HEAD, OPTIONS, POST"
    redirect = await target.send(Request("GET", "/prefix/items//x"))
    assert redirect.header("location") == f"http://{HOST}/prefix/items/x"
