"""`conditional` of the kit against `add_etag` and `make_conditional` of Flask."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from fastapi import Request as FastAPIRequest
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from gateway.kit.compat import flask_compatible
from gateway.kit.compat.conditional import conditional
from tests.drive import AsgiTarget, Request, WsgiTarget
from tests.kit.equal import both, quiet_flask

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
HEADERS = {"Cache-Control": "max-age=1", "Set-Cookie": "a=1", "Content-Language": "de"}
BEFORE = "Tue, 02 Jan 2024 11:00:00 GMT"
AFTER = "Tue, 02 Jan 2024 13:00:00 GMT"

CASES: dict[str, dict[str, Any]] = {
    "tag of the body": {},
    "weak tag of the body": {"weak": True},
    "own tag": {"etag": "t"},
    "own weak tag": {"etag": "t", "weak": True},
    "time only": {"etag": False, "last_modified": NOON},
    "tag and time": {"etag": "t", "last_modified": NOON.timestamp()},
    "nothing": {"etag": False},
}
REQUESTS: dict[str, dict[str, str]] = {
    "unconditional": {},
    "its tag": {"If-None-Match": '"t"'},
    "its tag, weak": {"If-None-Match": 'W/"t"'},
    "another tag": {"If-None-Match": '"x"'},
    "a list": {"If-None-Match": '"x", W/"y", "t"'},
    "a list in two lines": {"If-None-Match": '"x"\n"t"'},
    "any": {"If-None-Match": "*"},
    "without quotes": {"If-None-Match": "t"},
    "if it is": {"If-Match": '"t"'},
    "if it is another": {"If-Match": '"x"'},
    "if it is any": {"If-Match": "*"},
    "modified since before": {"If-Modified-Since": BEFORE},
    "modified since then": {"If-Modified-Since": "Tue, 02 Jan 2024 12:00:00 GMT"},
    "modified since after": {"If-Modified-Since": AFTER},
    "unmodified since before": {"If-Unmodified-Since": BEFORE},
    "unmodified since after": {"If-Unmodified-Since": AFTER},
    "no date": {"If-Modified-Since": "yesterday"},
    "tag before time": {"If-None-Match": '"x"', "If-Modified-Since": AFTER},
    "range": {"Range": "bytes=0-1"},
}


def flask_app(
    etag: str | bool = True, weak: bool = False, last_modified: Any = None
) -> flask.Flask:
    app = quiet_flask(__name__)

    @app.route("/x", methods=["GET", "POST"])
    def view() -> flask.Response:
        response = flask.Response("body é", headers=HEADERS)
        if isinstance(etag, str):
            response.set_etag(etag, weak)
        elif etag:
            response.add_etag(weak=weak)
        if last_modified is not None:
            response.last_modified = last_modified
        response.make_conditional(flask.request)
        return response

    return app


@cache
def fastapi_app(**arguments: Any) -> AsgiTarget:
    app = FastAPI()
    flask_compatible(app)

    @app.api_route("/x", methods=["GET", "POST"])
    async def view(request: FastAPIRequest) -> Response:
        media_type = "text/html"  # Flask's
        response = PlainTextResponse("body é", headers=HEADERS, media_type=media_type)
        return conditional(request, response, **arguments)

    return AsgiTarget(app)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("headers", REQUESTS)
@pytest.mark.parametrize("case", CASES)
async def test_p094_an_answer_is_as_conditional_as_in_flask(
    case: str, headers: str, method: str
) -> None:
    arguments, request = CASES[case], Request(method, "/x", REQUESTS[headers])
    ours, flasks = await both(flask_app(**arguments), fastapi_app(**arguments), request)
    assert ours == flasks


@pytest.mark.parametrize("name", ["If-None-Match", "If-Match"])
async def test_p094_the_tag_that_flask_gave_is_recognised(name: str) -> None:
    tag = WsgiTarget(flask_app()).ask(Request("GET", "/x")).header("etag")
    request = Request("GET", "/x", {name: tag or ""})
    ours, flasks = await both(flask_app(), fastapi_app(), request)
    assert ours == flasks
    assert ours[0] == (304 if name == "If-None-Match" else 200)


def asked(headers: dict[bytes, bytes]) -> FastAPIRequest:
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": list(headers.items()),
    }
    return FastAPIRequest(scope)


def test_p094_a_tag_that_the_answer_has_stays() -> None:
    response = Response("x", headers={"ETag": '"own"'})
    assert conditional(asked({}), response, etag="other").headers["etag"] == '"own"'


def test_p094_a_stream_keeps_its_body_and_length_unknown() -> None:
    response = StreamingResponse(iter([b"x"]))
    answer = conditional(asked({}), response, etag="t")
    assert answer is response
    assert dict(answer.headers) == {"etag": '"t"'}


def test_p094_no_tag_is_made_of_a_stream() -> None:
    with pytest.raises(TypeError, match="no tag can be made of a stream"):
        conditional(asked({}), StreamingResponse(iter([b"x"])))


def test_p094_work_after_the_answer_is_done_after_a_304() -> None:
    task = BackgroundTask(lambda: None)
    response = Response("x", background=task)
    answer = conditional(asked({b"if-none-match": b'"t"'}), response, etag="t")
    assert (answer.status_code, answer.background) == (304, task)
    assert "date" not in answer.headers  # the server's
