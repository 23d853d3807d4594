from decimal import Decimal
from typing import Any

import pytest

from shared_services.errors import InvalidOrder
from shared_services.exchange.model import OrderType, PositionType, Side
from shared_services.orders.answers import fingerprint
from shared_services.orders.model import OrderCommand
from shared_services.orders.validation import parse

MARKET = {"symbol": "BTC/USD", "order_type": "market", "side": "buy", "amount": Decimal("0.1")}
LIMIT = {**MARKET, "order_type": "limit", "price": 39_000}


def messages(body: dict[str, Any], key: str | None = None) -> list[str]:
    with pytest.raises(InvalidOrder) as caught:
        parse(body, key)
    envelope = caught.value.envelope()
    assert envelope.pop("error") == "Invalid order data"
    details = envelope.pop("details")
    assert not envelope
    assert isinstance(details, list)
    return details


def test_a_full_order_is_read_exactly() -> None:
    body = {
        **LIMIT,
        "price": "39000.50",
        "leverage": 2,
        "position_type": "margin",
        "stop_loss": " 1e3 ",
        "take_profit": Decimal(50000),
        "client_order_id": "mine",
    }
    submission = parse(body, None)
    assert submission.command == OrderCommand(
        symbol="BTC/USD",
        type=OrderType.LIMIT,
        side=Side.BUY,
        amount=Decimal("0.1"),
        price=Decimal("39000.50"),
        position_type=PositionType.MARGIN,
        leverage=Decimal(2),
        stop_loss=Decimal(1000),
        take_profit=Decimal(50_000),
    )
    assert (submission.client_order_id, submission.idempotency_key) == ("mine", "mine")


def test_an_empty_body_names_all_four_required_fields() -> None:
    assert messages({}) == [
        "Missing required field: symbol",
        "Missing required field: order_type",
        "Missing required field: side",
        "Missing required field: amount",
    ]


def test_every_message_that_applies_comes_in_the_order_of_the_contract() -> None:
    body = {
        "order_type": "limit",
        "side": "hold",
        "amount": "x",
        "price": -1,
        "leverage": True,
        "stop_loss": 0,
        "take_profit": [],
        "position_type": "futures",
        "client_order_id": "a b",
    }
    assert messages(body, "c") == [
        "Missing required field: symbol",
        "Side must be 'buy' or 'sell'",
        "Amount must be a number",
        "Price must be positive",
        "leverage must be a number",
        "Stop loss must be positive",
        "take_profit must be a number",
        "Position type must be 'spot' or 'margin'",
        "Idempotency key must be 1 to 255 visible ASCII characters",
        "Idempotency-Key and client_order_id differ",
    ]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("symbol", None, "Symbol must be a string"),
        ("symbol", "", "Symbol must be a string"),
        ("symbol", 5, "Symbol must be a string"),
        ("order_type", None, "Order type must be 'market' or 'limit'"),
        ("order_type", "stop", "Order type must be 'market' or 'limit'"),
        ("order_type", ["limit"], "Order type must be 'market' or 'limit'"),
        ("side", {}, "Side must be 'buy' or 'sell'"),
        ("side", "BUY", "Side must be 'buy' or 'sell'"),
        ("amount", None, "Amount must be a number"),
        ("amount", True, "Amount must be a number"),
        ("amount", "nan", "Amount must be a number"),
        ("amount", "inf", "Amount must be a number"),
        ("amount", "1_000", "Amount must be a number"),
        ("amount", "\u0661", "Amount must be a number"),
        ("amount", "", "Amount must be a number"),
        ("amount", Decimal("1e400"), "Amount must be a number"),
        ("amount", "1e400", "Amount must be a number"),
        ("amount", "1e99999999999999999999", "Amount must be a number"),
        ("amount", 10**400, "Amount must be a number"),
        ("amount", Decimal("-1e400"), "Amount must be a number"),
        ("amount", 0, "Amount must be positive"),
        ("amount", "-0.0", "Amount must be positive"),
        ("amount", -1, "Amount must be positive"),
        ("amount", Decimal("1e-999999999"), "Amount must be positive"),
        ("amount", "1e-99999999999999999999", "Amount must be positive"),
        ("price", None, "Price is required for limit orders"),
        ("price", False, "Price must be a number"),
        ("price", 0, "Price must be positive"),
        ("leverage", "three", "leverage must be a number"),
        ("leverage", -2, "Leverage must be positive"),
        ("stop_loss", {}, "stop_loss must be a number"),
        ("take_profit", -1, "Take profit must be positive"),
        ("position_type", "perpetual", "Position type must be 'spot' or 'margin'"),
        ("position_type", "", "Position type must be 'spot' or 'margin'"),
        ("client_order_id", 7, "Idempotency key must be 1 to 255 visible ASCII characters"),
        ("client_order_id", "", "Idempotency key must be 1 to 255 visible ASCII characters"),
        ("client_order_id", "é", "Idempotency key must be 1 to 255 visible ASCII characters"),
        ("client_order_id", "x" * 256, "Idempotency key must be 1 to 255 visible ASCII characters"),
        ("client_order_id", "x\n", "Idempotency key must be 1 to 255 visible ASCII characters"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object, message: str) -> None:
    assert messages({**LIMIT, field: value}) == [message]


@pytest.mark.parametrize(
    "field", ["leverage", "stop_loss", "take_profit", "position_type", "client_order_id"]
)
def test_null_counts_as_missing_in_an_optional_field(field: str) -> None:
    assert parse({**MARKET, field: None}, None) == parse(MARKET, None)


@pytest.mark.parametrize("price", [None, "x", -1, True])
def test_the_price_of_a_market_order_is_ignored(price: object) -> None:
    assert parse({**MARKET, "price": price}, None).command.price is None


def test_header_and_body_may_give_the_same_key() -> None:
    submission = parse({**MARKET, "client_order_id": "k"}, "k")
    assert (submission.client_order_id, submission.idempotency_key) == ("k", "k")


def test_an_empty_header_is_a_key_and_a_wrong_one() -> None:
    assert messages(MARKET, "") == ["Idempotency key must be 1 to 255 visible ASCII characters"]


def test_the_header_alone_is_no_client_order_id() -> None:
    submission = parse(MARKET, "~" * 255)
    assert submission.client_order_id is None
    assert submission.idempotency_key == "~" * 255


@pytest.mark.parametrize(
    "same",
    [
        {"amount": "0.1"},
        {"amount": Decimal("0.10000")},
        {"amount": "1e-1"},
        {"leverage": 1},
        {"position_type": "spot"},
        {"unknown": 5},
        {"price": 7},
        {"stop_loss": None},
        {"client_order_id": "another"},
    ],
)
def test_equal_requests_have_one_fingerprint(same: dict[str, object]) -> None:
    first, second = parse(MARKET, None), parse({**MARKET, **same}, None)
    assert fingerprint(first.command) == fingerprint(second.command)


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "0.1" + "0" * 40 + "1"},
        {"side": "sell"},
        {"symbol": "\ud800"},
        {"stop_loss": 1},
        {"take_profit": 1},
        {"leverage": 2},
        {"position_type": "margin"},
    ],
)
def test_different_requests_have_different_fingerprints(other: dict[str, object]) -> None:
    first, second = parse(MARKET, None), parse({**MARKET, **other}, None)
    assert fingerprint(first.command) != fingerprint(second.command)
