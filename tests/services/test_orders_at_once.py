"""Orders at the same time: risk check and placement are one critical section."""

from decimal import Decimal
from typing import Any

import anyio
import pytest

from shared_services.errors import ExchangeFailed, OrderRefused, OrderRejected, ServiceError
from shared_services.exchange.model import OrderStatus
from shared_services.exchange.paper import wallet
from shared_services.orders.lease import LEASE_MS, RENEW_EVERY, Lease
from shared_services.orders.model import Order
from shared_services.orders.placement import PATIENCE, SECTION
from shared_services.orders.tables import LEASES, LeaseRow
from shared_services.services import Services
from shared_services.storage import Reader, Store
from tests.fakes import FixedClock, FixedMarket
from tests.services.exchanges import FaultyExchange, open_example, wired

DEADLINE = 5.0  # seconds
BUY: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": Decimal("0.01"),
}
LIMIT = {**BUY, "order_type": "limit", "price": 39_000}


async def test_of_five_orders_for_the_last_balance_one_passes(
    each_store: Store, clock: FixedClock, market: FixedMarket
) -> None:
    """Two sets of services, as two processes have them, share one store."""
    exchange = await open_example(each_store, clock, market)
    first, second = wired(exchange), wired(exchange)
    for _ in range(9):  # 410 of 7610 are left
        await first.orders.create({**LIMIT, "amount": "0.02", "price": 40_000}, None)
    outcomes = await _all_at_once([(first if one % 2 else second, BUY) for one in range(5)])
    assert [type(one) for one in outcomes].count(Order) == 1
    assert [type(one) for one in outcomes].count(OrderRefused) == 4
    cash = (await first.balances.list())[0]
    assert cash.available == Decimal("9.4999")  # 410 - 400.10 - fee


async def test_of_five_orders_for_the_last_free_position_one_passes(
    each_store: Store, clock: FixedClock
) -> None:
    market = FixedMarket()
    coins = ("BTC", "ETH", "LTC", "SOL", "XRP")
    for coin in coins:
        market.set(f"{coin}/USD", 100)
    exchange = await open_example(each_store, clock, market)
    first, second = wired(exchange), wired(exchange)
    for coin in coins[1:4]:
        await first.orders.create({**BUY, "symbol": f"TEST{coin}/TESTUSD", "amount": 1}, None)
    await each_store.transaction(wallet.deposit, "USD", Decimal(1000))
    symbols = ["TESTXRP/TESTUSD", "BTC/USD", "ETH/USD", "LTC/USD", "SOL/USD"]
    bodies = [{**BUY, "symbol": symbol, "amount": 1} for symbol in symbols]
    outcomes = await _all_at_once(
        [(first if one % 2 else second, body) for one, body in enumerate(bodies)]
    )
    assert [type(one) for one in outcomes].count(Order) == 1
    rejected = [one for one in outcomes if isinstance(one, OrderRejected)]
    assert [one.details for one in rejected] == [
        ("Maximum number of open positions (5) exceeded",)
    ] * 4


async def _all_at_once(calls: list[tuple[Services, dict[str, Any]]]) -> list[Order | ServiceError]:
    outcomes: list[Order | ServiceError] = []

    async def one(services: Services, body: dict[str, Any]) -> None:
        try:
            outcomes.append((await services.orders.create(body, None)).order)
        except ServiceError as error:
            outcomes.append(error)

    async with anyio.create_task_group() as group:
        for services, body in calls:
            group.start_soon(one, services, body)
    return outcomes


async def test_a_lease_that_nobody_gives_back_expires(
    exchange: FaultyExchange, clock: FixedClock
) -> None:
    """A process that dies inside the critical section stops the others for six seconds at most."""
    lease = LeaseRow(SECTION, "crashed", clock.now + LEASE_MS)
    await exchange.store.transaction(lambda tx: tx.put(LEASES, lease))
    services = wired(exchange)
    with anyio.move_on_after(0.02) as patience:
        await services.orders.create(BUY, None)
    assert patience.cancelled_caught
    clock.now += LEASE_MS
    assert (await services.orders.create(BUY, None)).order.id == "1001"
    assert exchange.sent == 1


def test_nobody_gives_up_waiting_before_the_lease_of_the_dead_expires() -> None:
    assert LEASE_MS / 1000 + 1 < PATIENCE
    assert 3 * RENEW_EVERY <= LEASE_MS / 1000


async def test_whoever_works_keeps_the_lease(exchange: FaultyExchange, clock: FixedClock) -> None:
    """However long it takes: here three times as long as a lease."""
    lease = Lease(exchange.store, clock, SECTION, renew_every=0.001)
    await lease.acquire()
    async with lease.renewed():
        for _ in range(4):
            clock.now += LEASE_MS - 1
            await _until_it_expires_at(exchange.store, clock.now + LEASE_MS)
            with anyio.move_on_after(0.005) as patience:
                await Lease(exchange.store, clock, SECTION).acquire()
            assert patience.cancelled_caught
    await lease.release()
    await Lease(exchange.store, clock, SECTION).acquire()


async def test_what_is_raised_inside_the_lease_comes_out_as_it_is(
    exchange: FaultyExchange, clock: FixedClock
) -> None:
    with pytest.raises(OrderRefused, match="no"):
        async with Lease(exchange.store, clock, SECTION).renewed():
            raise OrderRefused("no")


async def test_whoever_lost_the_lease_sends_nothing(
    exchange: FaultyExchange, clock: FixedClock
) -> None:
    """It stood still during the checks, and another order went first."""
    other = Lease(exchange.store, clock, SECTION)

    async def stand_still() -> None:
        clock.now += LEASE_MS
        await other.acquire()

    exchange.on_ticker = stand_still
    with pytest.raises(ExchangeFailed) as caught:
        await wired(exchange).orders.create(BUY, None)
    assert caught.value.envelope() == {
        "error": "Exchange error: it took too long, and another order went first",
        "message": "Order was not sent",
    }
    assert exchange.sent == 0
    assert await exchange.store.read(_expiry) == clock.now + LEASE_MS  # it is still the other's


async def _until_it_expires_at(store: Store, until: int) -> None:
    with anyio.fail_after(DEADLINE):
        while await store.read(_expiry) != until:
            await anyio.sleep(0.001)


def _expiry(reader: Reader) -> int:
    row = reader.get(LEASES, SECTION)
    assert row is not None
    return row.until_ms


async def test_an_order_that_is_cancelled_halfway_leaves_the_section_free(
    exchange: FaultyExchange,
) -> None:
    services = wired(exchange)
    with anyio.CancelScope() as scope:
        exchange.on_create = scope.cancel
        await services.orders.create(BUY, None)
    assert scope.cancelled_caught
    exchange.on_create = None
    assert (await wired(exchange).orders.create(BUY, None)).order.status is OrderStatus.CLOSED
