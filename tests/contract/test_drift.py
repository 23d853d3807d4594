"""Legacy's wire functions and modern's schemas, over any value a service may return."""

from pathlib import Path

import pytest
from hypothesis import given

import fastapi_app.errors
import legacy_flask.errors
from tests.contract.case import get
from tests.contract.shapes import PAIRS
from tests.contract.targets import TARGETS
from tests.contract.world import STORE_DOWN


@pytest.mark.parametrize("name", PAIRS)
def test_both_stacks_write_the_same_shape(name: str) -> None:
    pair = PAIRS[name]

    @given(pair.values)
    def agree(value: object) -> None:
        modern = pair.schema(value).model_dump(mode="json", exclude_none=not pair.nulls)
        legacy = pair.legacy(value)
        assert modern == legacy
        assert types(modern) == types(legacy)

    agree()


def types(shape: dict[str, object]) -> dict[str, type]:
    """Of each key; `True == 1 == 1.0` would hide a difference."""
    return {name: str if isinstance(value, str) else type(value) for name, value in shape.items()}


@pytest.mark.parametrize("stack", ["legacy", "modern"])
async def test_each_stack_logs_the_reason_that_clients_do_not_hear(
    stack: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with TARGETS[stack](STORE_DOWN, Path()) as target:
        await target.send(get("/api/orders"))
    assert caplog.messages == [
        "service.unavailable code=store_unavailable reason=Store unavailable: /srv/trading.db is full"
    ]


def test_both_stacks_map_errors_alike() -> None:
    assert fastapi_app.errors.STATUSES == legacy_flask.errors.STATUSES
    assert fastapi_app.errors.REFUSALS == legacy_flask.errors.REFUSALS
