"""Orders of the contract's example account."""

from decimal import Decimal
from typing import Any

import anyio
import pytest

from shared_services.errors import (
    ExchangeFailed,
    ExchangeNotConfigured,
    Invalid,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
    ServiceError,
)
from shared_services.exchange.model import Limitations, OrderStatus, OrderType, PositionType, Side
from shared_services.exchange.service import UNKNOWN_LIMITATIONS, ExchangeAsync, Outage
from shared_services.orders.model import ClosedOrder, Order
from shared_services.orders.tables import ORDER_NOTES, OrderNoteRow
from shared_services.services import Services, open_services
from shared_services.settings import TradingSettings
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock, FixedMarket
from tests.services.exchanges import FaultyExchange

BUY: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": Decimal("0.01"),
}
LIMIT = {**BUY, "order_type": "limit", "price": 39_000}


async def refusal(services: Services, body: dict[str, Any]) -> dict[str, object]:
    with pytest.raises(ServiceError) as caught:
        await services.orders.create(body, None)
    return caught.value.envelope()


async def test_a_limit_order_is_placed_as_in_the_contract(services: Services) -> None:
    placed = await services.orders.create(LIMIT, None)
    assert not placed.replayed
    assert placed.order == Order(
        id="1001",
        symbol="TESTBTC/TESTUSD",
        type=OrderType.LIMIT,
        side=Side.BUY,
        amount=Decimal("0.01"),
        filled=Decimal(0),
        remaining=Decimal("0.01"),
        price=Decimal(39_000),
        status=OrderStatus.OPEN,
        position_type=PositionType.SPOT,
        timestamp=EXAMPLE_NOW,
    )
    assert await services.orders.get("1001") == placed.order
    assert [order.id for order in await services.orders.open()] == ["1000", "1001"]


async def test_a_market_order_tells_its_average_price(services: Services) -> None:
    order = (await services.orders.create({**BUY, "client_order_id": "mine"}, None)).order
    assert (order.status, order.client_order_id) == (OrderStatus.CLOSED, "mine")
    assert order.price == 40_010
    assert await services.orders.get(order.id) == order


async def test_what_the_exchange_does_not_keep_is_noted(
    services: Services, exchange: FaultyExchange
) -> None:
    body = {**LIMIT, "position_type": "margin", "leverage": "2.50", "stop_loss": "1e-30"}
    order = (await services.orders.create({**body, "take_profit": 10**40}, None)).order
    assert order.position_type is PositionType.MARGIN
    (note,) = await exchange.store.read(lambda reader: reader.find(ORDER_NOTES))
    assert note == OrderNoteRow(
        client_id=note.client_id,
        symbol="BTC/USD",
        position_type="margin",
        leverage="2.5",
        stop_loss="0." + "0" * 29 + "1",
        take_profit="1" + "0" * 40,
        client_order_id=None,
        created_ms=EXAMPLE_NOW,
    )


async def test_the_history_is_that_of_the_contract(services: Services) -> None:
    bought = ClosedOrder(
        id="999",
        symbol="TESTBTC/TESTUSD",
        order_type=OrderType.MARKET,
        side=Side.BUY,
        amount=Decimal("0.05"),
        filled=Decimal("0.05"),
        remaining=Decimal(0),
        price=Decimal(38_000),
        cost=Decimal(1900),
        fee=Decimal("1.9"),
        status=OrderStatus.CLOSED,
        timestamp=EXAMPLE_NOW - HOUR_MS,
    )
    assert await services.orders.history(None, 50) == [bought]
    assert await services.orders.history("TESTETH/TESTUSD", 50) == []


async def test_an_invalid_order_is_not_sent(services: Services, exchange: FaultyExchange) -> None:
    assert await refusal(services, {**BUY, "amount": "many"}) == {
        "error": "Invalid order data",
        "details": ["Amount must be a number"],
    }
    assert exchange.sent == 0


async def test_risk_management_rejects_with_its_messages(services: Services) -> None:
    assert await refusal(services, {**BUY, "amount": "0.05", "leverage": 5}) == {
        "error": "Order rejected by risk management",
        "details": [
            "Position size 20.00% exceeds maximum 10.00%",
            "Leverage 5.0x exceeds maximum 3.0x",
        ],
    }


async def test_missing_funds_are_told_as_in_the_contract(
    services: Services, exchange: FaultyExchange
) -> None:
    for amount, price in [("0.025", 40_000), *[("0.02", 40_000)] * 8, ("0.01", 20_000)]:
        await services.orders.create({**LIMIT, "amount": amount, "price": price}, None)
    assert await refusal(services, BUY) == {
        "error": "Failed to place order",
        "details": "Insufficient TESTUSD balance: need 400.10, available 10.00",
    }
    assert len(await exchange.store.read(lambda reader: reader.find(ORDER_NOTES))) == 10


@pytest.mark.parametrize(
    "symbol", ["DOGE/USD", "BTCUSD", "btc/usd", "\ud800", "\x00", "x" * 10_000]
)
async def test_an_unknown_symbol_is_found_before_the_risk_check(
    services: Services, exchange: FaultyExchange, symbol: str
) -> None:
    exchange.fault = "balances"
    body = {**BUY, "symbol": symbol, "amount": 9}
    assert await refusal(services, body) == {
        "error": "Failed to place order",
        "details": f"Unknown symbol: {symbol}",
    }


async def test_an_order_can_be_cancelled_once(services: Services) -> None:
    await services.orders.cancel("1000")
    for order_id in ("1000", "999", "7", "x"):
        with pytest.raises(OrderNotFound) as caught:
            await services.orders.cancel(order_id)
        assert caught.value.envelope() == {"error": "Order not found"}
    assert (await services.orders.get("1000")).status is OrderStatus.CANCELED
    assert await services.orders.open() == []


async def test_an_unknown_order_is_not_found(services: Services) -> None:
    with pytest.raises(OrderNotFound) as caught:
        await services.orders.get("7")
    assert caught.value.envelope() == {"error": "Order not found"}


async def test_an_order_at_rest_fills_later(
    services: Services, market: FixedMarket, clock: FixedClock
) -> None:
    market.set("BTC/USD", 38_990)
    clock.now += 1_000
    assert await services.orders.open() == []
    assert [order.id for order in await services.orders.history(None, 1)] == ["1000"]


@pytest.mark.parametrize("fault", ["balances", "fills", "ticker BTC/USD", "ticker TESTBTC/TESTUSD"])
async def test_a_failure_before_sending_says_that_nothing_was_sent(
    services: Services, exchange: FaultyExchange, fault: str
) -> None:
    exchange.fault = fault
    assert await refusal(services, BUY) == {
        "error": "Exchange error: connection reset",
        "message": "Order was not sent",
    }
    assert exchange.sent == 0


async def test_a_failure_after_sending_says_that_the_outcome_is_unknown(
    services: Services, exchange: FaultyExchange
) -> None:
    exchange.fault = "lost"
    with pytest.raises(OutcomeUnknown) as caught:
        await services.orders.create(BUY, None)
    assert caught.value.envelope() == {
        "error": "Exchange error: connection reset",
        "message": "Order outcome unknown - check open orders before retrying",
    }


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("open_orders", "Open orders unavailable"),
        ("closed_orders", "Order history unavailable"),
        ("order", "Order status unavailable"),
        ("cancel", "Order may still be open"),
    ],
)
async def test_a_failing_exchange_is_told_with_its_consequence(
    services: Services, exchange: FaultyExchange, fault: str, message: str
) -> None:
    exchange.fault = fault
    calls = {
        "open_orders": services.orders.open(),
        "closed_orders": services.orders.history(None, 5),
        "order": services.orders.get("1000"),
        "cancel": services.orders.cancel("1000"),
    }
    for name, call in calls.items():
        if name == fault:
            with pytest.raises(ExchangeFailed) as caught:
                await call
        else:
            call.close()
    assert caught.value.envelope() == {
        "error": "Exchange error: connection reset",
        "message": message,
    }


async def test_other_refusals_of_the_exchange_are_invalid(
    services: Services, exchange: FaultyExchange
) -> None:
    exchange.fault = "refused"
    with pytest.raises(OrderRefused) as looked:
        await services.orders.get("1000")
    assert looked.value.envelope() == {"error": "Failed to fetch order status"}
    with pytest.raises(OrderRefused) as cancelled:
        await services.orders.cancel("1000")
    assert cancelled.value.envelope() == {"error": "Failed to cancel order", "details": "not now"}
    assert isinstance(cancelled.value, Invalid)


async def test_an_exchange_that_does_not_answer_is_given_up() -> None:
    outage = Outage("not configured", failed="Nothing happened", patience=0)
    with pytest.raises(ExchangeFailed) as caught, outage.told():
        await anyio.sleep_forever()
    assert caught.value.envelope() == {
        "error": "Exchange error: no answer within 0 seconds",
        "message": "Nothing happened",
    }


async def test_the_limitations_of_an_exchange_that_does_not_answer_are_unknown(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "limitations", anyio.sleep_forever)
    assert await ExchangeAsync(exchange, patience=0).limitations() == UNKNOWN_LIMITATIONS


UNAVAILABLE = {"error": "Order service not available"}


async def test_without_an_exchange_every_service_says_so(clock: FixedClock) -> None:
    settings = TradingSettings(exchange="bitfinex", store="memory://")
    async with open_services(settings, clock=clock) as services:
        told = {
            "create": await _no_exchange(services.orders.create(BUY, None)),
            "open": await _no_exchange(services.orders.open()),
            "history": await _no_exchange(services.orders.history(None, 1)),
            "get": await _no_exchange(services.orders.get("1")),
            "cancel": await _no_exchange(services.orders.cancel("1")),
            "balances": await _no_exchange(services.balances.list()),
            "positions": await _no_exchange(services.positions.list()),
        }
        assert await services.balances.totals() is None
        assert await services.exchange.limitations() == Limitations(
            False, (), True, ("spot", "margin")
        )
    missing = {**UNAVAILABLE, "message": "Exchange service not configured"}
    assert told == {
        "create": {**UNAVAILABLE, "details": "Exchange service not configured"},
        "open": missing,
        "history": missing,
        "get": UNAVAILABLE,
        "cancel": UNAVAILABLE,
        "balances": {
            "error": "Exchange service not available - check API configuration",
            "message": "Live balances required for trading - no fallback data",
        },
        "positions": {
            "error": "Exchange service not available",
            "message": "Live positions required for trading - no fallback data",
        },
    }


async def _no_exchange(call: Any) -> dict[str, object]:
    with pytest.raises(ExchangeNotConfigured) as caught:
        await call
    return caught.value.envelope()


async def test_the_daily_loss_limit_bites_after_a_fill_in_between_and_ends_with_the_day(
    services: Services, market: FixedMarket, clock: FixedClock
) -> None:
    market.set("BTC/USD", 30_000)
    sell = {**LIMIT, "side": "sell", "amount": "0.05", "price": 30_500}
    await services.orders.create(sell, None)
    await services.orders.create({**LIMIT, "amount": "0.001", "price": 20_000}, None)
    market.set("BTC/USD", 30_600)  # the sell fills and realises (30500 - cost) * 0.05 < -200
    clock.now += 1_000
    body = {**LIMIT, "amount": "0.001", "price": 20_000}
    assert await refusal(services, body) == {
        "error": "Order rejected by risk management",
        "details": ["Daily loss limit exceeded"],
    }
    clock.now += 24 * HOUR_MS
    assert (await services.orders.create(body, None)).order.status is OrderStatus.OPEN


async def test_the_settings_give_a_new_account_its_balances(clock: FixedClock) -> None:
    settings = TradingSettings(store="memory://", paper_balances={"TESTUSD": Decimal(5)})
    async with open_services(settings, clock=clock) as services:
        assert await services.balances.totals() == {"TESTUSD": Decimal(5)}
        assert (await services.exchange.limitations()).is_paper_trading
