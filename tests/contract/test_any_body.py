"""Any body of an order: both stacks say the same, and never 500."""

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.case import JSON, compared
from tests.contract.targets import legacy, modern
from tests.contract.world import EXAMPLE
from tests.drive import Request

REQUIRED = {
    "symbol": st.sampled_from(["TESTBTC/TESTUSD", "TESTETH/TESTUSD", "FOO/USD"]),
    "order_type": st.sampled_from(["market", "limit"]),
    "side": st.sampled_from(["buy", "sell"]),
    "amount": st.sampled_from([0.01, "0.01", 1e-8, 1e300, "1e-300", 0.1 + 0.2]),
}
OPTIONAL = {
    "price": st.sampled_from([39000, "40010", 1e-9, 1e300, 39000.001]),
    "position_type": st.sampled_from(["spot", "margin"]),
    "leverage": st.sampled_from([1, "3", 1e300]),
    "stop_loss": st.sampled_from([1, "0.5"]),
    "take_profit": st.sampled_from([1, 1e-300]),
    "client_order_id": st.sampled_from(["a", "~" * 255]),
}

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
odd = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
orders = st.fixed_dictionaries(REQUIRED, optional=OPTIONAL)
names = st.sampled_from([*REQUIRED, *OPTIONAL])
spoiled = st.builds(lambda order, name, value: order | {name: value}, orders, names, odd)
bodies = (orders | spoiled | odd).map(json.dumps).map(str.encode) | st.binary(max_size=30)


@settings(max_examples=150, deadline=None)
@given(bodies)
async def test_both_stacks_say_the_same_to_any_body(body: bytes) -> None:
    request = Request("POST", "/api/orders", JSON, body)
    async with legacy(EXAMPLE, Path()) as one, modern(EXAMPLE, Path()) as other:
        expected = await one.send(request)
        assert expected.status in {201, 400}, expected.body
        assert compared(await other.send(request)) == compared(expected)
