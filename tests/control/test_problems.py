"""Whatever goes wrong in the admin API, the client gets a problem document."""

from typing import Annotated, Any, Literal

import pytest
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from structlog.dev import ConsoleRenderer
from structlog.testing import capture_logs

from gateway.control import problems
from gateway.control.problems import ApiProblem, Problem, responses
from gateway.control.tokens import TokenRefused
from gateway.errors import BanyanError
from gateway.plan.document import parse
from gateway.store.errors import NoSuchVersion, StoreUnavailable, VersionConflict
from tests.drive import Answer, AsgiTarget, Request

SECRET = "hunter2-hunter2"


class StackNotFound(BanyanError):
    """A leaf that the table does not name."""


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = 0
    name: Annotated[str, Field(max_length=5)] = ""
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None


def app() -> FastAPI:
    made = FastAPI(telemetry={"tracing": False})
    problems.install(made, {ZeroVersions: 410})

    @made.get("/raise/{name}", responses=responses(404, 409))
    async def fail(name: str) -> None:
        raise RAISED[name]

    @made.post("/body")
    async def body(body: Body, n: Annotated[int, Query()] = 0) -> None:
        return None

    @made.get("/plan")
    async def plan(text: str) -> None:
        parse(text)

    @made.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> Any:
            yield b"one"
            raise ValueError(SECRET)

        return StreamingResponse(parts())

    return made


class ZeroVersions(NoSuchVersion):
    """A kind that the app names itself."""


RAISED = {
    "api": ApiProblem(404, "no_such_route", "no route GET /x", nearest="GET /y", tried=3),
    "unnamed": StackNotFound("no app at x:y"),
    "conflict": VersionConflict(7, 9),
    "version": NoSuchVersion(7, 5),
    "kind": ZeroVersions(7, 5),
    "token": TokenRefused("a token's name has 1 to 64"),
    "store": StoreUnavailable("the store does not answer"),
    "http": HTTPException(404, "no such worker"),
    "teapot": HTTPException(418),
    "bug": ValueError(SECRET),
}


async def ask(method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
    sent = {"content-type": "application/json", **headers}
    return await AsgiTarget(app()).send(Request(method, target, sent, body))


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/body", 405, "method_not_allowed"),
        ("GET", "/body/", 404, "not_found"),
        ("GET", "/raise/api", 404, "no_such_route"),
        ("GET", "/raise/unnamed", 409, "stack_not_found"),
        ("GET", "/raise/conflict", 409, "version_conflict"),
        ("GET", "/raise/version", 404, "no_such_version"),
        ("GET", "/raise/kind", 410, "zero_versions"),
        ("GET", "/raise/token", 422, "token_refused"),
        ("GET", "/raise/store", 503, "store_unavailable"),
        ("GET", "/raise/http", 404, "not_found"),
        ("GET", "/raise/teapot", 418, "http_418"),
        ("GET", "/raise/bug", 500, "internal"),
        ("GET", "/plan?text=phase:+x", 422, "plan_refused"),
        ("POST", "/body?n=x", 422, "invalid_request"),
        ("GET", "/../../etc/passwd", 404, "not_found"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404, "not_found"),
        ("GET", "/raise/..%2f..%2fetc%2fpasswd", 404, "not_found"),
        ("GET", "/%00%0d%0aX-Evil:1", 404, "not_found"),
    ],
)
async def test_b082_every_error_is_a_problem_document(
    method: str, target: str, status: int, code: str
) -> None:
    answer = await ask(method, target)
    problem = Problem.model_validate(answer.json())
    assert answer.header("content-type") == "application/problem+json"
    assert (answer.status, problem.status, problem.code) == (status, status, code)
    assert problem.type == f"/problems/{code}"
    assert "passwd" not in answer.body.decode()


async def test_extensions_stand_beside_the_members_of_the_rfc() -> None:
    problem = (await ask("GET", "/raise/api")).json()
    assert problem == {
        "type": "/problems/no_such_route",
        "title": "No such route",
        "status": 404,
        "detail": "no route GET /x",
        "code": "no_such_route",
        "nearest": "GET /y",
        "tried": 3,
    }


async def test_a_wrong_method_is_told_the_right_ones() -> None:
    assert (await ask("DELETE", "/body")).header("allow") == "POST"


async def test_what_an_endpoint_says_is_kept() -> None:
    assert (await ask("GET", "/raise/http")).json()["detail"] == "no such worker"


async def test_a_conflict_tells_the_version_in_force() -> None:
    assert (await ask("GET", "/raise/conflict")).json()["version"] == 9


async def test_all_problems_of_a_plan_are_told_with_their_lines() -> None:
    plan = "phase:%20x%0Aroutes:%0A%20%20-%20route:%20GET%20/a%0A%20%20%20%20moden:%201"
    told = (await ask("GET", f"/plan?text={plan}")).json()["problems"]
    assert [(one["line"], one["place"]) for one in told] == [
        (1, "phase"),
        (3, "routes[0]"),
        (4, "routes[0].moden"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"count": "%s"}',
        b'{"name": "%s"}',
        b'{"pet": {"kind": "%s"}}',
        b'{"count": {"%s": "%s"}}',
        b'"%s"',
        b"%s",
        b'{"count": 1, "pet": "%s"',
    ],
)
async def test_b086_what_was_sent_does_not_come_back(body: bytes) -> None:
    sent = body.replace(b"%s", SECRET.encode())
    with capture_logs() as logs:
        answer = await ask("POST", "/body", sent)
    assert answer.status == 422
    assert answer.json()["problems"]
    assert SECRET not in answer.body.decode() + str(logs)


async def test_what_is_wrong_is_told_by_place_and_rule() -> None:
    told = (await ask("POST", "/body", b'{"count": "x", "pet": {"kind": "cow"}}')).json()
    assert told["problems"] == [
        {
            "line": 0,
            "place": "body.count",
            "message": "Input should be a valid integer, unable to parse string as an integer",
        },
        {"line": 0, "place": "body.pet", "message": "expected one of 'cat', 'dog'"},
    ]


async def test_b082_a_hundred_thousand_faults_make_a_short_answer() -> None:
    body = b"{" + b",".join(b'"%d": 1' % n for n in range(100_000)) + b"}"
    answer = await ask("POST", "/body", body)
    assert len(answer.json()["problems"]) == 20
    assert "100000 of the values" in answer.json()["detail"]


async def test_b082_a_long_field_name_is_cut() -> None:
    answer = await ask("POST", "/body", b'{"%s": 1}' % (b"x" * 100_000))
    assert len(answer.body) < 1000


async def test_b082_a_field_name_that_is_half_a_character_is_no_error_of_ours() -> None:
    answer = await ask("POST", "/body", rb'{"\ud800<script>": 1}')
    assert answer.status == 422
    assert answer.json()["code"] == "invalid_request"


async def test_b082_json_nested_without_end_is_a_problem_too() -> None:
    answer = await ask("POST", "/body", b"[" * 200_000)
    assert 400 <= answer.status < 500
    assert answer.json()["code"] in {"malformed_request", "invalid_request"}


async def test_a_bug_is_logged_once_and_its_text_stays_inside() -> None:
    with capture_logs() as logs:
        answer = await ask("GET", "/raise/bug")
    assert SECRET not in answer.body.decode()
    assert [(log["event"], log["route"]) for log in logs] == [("request.failed", "/raise/{name}")]


async def test_b086_the_trace_of_a_bug_does_not_hold_the_callers_token() -> None:
    with capture_logs() as logs:
        await ask("GET", "/raise/bug", authorization="Bearer banyan_abcdefgh_x")
    printed = ConsoleRenderer()(None, "error", logs[0])
    assert "ValueError" in printed
    assert "banyan_abcdefgh_x" not in printed


async def test_an_answer_that_breaks_off_is_not_answered_again() -> None:
    with pytest.raises(ValueError, match=SECRET):
        await ask("GET", "/stream")


def test_openapi_documents_problems_and_nothing_else() -> None:
    document = app().openapi()
    told = document["paths"]["/raise/{name}"]["get"]["responses"]
    assert set(told) == {"200", "404", "409", "default"}
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert told["404"]["content"] == {"application/problem+json": schema}
    assert {"Problem", "Fault"} <= set(document["components"]["schemas"])
