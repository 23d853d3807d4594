"""Legacy's wire functions and modern's schemas, over any value a service may return."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import fastapi_app.errors
import legacy_flask.errors
from fastapi_app.balances import BalanceOut
from fastapi_app.limitations import LimitationsOut
from fastapi_app.orders.schemas import OpenOrder, OrderClosed, OrderOut
from fastapi_app.positions import PositionOut
from legacy_flask import wire
from shared_services.exchange.model import Balance, Limitations
from shared_services.orders.model import ClosedOrder, Order
from shared_services.positions.model import Position
from tests.contract.case import get
from tests.contract.targets import TARGETS
from tests.contract.world import STORE_DOWN

money = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
milliseconds = st.integers(min_value=0, max_value=4102444800000)
symbols = st.sampled_from(["TESTBTC/TESTUSD", "BTC/USD", "tBTC/USD", ""])
text = st.text(st.characters(exclude_categories=["Cs"]))


@dataclass(frozen=True)
class Pair:
    """One shape, as each stack writes it."""

    legacy: Callable[[Any], dict[str, object]]
    modern: type[BaseModel]
    values: st.SearchStrategy[Any]


def built(kind: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Instances of a dataclass with money and times in the range that the contract knows."""
    known = {"symbol": symbols, "timestamp": milliseconds} | fields
    hints = kind.__annotations__
    money_fields = {name: money for name, hint in hints.items() if "Decimal" in str(hint)}
    return st.builds(kind, **money_fields, **{name: known[name] for name in known if name in hints})


orders = built(Order, client_order_id=st.none() | text)
PAIRS = {
    "balance": Pair(wire.balance, BalanceOut, built(Balance)),
    "position": Pair(wire.position, PositionOut, built(Position)),
    "order": Pair(wire.order, OrderOut, orders),
    "open order": Pair(wire.open_order, OpenOrder, orders),
    "closed order": Pair(wire.closed_order, OrderClosed, built(ClosedOrder)),
    "limitations": Pair(wire.limitations, LimitationsOut, built(Limitations)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_both_stacks_write_the_same_shape(name: str) -> None:
    pair = PAIRS[name]

    @given(pair.values)
    def agree(value: object) -> None:
        modern = pair.modern.model_validate(value).model_dump(mode="json", exclude_none=True)
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
