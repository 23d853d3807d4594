"""The kit's CORS against flask-cors itself, over its options and all kinds of requests."""

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from flask_cors import CORS
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.kit.compat import flask_compatible
from gateway.kit.compat.cors import Cors, Text, cors
from gateway.kit.compat.install import Options
from tests.drive import AsgiTarget, Request, WsgiTarget
from tests.kit.equal import both, comparable, quiet_flask

A = "https://a.example"
B = "https://b.example"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

origins: st.SearchStrategy[Any] = st.sampled_from(
    [
        "*",
        A,
        A.upper(),
        [A],
        [A, B],
        [],
        ["*", A],
        r"https://[ab]\.example",
        [r"https://.*\.example$", B],
        re.compile("https://a"),
        ".*",
        "",
    ]
)
options = st.fixed_dictionaries(
    {},
    optional={
        "origins": origins,
        "methods": st.sampled_from(["GET", ["put", "GET"], ["POST"], "get,put", [], None]),
        "allow_headers": st.sampled_from(["*", "X-A", ["X-A", "x-b"], [], r"x-\w$", [r"^x-.*"]]),
        "expose_headers": st.sampled_from([None, "X-E", ["X-F", "X-E"], "", []]),
        "supports_credentials": st.booleans(),
        "max_age": st.sampled_from([None, 0, 600, "30", "", timedelta(minutes=1), timedelta()]),
        "send_wildcard": st.booleans(),
        "vary_header": st.booleans(),
        "always_send": st.booleans(),
        "allow_private_network": st.booleans(),
    },
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Origin": st.sampled_from([A, B, "HTTPS://A.example", "https://evil.example", "null", ""]),
        "Access-Control-Request-Method": st.sampled_from(["GET", "put", "E", "BREW", ""]),
        "Access-Control-Request-Headers": st.sampled_from(["x-a", "X-B, x-a", "y,,x-c ", ""]),
        "Access-Control-Request-Private-Network": st.sampled_from(["true", "false"]),
    },
)
PATHS = ["/a", "/a/b", "/a/b/c", "/%61", "/%2561", "//a", "/A", "/crash"]
requests = st.builds(
    Request, st.sampled_from(["GET", "OPTIONS", "POST"]), st.sampled_from(PATHS), headers
)
resources: st.SearchStrategy[dict[Any, dict[str, Any]]] = st.dictionaries(
    st.sampled_from(
        ["*", "/a", "/a/*", r"/a/\w+$", r"^/a/b/c$", "/a/b", "/a/b/c", re.compile("/a/b"), ".*b"]
    ),
    options,
    max_size=4,
)


def flask_app(**arguments: Any) -> Flask:
    app = quiet_flask(__name__)
    CORS(app, **arguments)

    @app.route("/<path:path>", methods=METHODS)
    def view(path: str) -> str:
        if path == "crash":
            raise ValueError(path)
        return "x"

    return app


def bare_app() -> ASGIApp:
    def answer(request: StarletteRequest) -> Response:
        if request.url.path == "/crash":
            return PlainTextResponse(status_code=500)
        return PlainTextResponse("x")

    return Starlette(routes=[Route("/{path:path}", answer, methods=METHODS)])


def refused(**arguments: Any) -> bool:
    """Whether flask-cors takes no such options; the kit then must not either."""
    try:
        flask_app(**arguments)
    except ValueError:
        return True
    return False


async def assert_same_headers(kit: ASGIApp, flask: Flask, request: Request) -> None:
    (_, ours, _), (_, flasks, _) = await both(flask, AsgiTarget(kit), request)
    assert cors_headers(ours) == cors_headers(flasks)


def cors_headers(headers: dict[str, list[list[str]]]) -> dict[str, list[tuple[str, ...]]]:
    """Each line once: flask-cors repeats those of a crash if the origin that it sends is blank."""
    cors = {n: v for n, v in headers.items() if n == "vary" or n.startswith("access-control-")}
    return {n: sorted({tuple(line) for line in v}) for n, v in cors.items()}


@settings(deadline=None)  # the first example builds the apps
@given(options, requests)
async def test_p101_a_policy_gives_the_headers_of_flask_cors(
    chosen: dict[str, Any], request: Request
) -> None:
    if refused(**chosen):
        with pytest.raises(ValueError, match="exclude each other"):
            cors(bare_app(), Cors(**chosen))
    else:
        await assert_same_headers(cors(bare_app(), Cors(**chosen)), flask_app(**chosen), request)


@settings(deadline=None)  # the first example builds the apps
@given(resources, requests)
async def test_p101_of_several_resources_the_same_one_decides(
    chosen: dict[Text, dict[str, Any]], request: Request
) -> None:
    if not refused(resources=chosen):
        policies = {path: Cors(**policy) for path, policy in chosen.items()}
        kit = cors(bare_app(), resources=policies)
        await assert_same_headers(kit, flask_app(resources=chosen), request)


ONE = {"origins": A}
PREFLIGHT = {"Origin": A, "Access-Control-Request-Method": "PUT"}
EVIL = PREFLIGHT | {"Origin": "https://evil.example"}
ROWS: dict[str, tuple[dict[str, Any], Request]] = {
    "p101 preflight of an origin that is not allowed": (ONE, Request("OPTIONS", "/a", EVIL)),
    "p102 preflight, all methods, headers echoed": (
        ONE,
        Request("OPTIONS", "/a", PREFLIGHT | {"Access-Control-Request-Headers": "x-foo"}),
    ),
    "p103 single origin and none sent": (ONE, Request("GET", "/a")),
    "p104 any origin": ({}, Request("GET", "/a", {"Origin": A})),
    "p105 preflight without an age": (ONE, Request("OPTIONS", "/a", PREFLIGHT)),
    "p102 preflight for a part of a method's name": (
        ONE,
        Request("OPTIONS", "/a", PREFLIGHT | {"Access-Control-Request-Method": "E"}),
    ),
    "p104 a pattern, and the origin in capitals": (
        {"origins": r"https://[ab]\.example"},
        Request("GET", "/a", {"Origin": A.upper()}),
    ),
    "p106 crash": (ONE, Request("GET", "/crash", {"Origin": A})),
}


@pytest.mark.parametrize("row", ROWS)
async def test_p101_p106_the_rows(row: str) -> None:
    chosen, request = ROWS[row]
    await assert_same_headers(cors(bare_app(), Cors(**chosen)), flask_app(**chosen), request)


async def test_p103_the_answer_names_the_only_origin_unasked() -> None:
    answer = await AsgiTarget(cors(bare_app(), Cors(origins=A))).send(Request("GET", "/a"))
    assert answer.header("access-control-allow-origin") == A
    assert answer.header("vary") is None


async def test_p101_what_the_handler_allowed_itself_stays() -> None:
    own = PlainTextResponse("x", headers={"Access-Control-Allow-Origin": B})
    answer = await AsgiTarget(cors(own)).send(Request("GET", "/a", {"Origin": A}))
    assert answer.header("access-control-allow-origin") == B


async def test_p101_paths_are_matched_below_the_root_path() -> None:
    flask = flask_app(resources={"/a": {}})
    request = Request("GET", "/a", {"Origin": A})
    kit = cors(bare_app(), resources={"/a": Cors()})

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        await kit({**scope, "root_path": "/p", "path": f"/p{scope['path']}"}, receive, send)

    _, headers, _ = comparable(await AsgiTarget(below).send(request))
    _, flasks, _ = comparable(WsgiTarget(flask).ask(request))
    assert cors_headers(headers) == cors_headers(flasks)


def test_p101_resources_may_be_named_by_texts_patterns_or_both() -> None:
    """For the type checker as well: a Mapping is invariant in its keys."""
    texts = {"/a": Cors()}
    patterns = {re.compile("/a"): Cors()}
    mixed: dict[Text, Cors] = {"/a": Cors(), re.compile("/b"): Cors()}
    for one in (Options(cors=texts), Options(cors=patterns), Options(cors=mixed)):
        flask_compatible(FastAPI(), **one)
