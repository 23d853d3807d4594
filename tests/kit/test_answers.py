"""What an endpoint returns, against what Flask makes of a view's value."""

from collections.abc import AsyncIterator, Iterator
from enum import Enum
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from gateway.kit.compat import Behaviour, FlaskJSONResponse, flask_compatible
from gateway.kit.compat.json import StrictJSONResponse
from tests.drive import AsgiTarget, Request
from tests.kit.fastapi_twin import assert_alike, fastapi_twin
from tests.kit.flask_twin import VALUES

MIMETYPES = [
    "application/xml",
    "application/javascript",
    "text/css",
    "image/svg+xml",
    "application/json",
    "application/octet-stream",
    "text/html; charset=latin-1",
]


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize("path", ["/json", "/list"])
async def test_p022_to_p024_json_is_written_as_flask_writes_it(path: str) -> None:
    await assert_alike(Request("GET", path))


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("path", ["types", "modelled"])
async def test_p026_to_p034_types_are_written_as_flask_writes_them(path: str, name: str) -> None:
    await assert_alike(Request("GET", f"/{path}/{name}"))


@pytest.mark.parametrize(
    ("value", "written"), [({1}, b"[1]\n"), (Colour.RED, b'"red"\n'), ({"b": {2}}, b'{"b":[2]}\n')]
)
async def test_p032_what_crashes_in_flask_is_written_as_fastapi_does(
    value: Any, written: bytes
) -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/")
    async def get() -> Any:
        return value

    assert (await AsgiTarget(app).send(Request("GET", "/"))).body == written


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_p038_text_is_html(method: str) -> None:
    await assert_alike(Request(method, "/two"))


@pytest.mark.parametrize("mimetype", MIMETYPES)
@pytest.mark.parametrize("path", ["mimetype", "content-type"])
async def test_p040_a_charset_is_added_where_werkzeug_adds_it(path: str, mimetype: str) -> None:
    if (path, mimetype) != ("content-type", "text/css"):  # Starlette adds it to any text/*
        await assert_alike(Request("GET", f"/{path}?type={mimetype.replace('+', '%2B')}"))


@pytest.mark.parametrize("path", ["/bare", "/teapot"])
async def test_p041_a_bare_response_is_html(path: str) -> None:
    await assert_alike(Request("GET", path))


async def test_p041_plain_text_stays_plain() -> None:
    answer = await AsgiTarget(_returning(PlainTextResponse("x"))).send(Request("GET", "/"))
    assert answer.header("content-type") == "text/plain; charset=utf-8"


async def test_p041_a_stream_without_a_type_is_html() -> None:
    response = StreamingResponse(iter([b"1"]))
    answer = await AsgiTarget(_returning(response)).send(Request("GET", "/"))
    assert answer.header("content-type") == "text/html; charset=utf-8"


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/empty"), ("GET", "/unmodified")])
async def test_p042_answers_without_a_body_have_flasks_headers(method: str, path: str) -> None:
    await assert_alike(Request(method, path))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_p030_a_strict_app_writes_no_nan(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        StrictJSONResponse(value)


async def test_p030_nan_is_a_crash_unless_it_is_allowed() -> None:
    app = FastAPI()
    flask_compatible(app, allow_nan=False)

    @app.get("/")
    async def get() -> float:
        return float("nan")

    assert (await AsgiTarget(app).send(Request("GET", "/"))).status == 500


async def test_a_route_with_a_response_class_of_its_own_is_left_alone() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/", response_class=JSONResponse)
    async def get() -> dict[str, Any]:
        return {"b": VALUES["date"], "a": "é"}

    body = (await AsgiTarget(app).send(Request("GET", "/"))).body
    assert body == '{"b":"2024-01-02","a":"é"}'.encode()


async def test_a_route_can_ask_for_a_json_string() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/", response_class=FlaskJSONResponse)
    async def get() -> str:
        return "text"

    assert (await AsgiTarget(app).send(Request("GET", "/"))).body == b'"text"\n'


async def test_what_an_endpoint_sets_on_the_response_is_kept() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/", status_code=201)
    async def get(response: Response) -> str:
        response.headers["X-Own"] = "1"
        return "made"

    answer = await AsgiTarget(app).send(Request("GET", "/"))
    assert (answer.status, answer.header("x-own"), answer.body) == (201, "1", b"made")


async def test_p040_a_type_that_an_endpoint_sets_replaces_that_of_the_class() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/")
    async def get(response: Response) -> dict[str, int]:
        response.headers["Content-Type"] = "application/vnd.x+json"
        return {"a": 1}

    answer = await AsgiTarget(app).send(Request("GET", "/"))
    assert answer.header("content-type") == "application/vnd.x+json"


async def test_a_response_model_still_filters() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/", response_model=dict[str, int], response_model_exclude={"b"})
    def get() -> Any:
        return {"a": "1", "b": 2}

    assert (await AsgiTarget(app).send(Request("GET", "/"))).body == b'{"a":1}\n'


async def test_a_generator_is_still_a_stream_of_lines() -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/sync")
    def sync() -> Iterator[int]:
        yield from (1, 2)

    @app.get("/async")
    async def without_threads() -> AsyncIterator[int]:
        yield 1
        yield 2

    for path in ("/sync", "/async"):
        answer = await AsgiTarget(app).send(Request("GET", path))
        assert (answer.header("content-type"), answer.body) == ("application/jsonl", b"1\n2\n")


async def test_without_its_bytes_json_keeps_flasks_types() -> None:
    answer = await fastapi_twin(Behaviour.JSON).send(Request("GET", "/types/decimal"))
    assert answer.body == b'{"v":"1.10"}'


async def test_without_its_types_json_keeps_flasks_bytes() -> None:
    answer = await fastapi_twin(Behaviour.TYPES).send(Request("GET", "/types/date"))
    assert answer.body == b'{"v":"2024-01-02"}\n'


async def test_another_app_in_the_process_writes_plain_json() -> None:
    plain = FastAPI()

    @plain.get("/")
    async def get() -> dict[str, Any]:
        return {"b": VALUES["date"], "a": "é"}

    await fastapi_twin().send(Request("GET", "/json"))
    body = (await AsgiTarget(plain).send(Request("GET", "/"))).body
    assert body == '{"b":"2024-01-02","a":"é"}'.encode()


def _returning(response: Response) -> FastAPI:
    app = FastAPI()
    flask_compatible(app)

    @app.get("/", response_model=None)
    async def get() -> Response:
        return response

    return app
