"""Requests that schemathesis makes of the admin API's own schema, valid and not, asked by an admin.

None ends in an error of the server; every answer has a status, a type and a shape that the schema
documents; what the schema forbids is refused. `BANYAN_TEST_ADMIN_CASES` makes it more of them: so many
valid and so many invalid ones for each operation on each store, and four times as many plans.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.control.app import create_control
from gateway.endpoints import Inventory
from gateway.settings import Settings
from tests.conftest import ADMIN_CASES
from tests.control.api import PLAN, SECOND, Api, opened_api
from tests.controlling import As
from tests.drive import Answer, AsgiTarget, Request
from tests.plans import texts

EXAMPLES = int(os.environ.get("BANYAN_TEST_ADMIN_CASES", "45" if "CI" in os.environ else "12"))
BASE = "http://localhost"
SPLINTERS = (
    *(
        "*a",
        "&a ",
        "<<: *a",
        "? ",
        "- ",
        "[",
        "{",
        "]",
        "}",
        ": ",
        "!!python/object:os.system ",
        "!x ",
    ),
    *(
        '"\\ud800"',
        '"\\0"',
        "\x00",
        "\ufeff",
        "\u2028",
        "\t",
        "\r",
        "%YAML 9.9\n",
        "---\n",
        "...\n",
    ),
    *("1e999", ".nan", "0x1F", "2026-99-99", "1:59:59", "~", "=", "[" * 99, "- " * 999, "#" * 9999),
    *("a: &a [1]\nb: [*a, *a]\n", "kill_switch: yes\n", "GET /a\\n", "9" * 5000),
)
ENDLESS = "GET /api/v1/events"  # tests of its own end it
ELSEWHERE = {400, 404, 405, 413, 415}  # where a request is not read as one of the operation
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Generated: TypeAlias = "schemathesis.Case[Any]"
Send: TypeAlias = Callable[[Request], Answer]


def _document() -> dict[str, Any]:
    """The schema without its tokens: who may do what has a test for each operation and role."""
    document = create_control(Settings(store="sqlite:///none")).openapi()
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return document


OPERATIONS: dict[str, Operation] = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(_document()).get_all_operations()
    if isinstance(found, Ok) and " /api/" in found.ok().label and found.ok().label != ENDLESS
}


@contextmanager
def admin(folder: Path, store: str) -> Iterator[tuple[Api, Send]]:
    """The admin API over a store with two versions of a plan, or with nothing, called from outside of a loop."""
    with opened_api(folder) as api, start_blocking_portal() as portal:
        for text in (PLAN, SECOND) if store == "planned" else ():
            api.apply(text)
        yield api, _sending(portal, AsgiTarget(As(api.app)))


def _sending(portal: BlockingPortal, target: AsgiTarget) -> Send:
    return lambda request: portal.call(target.send, request)


@pytest.mark.parametrize("store", ["planned", "empty"])
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_finds_a_defect(
    label: str, store: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    operation, statuses = OPERATIONS[label], Counter[int]()
    with admin(tmp_path, store) as (_, send):

        def check(case: Generated) -> None:
            request, prepared = _request(case)
            answer = send(request)
            _check(case, prepared, answer)
            statuses[answer.status] += 1

        for mode in GenerationMode:
            generate(operation.as_strategy(generation_mode=mode), check)
    assert statuses.total()
    record_property(ADMIN_CASES, statuses.total())


@st.composite
def plans(draw: st.DrawFn) -> str:
    """A plan as people write them, most often with something in it that does not belong there."""
    text: str = draw(texts())
    for splinter in draw(st.lists(st.sampled_from(SPLINTERS), max_size=2)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + splinter + text[at:]
    return text


def test_a_plan_is_taken_as_it_is_or_refused_as_a_whole(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    statuses = Counter[int]()
    with admin(tmp_path, "planned") as (api, send):
        api.inventory = Inventory(None, None)  # any route will do

        def asked(method: str, path: str, body: object = None, etag: str = "") -> Answer:
            headers = {"host": "localhost", "content-type": "application/json", "if-match": etag}
            data = b"" if body is None else json.dumps(body).encode()
            answer = send(Request(method, f"/api/v1{path}", headers, data))
            statuses[answer.status] += 1
            return answer

        def check(text: str) -> None:
            newest = api.store.versions.newest()
            checked = asked("POST", "/plan/check", {"document": text})
            body = {"document": text, "reason": "x"}
            answer = asked("PUT", "/plan", body, f'"{newest}"')
            assert answer.status == checked.status, (answer, checked)
            if answer.status == 422:
                assert answer.json()["problems"] == checked.json()["problems"]
                assert api.store.versions.newest() == newest
                return
            assert answer.status == 200, answer
            assert asked("GET", "/plan").json()["document"] == text
            assert asked("GET", "/routes").status == 200
            assert asked("GET", f"/versions/{answer.json()['version']}/diff").status == 200

        generate(plans(), check, 4 * EXAMPLES)
    assert statuses[200] > EXAMPLES
    assert statuses[422] > EXAMPLES
    record_property(ADMIN_CASES, statuses.total())


def generate(strategy: Any, check: Callable[[Any], None], examples: int = EXAMPLES) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(case: Any) -> None:
        check(case)

    with suppress(Unsatisfiable):  # of some, nothing that is not valid can be made
        run()


def _check(case: Generated, prepared: requests.PreparedRequest, answer: Answer) -> None:
    if answer.status in ELSEWHERE and str(answer.status) not in _documented(case):
        assert answer.header("content-type") == "application/problem+json", answer
        return
    names = {name for name, _ in answer.headers}
    headers = {name: [answer.header(name) or ""] for name in names}
    response = Response(answer.status, headers, answer.body, prepared, 0.0, verify=False)
    case.validate_response(response, checks=list(CHECKS))


def _documented(case: Generated) -> set[str]:
    return set(case.operation.definition.raw["responses"])


def _request(case: Generated) -> tuple[Request, requests.PreparedRequest]:
    arguments = case.as_transport_kwargs(base_url=BASE)
    names = ("method", "url", "headers", "params", "data", "json", "cookies")
    prepared = requests.Request(**{n: arguments[n] for n in names if n in arguments}).prepare()
    target = (prepared.url or "").removeprefix(BASE)
    body = prepared.body or b""
    assert isinstance(body, str | bytes)  # never a stream here
    headers = {name.lower(): str(value) for name, value in prepared.headers.items()}
    kept = {"content-type", "if-match", "accept"}
    request = Request(
        prepared.method or "GET",
        target,
        {"host": "localhost", **{name: headers[name] for name in kept & headers.keys()}},
        body.encode() if isinstance(body, str) else body,
    )
    return request, prepared
