"""Balances and positions of some seconds ago: for everybody the same, and never after a change."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_services.background import in_background
from shared_services.caching import entries
from shared_services.caching.model import BALANCES, POSITIONS, CacheEntry, CacheFigures
from shared_services.caching.service import CacheAsync
from shared_services.caching.tables import CACHE_COUNTS
from shared_services.caching.values import dumps, loads
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
from shared_services.positions.model import Position
from shared_services.services import Services, wire
from shared_services.storage import Store
from shared_services.storage.errors import StoreUnavailable
from tests.fakes import FixedClock, FixedMarket
from tests.services.exchanges import FailingStore, FaultyExchange, open_example, wired

BUY: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": "0.01",
}
SELL = BUY | {"side": "sell"}

Change = Callable[[Services], Awaitable[object]]


class CountingExchange(FaultyExchange):
    """Counts how often it is asked for the account."""

    asked = 0

    async def balances(self) -> list[Balance]:
        self.asked += 1
        return await super().balances()


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


async def counting(store: Store, clock: FixedClock, market: FixedMarket) -> CountingExchange:
    await open_example(store, clock, market)
    return CountingExchange(store, market, clock)


async def kept(exchange: FaultyExchange) -> dict[str, int]:
    """The fresh entries and how often each was found."""
    now = exchange.clock.now_ms()
    figures = await exchange.store.read(entries.figures, now)
    return {one.key: one.access_count for one in figures.entries}


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
    services: Services, exchange: CountingExchange
) -> None:
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


async def test_everybody_counts_and_everybody_sees_it(services: Services, other: Services) -> None:
    await services.balances.list()
    for _ in range(3):
        await other.balances.list()
    await services.positions.list()
    await other.monitoring.cache()  # what the other one counted
    figures = await services.monitoring.cache()
    assert (figures.cache_hits, figures.cache_misses) == (3, 2)
    assert (figures.total_requests, figures.cache_hit_rate) == (5, 60.0)


async def test_entries_are_told_with_their_age(services: Services, clock: FixedClock) -> None:
    for _ in range(2):
        await services.positions.list()
    clock.now += 4_200
    for _ in range(4):
        await services.balances.list()
    clock.now += 1_000
    assert (await services.monitoring.cache()).most_accessed == (
        CacheEntry("balances", 3, 1.0, 29.0),
        CacheEntry("positions", 1, 5.2, 14.8),
    )
    clock.now += 14_800
    figures = await services.monitoring.cache()
    assert [one.key for one in figures.most_accessed] == ["balances"]
    assert figures.cache_hits == 4


def test_at_most_ten_are_told() -> None:
    many = tuple(CacheEntry(f"{number:02}", number // 2, 0.0, 1.0) for number in range(12))
    told = CacheFigures(0, 0, many, {}).most_accessed
    assert [one.key for one in told] == [
        *("10", "11", "08", "09", "06", "07", "04", "05", "02", "03"),
    ]


async def rows(store: Store) -> dict[str, tuple[int, int]]:
    counts = await store.read(lambda reader: reader.find(CACHE_COUNTS))
    return {row.key: (row.hits, row.misses) for row in counts}


async def test_counts_are_written_together_and_before_the_end(
    services: Services, exchange: CountingExchange
) -> None:
    async with in_background(services.cache.run):
        await services.balances.list()
        await services.balances.list()
        assert await rows(exchange.store) == {}
        await anyio.wait_all_tasks_blocked()
    assert await rows(exchange.store) == {"balances": (1, 1)}


async def test_counts_are_written_while_it_runs(
    services: Services, exchange: CountingExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_services.caching.service.FLUSH_EVERY", 0.001)
    await services.balances.list()
    with anyio.fail_after(10):
        async with in_background(services.cache.run):
            while not await rows(exchange.store):
                await anyio.lowlevel.checkpoint()
    assert await rows(exchange.store) == {"balances": (0, 1)}


async def open_failing(
    clock: FixedClock, market: FixedMarket
) -> tuple[FailingStore, CountingExchange]:
    store = FailingStore()
    return store, await counting(store, clock, market)


async def test_counts_that_cannot_be_written_are_written_later(
    clock: FixedClock, market: FixedMarket
) -> None:
    store, exchange = await open_failing(clock, market)
    services = wired(exchange)
    await services.balances.list()
    store.failing = {"count"}
    await services.cache.flush()
    await services.balances.list()
    store.failing = set()
    await services.cache.flush()
    assert await rows(store) == {"balances": (1, 1)}


@pytest.mark.parametrize("failing", ["keep", "drop"])
async def test_a_store_that_fails_harms_no_answer(
    clock: FixedClock, market: FixedMarket, failing: str
) -> None:
    store, exchange = await open_failing(clock, market)
    store.failing = {failing}
    services = wired(exchange)
    assert len(await services.balances.list()) == 2
    assert len(await services.positions.list()) == 1
    await services.orders.create(BUY, None)
    await services.orders.cancel("1000")


async def test_a_change_that_could_not_be_told_is_told_by_the_next_look(
    clock: FixedClock, market: FixedMarket
) -> None:
    store, exchange = await open_failing(clock, market)
    services = wired(exchange)
    await services.balances.list()
    store.failing = {"drop"}
    await services.orders.get("999")
    store.failing = set()
    await services.orders.get("999")
    assert await kept(exchange) == {}


async def test_without_a_store_everything_is_fetched(clock: FixedClock) -> None:
    class Gone:
        async def read(self, *_: object) -> None:
            raise StoreUnavailable("gone")

        transaction = read

    cache = CacheAsync(Gone(), clock)  # type: ignore[arg-type]
    found = await cache.find(BALANCES)
    assert found.rows is None
    await cache.keep(found, [])
    assert await cache.drop() is False


async def test_what_is_forgotten_of_orders_is_only_dropped_once_more(
    services: Services, exchange: CountingExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_services.orders.found.REMEMBERED", 1)
    await services.orders.create(BUY, None)
    for number in ("999", "1001", "999"):
        await services.balances.list()
        await services.orders.get(number)
        assert await kept(exchange) == {}


money = st.decimals(allow_nan=False, allow_infinity=False, places=18, max_value=10**19)


@given(st.lists(st.builds(Balance, st.text(), money, money)))
def test_what_is_kept_comes_back_exactly(balances: list[Balance]) -> None:
    assert loads(Balance, dumps(balances)) == balances


async def test_positions_come_back_with_all_their_digits(services: Services) -> None:
    positions = await services.positions.list()
    found = await services.cache.find(POSITIONS)
    assert found.rows == positions
    assert isinstance(positions[0], Position)
    assert len(str(positions[0].pnl_percentage)) > 20
