"""What the caches tell of themselves, and what becomes of them when the store fails."""

from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_services.background import in_background
from shared_services.caching.model import BALANCES, POSITIONS, CacheEntry, CacheFigures
from shared_services.caching.service import CacheAsync
from shared_services.caching.tables import CACHE_COUNTS
from shared_services.caching.values import dumps, loads
from shared_services.exchange.model import Balance
from shared_services.positions.model import Position
from shared_services.services import Services
from shared_services.storage import Store
from shared_services.storage.errors import StoreUnavailable
from tests.fakes import FixedClock, FixedMarket
from tests.services.caches import CountingExchange, counting, kept
from tests.services.exchanges import FailingStore, wired

BUY: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": "0.01",
}


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

    cache = CacheAsync(cast("Store", Gone()), clock)
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


@settings(deadline=None)
@given(st.lists(st.builds(Balance, st.text(), money, money)))
def test_what_is_kept_comes_back_exactly(balances: list[Balance]) -> None:
    assert loads(Balance, dumps(balances)) == balances


async def test_positions_come_back_with_all_their_digits(services: Services) -> None:
    positions = await services.positions.list()
    found = await services.cache.find(POSITIONS)
    assert found.rows == positions
    assert isinstance(positions[0], Position)
    assert len(str(positions[0].pnl_percentage)) > 20
