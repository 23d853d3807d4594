"""Balances, positions, cost basis and daily result."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shared_services.errors import ExchangeFailed
from shared_services.exchange.model import Balance
from shared_services.exchange.paper import wallet
from shared_services.ledger import booking
from shared_services.ledger.booking import News, Sighting
from shared_services.ledger.model import Basis
from shared_services.ledger.tables import BOOKED_FILLS
from shared_services.orders.model import OrderCommand
from shared_services.orders.validation import parse
from shared_services.positions.model import Position
from shared_services.services import Services
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock, FixedMarket
from tests.services.exchanges import FaultyExchange, wired

EXAMPLE = Position(
    id="spot_TESTBTC_1700000000",
    symbol="BTC/USD",
    side="buy",
    amount=Decimal("0.05"),
    contracts=Decimal("0.05"),
    entry_price=Decimal(38_000),
    mark_price=Decimal(40_000),
    pnl=Decimal(100),
    pnl_percentage=Decimal(100) / 19,
    notional=Decimal(2_000),
    collateral=Decimal(2_000),
    maintenance_margin=Decimal(0),
    margin_mode="spot",
    position_type="spot",
    leverage=Decimal(1),
    timestamp=EXAMPLE_NOW,
)
MARGIN: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "limit",
    "side": "buy",
    "amount": "0.001",
    "price": 20_000,
    "position_type": "margin",
}


def order(**changes: object) -> OrderCommand:
    return parse({**MARGIN, **changes}, None).command


async def test_balances_are_those_of_the_contract(services: Services) -> None:
    assert await services.balances.list() == [
        Balance("TESTUSD", total=Decimal(8000), available=Decimal(7610)),
        Balance("TESTBTC", total=Decimal("0.05"), available=Decimal("0.05")),
    ]
    assert await services.balances.totals() == {"TESTUSD": 8000, "TESTBTC": Decimal("0.05")}


async def test_a_currency_that_is_all_gone_is_left_out(services: Services) -> None:
    sell = {**MARGIN, "order_type": "market", "side": "sell", "amount": "0.05"}
    await services.orders.create(sell, None)
    assert [one.currency for one in await services.balances.list()] == ["TESTUSD"]
    assert await services.positions.list() == []


async def test_balances_that_cannot_be_read_are_an_error_or_nothing(
    services: Services, exchange: FaultyExchange
) -> None:
    exchange.fault = "balances"
    with pytest.raises(ExchangeFailed) as caught:
        await services.balances.list()
    assert caught.value.envelope() == {
        "error": "Exchange error: connection reset",
        "message": "Live balances unavailable",
    }
    assert await services.balances.totals() is None


async def test_positions_are_those_of_the_contract(services: Services) -> None:
    assert await services.positions.list() == [EXAMPLE]


@pytest.mark.parametrize("fault", ["balances", "fills", "ticker BTC/USD"])
async def test_a_position_is_never_skipped(
    services: Services, exchange: FaultyExchange, fault: str
) -> None:
    exchange.fault = fault
    with pytest.raises(ExchangeFailed) as caught:
        await services.positions.list()
    assert caught.value.envelope() == {
        "error": "Exchange error: connection reset",
        "message": "Live positions unavailable",
    }


async def test_a_margin_order_labels_the_holding_for_a_day(
    services: Services, clock: FixedClock
) -> None:
    await services.orders.create(MARGIN, None)
    expected = replace(
        EXAMPLE,
        id="margin_TESTBTC_1700000000",
        maintenance_margin=Decimal(200),
        margin_mode="cross",
        position_type="margin",
    )
    assert await services.positions.list() == [expected]
    clock.now += 24 * HOUR_MS
    assert [one.position_type for one in await services.positions.list()] == ["spot"]


async def test_the_latest_order_decides_the_label(services: Services, clock: FixedClock) -> None:
    await services.orders.create(MARGIN, None)
    clock.now += 1
    await services.orders.create({**MARGIN, "position_type": "spot"}, None)
    assert [one.position_type for one in await services.positions.list()] == ["spot"]


async def test_a_refused_order_labels_nothing(services: Services) -> None:
    with pytest.raises(Exception, match="Failed to place order"):
        await services.orders.create({**MARGIN, "amount": "0.000001"}, None)
    assert await services.positions.list() == [EXAMPLE]


async def test_holdings_labelled_margin_come_first(
    services: Services, exchange: FaultyExchange
) -> None:
    await exchange.store.transaction(wallet.deposit, "TESTETH", Decimal(1))
    await services.orders.create(
        {**MARGIN, "symbol": "TESTETH/TESTUSD", "amount": "0.01", "price": 1500}, None
    )
    positions = await services.positions.list()
    assert [(one.symbol, one.position_type) for one in positions] == [
        ("ETH/USD", "margin"),
        ("BTC/USD", "spot"),
    ]


async def test_a_holding_without_a_fill_keeps_the_price_at_which_it_was_first_seen(
    services: Services, exchange: FaultyExchange, market: FixedMarket
) -> None:
    await exchange.store.transaction(wallet.deposit, "ETH", Decimal(2))
    seen = (await services.positions.list())[1]
    market.set("ETH/USD", 2_500)
    exchange.clock.now += 20_000  # nothing is cached for longer
    later = (await wired(exchange).positions.list())[1]
    assert seen.entry_price == later.entry_price == 2_000
    assert later.mark_price == 2_500
    assert later.pnl == 1_000


async def test_a_fill_after_the_first_sight_is_averaged_in(
    services: Services, exchange: FaultyExchange, market: FixedMarket
) -> None:
    await exchange.store.transaction(wallet.deposit, "TESTETH", Decimal("0.1"))
    await services.positions.list()
    market.set("ETH/USD", 3_000)
    market_order = {"order_type": "market", "amount": "0.1", "position_type": "spot"}
    buy = {**MARGIN, **market_order, "symbol": "TESTETH/TESTUSD"}
    await services.orders.create(buy, None)
    assert (await services.positions.list())[1].entry_price == 2_500


async def test_the_cost_of_what_was_bought_is_the_average_without_fees(services: Services) -> None:
    await services.orders.create({**MARGIN, "order_type": "market", "amount": "0.01"}, None)
    (position,) = await services.positions.list()
    assert position.entry_price == round((1900 + Decimal("400.1")) / Decimal("0.06"), 12)


async def test_a_currency_without_a_market_in_usd_is_no_position(
    services: Services, exchange: FaultyExchange
) -> None:
    await exchange.store.transaction(wallet.deposit, "DOGE", Decimal(5))
    assert await services.positions.list() == [EXAMPLE]
    assert len(await services.balances.list()) == 3


async def test_looking_twice_books_a_fill_once(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    for _ in range(3):
        await services.positions.list()
        clock.now += 10
    rows = await exchange.store.read(lambda reader: reader.find(BOOKED_FILLS))
    assert [(row.id, row.realised, row.fee) for row in rows] == [("1", Decimal(0), Decimal("1.9"))]
    result = await exchange.store.read(booking.daily_result, EXAMPLE_NOW)
    assert result == Decimal("-1.9")


async def test_the_exchange_is_asked_for_new_fills_only(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    for _ in range(3):
        await services.positions.list()
        clock.now += 20_000  # nothing is cached for longer
    assert exchange.cursors == [None, "1", "1"]


async def test_a_fill_that_two_report_is_booked_once(exchange: FaultyExchange) -> None:
    news = News(await exchange.fills(None), (), EXAMPLE_NOW)
    for _ in range(2):
        await exchange.store.transaction(booking.book, news)
    assert await exchange.store.read(booking.daily_result, EXAMPLE_NOW) == Decimal("-1.9")
    basis = await exchange.store.read(booking.basis_of, "TESTBTC")
    assert basis == Basis(Decimal("0.05"), Decimal(38_000))


async def test_what_was_sold_since_the_balances_were_read_is_not_seen_again(
    services: Services, exchange: FaultyExchange
) -> None:
    await services.positions.list()
    sighting = Sighting("TESTBTC", Decimal("0.05"), Decimal(40_000))
    sell = {**MARGIN, "order_type": "market", "side": "sell", "amount": "0.05"}
    await services.orders.create(sell, None)
    news = News(await exchange.fills("1"), [sighting], EXAMPLE_NOW)
    await exchange.store.transaction(booking.book, news)
    assert (await exchange.store.read(booking.basis_of, "TESTBTC")).amount == 0


async def test_what_others_sold_and_booked_meanwhile_is_not_seen_again(
    services: Services, exchange: FaultyExchange
) -> None:
    await services.positions.list()
    exchange.clock.now += 20_000  # nothing is cached for longer

    async def sell_all() -> None:
        sell = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "sell"}
        other = wired(exchange)
        await other.orders.create({**sell, "amount": "0.05"}, None)
        assert await other.positions.list() == []

    exchange.after_balances = sell_all
    await services.positions.list()
    assert await exchange.store.read(booking.basis_of, "TESTBTC") == Basis(
        Decimal(0), Decimal(38_000)
    )


async def test_a_fill_counts_on_the_day_it_happened(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    sell = {**MARGIN, "order_type": "market", "side": "sell", "amount": "0.01"}
    await services.orders.create(sell, None)  # realises (39990 - 38000) * 0.01 = 19.90, fee 0.3999
    clock.now += 24 * HOUR_MS
    await services.positions.list()
    today = await exchange.store.read(booking.daily_result, clock.now)
    yesterday = await exchange.store.read(booking.daily_result, EXAMPLE_NOW)
    assert (today, yesterday) == (
        Decimal(0),
        Decimal("-1.9") + Decimal("19.9") - Decimal("0.39990"),
    )


async def test_the_risk_check_sees_the_whole_portfolio(services: Services) -> None:
    """10 % of 10000 is 1000: 0.025 at 40000."""
    fits = order(order_type="market", amount="0.025")
    too_large = order(order_type="market", amount="0.0251")
    assert await services.risk.check(fits) == ()
    assert await services.risk.check(too_large) == ("Position size 10.04% exceeds maximum 10.00%",)
