"""Balances and positions of some seconds ago: for everybody the same, and never after a change."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from shared_services.caching.model import BALANCES, POSITIONS
from shared_services.caching.service import CacheAsync
from shared_services.errors import (
    ExchangeFailed,
    ExchangeNotConfigured,
    OrderNotFound,
    OrderRefused,
    OrderRejected,
    OutcomeUnknown,
)
from shared_services.exchange.model import Balance
from shared_services.exchange.paper import wallet
from shared_services.services import Services, wire
from shared_services.storage import Store
from shared_services.storage.memory import MemoryStore
from tests.fakes import FixedClock, FixedMarket
from tests.services.caches import CountingExchange, counting, kept
from tests.services.exchanges import wired

BUY: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": "0.01",
}
SELL = BUY | {"side": "sell"}

Change = Callable[[Services], Awaitable[object]]


@pytest.fixture
async def exchange(each_store: Store, clock: FixedClock, market: FixedMarket) -> CountingExchange:
    return await counting(each_store, clock, market)


@pytest.fixture
def services(exchange: CountingExchange) -> Services:
    return wired(exchange)


@pytest.fixture
def other(exchange: CountingExchange) -> Services:
    """Another process over the same store and exchange."""
    return wired(exchange)


async def cash(services: Services) -> Decimal:
    return next(one.available for one in await services.balances.list() if "USD" in one.currency)


async def test_another_process_finds_what_one_has_read(
    services: Services, other: Services, exchange: CountingExchange
) -> None:
    assert await services.balances.list() == await other.balances.list()
    assert exchange.asked == 1
    assert await services.positions.list() == await other.positions.list()
    assert exchange.asked == 2


async def test_a_snapshot_keeps_its_ids_and_times(
    services: Services, other: Services, clock: FixedClock
) -> None:
    (seen,) = await services.positions.list()
    clock.now += 19_999
    assert await other.positions.list() == [seen]
    clock.now += 1
    (later,) = await other.positions.list()
    assert (later.id, later.timestamp) == (f"spot_TESTBTC_{clock.now // 1000}", clock.now)


async def test_balances_live_for_30_seconds(
    services: Services, other: Services, exchange: CountingExchange, clock: FixedClock
) -> None:
    await services.balances.list()
    clock.now += 29_999
    await other.balances.totals()
    assert exchange.asked == 1
    clock.now += 1
    await other.balances.totals()
    assert exchange.asked == 2


async def test_what_was_kept_in_the_future_is_not_fresh(
    services: Services, exchange: CountingExchange, clock: FixedClock
) -> None:
    await services.balances.list()
    clock.now -= 1
    await services.balances.list()
    assert exchange.asked == 2


async def create(services: Services) -> None:
    await services.orders.create(BUY, None)


async def create_at_rest(services: Services) -> None:
    await services.orders.create(BUY | {"order_type": "limit", "price": 20_000}, "k")


async def cancel(services: Services) -> None:
    await services.orders.cancel("1000")


@pytest.mark.parametrize("change", [create, create_at_rest, cancel])
async def test_a_change_drops_both_for_everybody(
    services: Services, other: Services, exchange: CountingExchange, change: Change
) -> None:
    await other.positions.list()  # books a fill, which drops both
    before = await cash(other)
    assert set(await kept(exchange)) == {"balances", "positions"}
    await change(services)
    assert await kept(exchange) == {}
    assert await cash(other) != before


async def get_it(services: Services) -> None:
    assert (await services.orders.get("1000")).filled


async def list_open(services: Services) -> None:
    assert await services.orders.open() == []


async def read_history(services: Services) -> None:
    assert len(await services.orders.history(None, 10)) == 2


async def look_at_the_account(services: Services) -> None:
    await services.live.snapshot()


@pytest.mark.parametrize("look", [get_it, list_open, read_history, look_at_the_account])
async def test_an_order_found_filled_drops_both_for_everybody(
    services: Services,
    other: Services,
    exchange: CountingExchange,
    market: FixedMarket,
    look: Change,
) -> None:
    for process in (services, other):  # both have seen it at rest, and what there was before
        await process.orders.open()
        await process.orders.get("1000")
        await process.orders.history(None, 10)
    await other.positions.list()
    await other.balances.list()
    market.set("BTC/USD", 38_900)
    exchange.clock.now += 1
    await look(services)
    assert await kept(exchange) == {}
    (holding,) = await other.positions.list()
    assert holding.amount == Decimal("0.06")


async def test_who_never_saw_an_order_open_finds_it_gone_nevertheless(
    services: Services, other: Services, exchange: CountingExchange, market: FixedMarket
) -> None:
    await services.orders.open()
    await services.balances.list()
    market.set("BTC/USD", 38_900)
    exchange.clock.now += 1
    assert await other.orders.open() == []
    assert await kept(exchange) == {}


@pytest.mark.parametrize("look", [get_it, list_open, read_history])
async def test_what_was_found_filled_before_drops_nothing_more(
    services: Services, exchange: CountingExchange, market: FixedMarket, look: Change
) -> None:
    market.set("BTC/USD", 38_900)
    exchange.clock.now += 1
    await look(services)
    await services.balances.list()
    await look(services)
    assert set(await kept(exchange)) == {"balances"}


async def test_orders_at_rest_drop_nothing(services: Services, exchange: CountingExchange) -> None:
    await services.orders.open()
    await services.balances.list()
    await services.orders.open()
    await services.orders.get("1000")
    assert set(await kept(exchange)) == {"balances"}


async def sell_on(other: Services) -> None:
    await other.orders.create(SELL, None)


async def test_a_reader_whom_a_change_overtook_keeps_nothing(
    services: Services, other: Services, exchange: CountingExchange
) -> None:
    exchange.after_balances = lambda: sell_on(other)
    stale = await cash(services)
    assert await kept(exchange) == {}
    assert await cash(services) != stale


async def test_positions_that_a_change_overtook_are_not_kept(
    services: Services, other: Services, exchange: CountingExchange
) -> None:
    exchange.on_ticker = lambda: sell_on(other)
    await services.positions.list()
    assert await kept(exchange) == {}
    (holding,) = await services.positions.list()
    assert holding.amount == Decimal("0.04")


async def test_the_first_look_at_a_fill_is_kept(
    services: Services, exchange: CountingExchange
) -> None:
    """Its own booking drops what others have, not what it is about to keep."""
    await services.balances.list()
    await services.positions.list()
    assert set(await kept(exchange)) == {"positions"}


async def test_two_who_find_the_same_fill_keep_no_older_one(
    services: Services, other: Services, exchange: CountingExchange
) -> None:
    async def look() -> None:
        await other.positions.list()

    exchange.after_balances = look
    await services.positions.list()
    assert set(await kept(exchange)) == {"positions"}


async def test_the_later_fetch_wins(each_store: Store, clock: FixedClock) -> None:
    one, two = CacheAsync(each_store, clock), CacheAsync(each_store, clock)
    early = await one.find(BALANCES)
    clock.now += 1
    late = await two.find(BALANCES)
    new = Balance("USD", Decimal(2), Decimal(2))
    await two.keep(late, [new])
    await one.keep(early, [Balance("USD", Decimal(1), Decimal(1))])
    assert (await one.find(BALANCES)).rows == [new]


async def test_a_change_while_nothing_is_kept_still_stops_readers(
    each_store: Store, clock: FixedClock
) -> None:
    cache = CacheAsync(each_store, clock)
    found = await cache.find(POSITIONS)
    await cache.drop()
    await cache.keep(found, [])
    assert (await cache.find(POSITIONS)).rows is None


@pytest.mark.parametrize("fault", ["lost", "swallowed"])
async def test_an_order_whose_outcome_nobody_knows_drops_both(
    services: Services, exchange: CountingExchange, fault: str
) -> None:
    await services.positions.list()  # books what would be booked by the risk check
    await services.balances.list()
    exchange.fault = fault
    with pytest.raises(OutcomeUnknown):
        await services.orders.create(BUY, "k")
    assert await kept(exchange) == {}


async def test_an_order_that_is_found_again_drops_both(
    services: Services, exchange: CountingExchange
) -> None:
    exchange.fault = "lost"
    with suppress(OutcomeUnknown):
        await services.orders.create(BUY, "k")
    exchange.fault = None
    await services.balances.list()
    await services.orders.create(BUY, "k")
    assert exchange.sent == 1
    assert await kept(exchange) == {}


async def test_whoever_gave_up_waiting_for_an_order_drops_both(
    clock: FixedClock, market: FixedMarket
) -> None:
    class Interruptible(MemoryStore):
        async def transaction(self, *args: Any, **kwargs: Any) -> Any:
            await checkpoint()
            return await super().transaction(*args, **kwargs)

    exchange = await counting(Interruptible(), clock, market)
    services = wired(exchange)
    await services.positions.list()  # books what would be booked by the risk check
    await services.balances.list()
    with anyio.CancelScope() as scope:
        exchange.after_create = scope.cancel
        await services.orders.create(BUY, None)
    assert scope.cancelled_caught
    assert await kept(exchange) == {}


async def test_an_unsuccessful_cancellation_drops_both(
    services: Services, exchange: CountingExchange
) -> None:
    await services.balances.list()
    exchange.fault = "cancel"
    with pytest.raises(ExchangeFailed):
        await services.orders.cancel("1000")
    assert await kept(exchange) == {}


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (BUY | {"amount": "0.05"}, OrderRejected),
        (BUY | {"symbol": "FOO/USD"}, OrderRefused),
    ],
)
async def test_an_order_that_is_not_sent_drops_nothing(
    services: Services, exchange: CountingExchange, body: dict[str, Any], refusal: type[Exception]
) -> None:
    await services.positions.list()
    await services.balances.list()
    with pytest.raises(refusal):
        await services.orders.create(body, None)
    assert set(await kept(exchange)) == {"balances", "positions"}


async def test_an_unknown_order_is_no_change(
    services: Services, exchange: CountingExchange
) -> None:
    await services.balances.list()
    with pytest.raises(OrderNotFound):
        await services.orders.get("7")
    assert set(await kept(exchange)) == {"balances"}


async def test_risk_checks_never_use_what_is_kept(
    services: Services, exchange: CountingExchange, market: FixedMarket
) -> None:
    """0.024 at 40000 is 9.6 % of 10000; at 20000 the account is worth 9000, and 0.046 are 10.2 %."""
    await services.positions.list()
    await services.balances.list()
    market.set("BTC/USD", 20_000)
    with pytest.raises(OrderRejected, match="Order rejected"):
        await services.orders.create(BUY | {"amount": "0.046"}, None)


async def test_an_outage_is_not_seen_as_long_as_something_is_kept(
    services: Services, exchange: CountingExchange, clock: FixedClock
) -> None:
    balances = await services.balances.list()
    exchange.fault = "balances"
    assert await services.balances.list() == balances
    clock.now += 30_000
    with pytest.raises(ExchangeFailed):
        await services.balances.list()


async def test_who_has_no_exchange_shows_nothing_of_others(
    services: Services, exchange: CountingExchange, clock: FixedClock
) -> None:
    await services.balances.list()
    await services.positions.list()
    without = wire(services.settings, exchange.store, clock, None)
    with pytest.raises(ExchangeNotConfigured):
        await without.balances.list()
    with pytest.raises(ExchangeNotConfigured):
        await without.positions.list()
    assert await without.balances.totals() is None


async def test_currencies_of_nothing_are_left_out_of_what_is_kept(
    services: Services, other: Services, exchange: CountingExchange
) -> None:
    await exchange.store.transaction(wallet.deposit, "DOGE", Decimal(0))
    assert len(await services.balances.list()) == len(await other.balances.list()) == 2
