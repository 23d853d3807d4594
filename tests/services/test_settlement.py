"""Orders at rest: filled by the prices of the meantime, whoever looks and whenever."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared_services.exchange.model import OrderStatus, Side
from shared_services.exchange.paper.account import open_account
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.paper.settlement import FILLS_AT_ONCE, PROGRESS_MS, Floor, is_due
from shared_services.exchange.paper.synthetic import SyntheticMarket
from shared_services.exchange.paper.tables import FILLS, ORDERS
from shared_services.exchange.port import UnknownOrderError
from shared_services.storage.memory import MemoryStore
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock, FixedMarket
from tests.services.paper import CASH, SYMBOL, held, open_exchange, request

WEEK_MS = 7 * 24 * HOUR_MS


@pytest.fixture
async def exchange(market: FixedMarket, clock: FixedClock) -> PaperExchange:
    return await open_exchange(market, clock)


async def test_a_limit_order_rests_and_reserves_its_cost(exchange: PaperExchange) -> None:
    order = await exchange.create(request(price="39000"))
    assert (order.status, order.filled, order.price) == (
        OrderStatus.OPEN,
        Decimal(0),
        Decimal(39_000),
    )
    assert (await held(exchange))["TESTUSD"] == (CASH, CASH - 390)
    assert await exchange.open_orders() == [order]


async def test_an_order_at_rest_fills_when_the_price_comes(
    exchange: PaperExchange, market: FixedMarket, clock: FixedClock
) -> None:
    order = await exchange.create(request(price="39000"))
    market.set("BTC/USD", 38_900)
    assert (await exchange.order(order.id)).status is OrderStatus.OPEN  # not in the same instant
    clock.now += 5_000
    filled = await exchange.order(order.id)
    assert (filled.status, filled.average) == (OrderStatus.CLOSED, Decimal(39_000))
    assert filled.fee == Decimal("0.39")
    assert await exchange.open_orders() == []
    assert [fill.timestamp for fill in (await exchange.fills(None)).fills] == [clock.now]


async def test_an_order_fills_while_nobody_looks_as_if_somebody_always_did(
    clock: FixedClock,
) -> None:
    market = SyntheticMarket(5)
    limit = str(market.ticker(SYMBOL, clock.now).bid * Decimal("0.995") // 1)
    watched = await open_exchange(market, clock)
    alone = await open_exchange(market, clock)
    ids = [(await one.create(request(price=limit))).id for one in (watched, alone)]
    start = clock.now
    for _ in range(400):
        clock.now += 7 * 60_000
        await watched.balances()
    seen, unseen = await watched.order(ids[0]), await alone.order(ids[1])
    assert seen.status is OrderStatus.CLOSED
    assert replace(seen, client_id=None) == replace(unseen, client_id=None)
    assert await held(watched) == await held(alone)
    (fill,) = (await alone.fills(None)).fills
    assert fill == (await watched.fills(None)).fills[0]
    assert start < fill.timestamp < clock.now
    assert market.ticker(SYMBOL, fill.timestamp).ask <= fill.price
    assert market.ticker(SYMBOL, fill.timestamp - 1000).ask > fill.price


async def test_orders_fill_in_the_order_in_which_the_market_reached_them(
    clock: FixedClock,
) -> None:
    """Not in that of their numbers: fees and cost basis depend on what came first."""
    market = SyntheticMarket(5)
    watched = await open_exchange(market, clock)
    alone = await open_exchange(market, clock)
    last = market.ticker(SYMBOL, clock.now).last
    for part in ("0.985", "1.015", "0.99", "1.01", "0.995", "1.005"):
        side = Side.BUY if part < "1" else Side.SELL
        wanted = request(side, price=str(last * Decimal(part) // 1))
        for exchange in (watched, alone):
            await exchange.create(wanted)
    for _ in range(400):
        clock.now += 7 * 60_000
        await watched.balances()
    fills = (await alone.fills(None)).fills
    assert len(fills) == 6
    assert [fill.order_id for fill in fills] != sorted(fill.order_id for fill in fills)
    assert (await watched.fills(None)).fills == fills
    assert await held(watched) == await held(alone)


async def test_a_resting_order_fills_in_parts(
    exchange: PaperExchange, market: FixedMarket, clock: FixedClock
) -> None:
    order = await exchange.create(request(amount="0.05", price="39000"))
    market.set("BTC/USD", 38_000)
    market.only("0.02")
    filled = []
    for _ in range(3):
        clock.now += 1000
        filled.append((await exchange.order(order.id)).filled)
    assert filled == [Decimal("0.02"), Decimal("0.04"), Decimal("0.05")]
    assert len((await exchange.fills(None)).fills) == 3
    cash, available = (await held(exchange))["TESTUSD"]
    assert cash == available == CASH - 1950 - Decimal("1.95")


async def test_one_look_settles_a_bounded_number_of_fills_and_the_next_goes_on(
    clock: FixedClock,
) -> None:
    market = SyntheticMarket(1)
    store = MemoryStore()
    await store.transaction(open_account, {"TESTUSD": Decimal(10**9)}, clock.now)
    exchange = PaperExchange(store, market, clock)
    price = str(market.ticker(SYMBOL, clock.now).bid)
    order = await exchange.create(request(amount="10000", price=price))
    clock.now += WEEK_MS
    for looks in (1, 2, 3):
        await exchange.order(order.id)
        assert len(await store.read(lambda reader: reader.find(FILLS))) == looks * FILLS_AT_ONCE


async def test_an_order_that_filled_in_the_meantime_cannot_be_cancelled(
    exchange: PaperExchange, market: FixedMarket, clock: FixedClock
) -> None:
    order = await exchange.create(request(price="39000"))
    market.set("BTC/USD", 38_000)
    clock.now += 1000
    with pytest.raises(UnknownOrderError):
        await exchange.cancel(order.id)
    assert (await exchange.order(order.id)).status is OrderStatus.CLOSED


async def test_looking_at_an_order_that_rests_writes_rarely(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = MemoryStore()
    exchange = await open_exchange(market, clock, store)
    await exchange.create(request(price="39000"))
    clock.now += PROGRESS_MS
    assert not await store.read(is_due, Floor(market, clock.now))
    clock.now += 1
    assert await store.read(is_due, Floor(market, clock.now))
    await exchange.balances()
    assert not await store.read(is_due, Floor(market, clock.now))
    (row,) = await store.read(lambda reader: reader.find(ORDERS))
    assert row.settled_ms == clock.now


async def test_a_clock_that_runs_backwards_trades_at_the_latest_known_time(
    exchange: PaperExchange, clock: FixedClock
) -> None:
    first = await exchange.create(request())
    clock.now -= HOUR_MS
    second = await exchange.create(request())
    assert second.timestamp == first.timestamp == EXAMPLE_NOW
