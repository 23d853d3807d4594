"""Requests that schemathesis makes of modern's OpenAPI schema, valid and not, sent to both stacks.

Every answer has a status that the schema documents, none is a defect, and both stacks say the same: each
works on an example account of its own, and all requests of an operation go to both in the same order.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
import requests
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from fastapi_app import create_app
from shared_services.settings import TradingSettings
from tests.conftest import GENERATED
from tests.contract.case import compared
from tests.contract.targets import TARGETS
from tests.contract.world import EXAMPLE
from tests.drive import Answer, Request

EXAMPLES = 120  # of each operation that takes anything: so many valid ones, so many that are not
FEWER = {"POST /api/strategy/backtest": 30}  # a body of it takes half a second to make
ELSEWHERE = {308, 404, 405}  # a generated path may lead to no operation
BASE = "http://api.example"

SCHEMA = schemathesis.openapi.from_dict(create_app(TradingSettings(store="memory://")).openapi())
OPERATIONS = {
    result.ok().label: result.ok()
    for result in SCHEMA.get_all_operations()
    if isinstance(result, Ok)
}

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Generated: TypeAlias = "schemathesis.Case[Any]"
Both: TypeAlias = Callable[[Request], list[Answer]]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """Legacy and modern, each over an example account of its own, called from outside of a loop."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        targets = [
            stack.enter_context(portal.wrap_async_context_manager(TARGETS[name](EXAMPLE, tmp_path)))
            for name in ("legacy", "modern")
        ]
        yield lambda request: [portal.call(target.send, request) for target in targets]


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_finds_a_defect_or_a_difference(
    label: str, both: Both, record_property: Callable[[str, object], None]
) -> None:
    operation, statuses = OPERATIONS[label], Counter[int]()

    def check(case: Generated) -> None:
        request = _request(case)
        legacy, modern = both(request)
        assert compared(legacy) == compared(modern), request
        assert legacy.status in _documented(operation, legacy), (request, legacy)
        statuses[legacy.status] += 1

    _generate(operation, GenerationMode.POSITIVE, check)
    if operation.body or any(True for _ in operation.iter_parameters()):
        _generate(operation, GenerationMode.NEGATIVE, check)
    assert statuses.total()
    record_property(GENERATED, statuses.total())


def _generate(
    operation: Operation, mode: GenerationMode, check: Callable[[Generated], None]
) -> None:
    @settings(
        max_examples=FEWER.get(operation.label, EXAMPLES),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def run(case: Generated) -> None:
        check(case)

    with suppress(Unsatisfiable):  # of some, nothing that is not valid can be made
        run()


def _documented(operation: Operation, answer: Answer) -> set[int]:
    """The statuses that this answer may have: HTML pages are the front door's."""
    if (answer.header("content-type") or "").startswith("text/html"):
        return ELSEWHERE
    return {int(status) for status in operation.definition.raw["responses"]}


def _request(case: Generated) -> Request:
    """As a client sends it: what schemathesis and its client add of their own is left out."""
    arguments = case.as_transport_kwargs(base_url=BASE)
    names = ("method", "url", "headers", "params", "data", "json", "cookies")
    sent = requests.Request(**{name: arguments[name] for name in names if name in arguments})
    prepared = sent.prepare()
    target = (prepared.url or "").removeprefix(BASE)
    body = cast("str | bytes", prepared.body or b"")
    kept = {"content-type", "idempotency-key", "accept"}
    return Request(
        prepared.method or "GET",
        target,
        {name: str(value) for name, value in prepared.headers.items() if name.lower() in kept},
        body.encode() if isinstance(body, str) else body,
    )
