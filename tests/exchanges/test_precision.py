"""Amounts and prices reach the wire as they were given, or not at all."""

import json
from contextlib import suppress
from decimal import Decimal, localcontext

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_services.exchange.ccxt.adapter import CcxtExchange
from shared_services.exchange.model import Side
from shared_services.exchange.port import ExchangeError, RefusedError
from tests.bitfinex.server import FakeBitfinex
from tests.exchanges.wanted import SYMBOL, request

LEAST, MOST = Decimal("0.00001"), Decimal(1_000_000)
TOO_LONG = "has too many digits, the nearest possible is"

numbers = st.builds(Decimal.scaleb, st.integers(1, 10**12).map(Decimal), st.integers(-14, 3))


@given(amount=numbers, price=st.none() | numbers, side=st.sampled_from(Side))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_what_arrives_is_text_and_exactly_what_was_given(
    exchange: CcxtExchange, fake: FakeBitfinex, amount: Decimal, price: Decimal | None, side: Side
) -> None:
    fake.arrivals.clear()
    with suppress(ExchangeError):
        await exchange.create(request(side, f"{amount:f}", None if price is None else f"{price:f}"))

    bodies = [json.loads(one.body) for one in fake.arrivals if one.path == "w/order/submit"]
    assert len(bodies) == (1 if _is_allowed(amount, price) else 0)
    for body in bodies:
        assert isinstance(body["amount"], str)
        assert Decimal(body["amount"]) == (amount if side is Side.BUY else -amount)
        assert body.get("price") is None or isinstance(body["price"], str)
        assert price is None or Decimal(body["price"]) == price


@pytest.mark.parametrize(
    ("amount", "price", "text"),
    [
        ("0.000009", None, "Minimum amount is 0.00001"),
        ("1000001", None, "Maximum amount is 1000000"),
        ("0.123456789", None, f"Amount 0.123456789 {TOO_LONG} 0.12345678"),
        ("0.01", "100.123456", f"Price 100.123456 {TOO_LONG} 100.12"),
        ("0.01", "39000.5", f"Price 39000.5 {TOO_LONG} 39001"),
        ("0.01", "0.000000001", "Minimum price is 0.00000001"),
    ],
)
async def test_what_cannot_be_sent_as_it_is_is_refused_and_the_nearest_is_named(
    exchange: CcxtExchange, fake: FakeBitfinex, amount: str, price: str | None, text: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        await exchange.create(request(amount=amount, price=price))

    assert str(caught.value) == f"{text} ({SYMBOL})"
    assert fake.arrivals == []


async def test_bare_ccxt_would_have_sent_another_order(exchange: CcxtExchange) -> None:
    """Why we compare: https://docs.bitfinex.com/docs/introduction#price-precision"""
    await exchange.listings()
    client = exchange._client

    with localcontext():  # bare ccxt leaves the rounding of the thread changed
        assert client.price_to_precision("BTC/USD", 100.123456) == "100.12"
        assert client.amount_to_precision("BTC/USD", 0.123456789) == "0.12345678"


def _is_allowed(amount: Decimal, price: Decimal | None) -> bool:
    """By Bitfinex' rules, counted here once more: 8 decimals, and 5 digits of a price."""
    fits = LEAST <= amount <= MOST and _decimals(amount) <= 8
    if price is None:
        return fits
    digits = len(price.normalize().as_tuple().digits)
    return fits and price >= Decimal("1e-8") and digits <= 5 and _decimals(price) <= 8


def _decimals(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))
