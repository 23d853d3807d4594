"""Alerts: who tells what, once, and how many are kept."""

from decimal import Decimal
from typing import Any

import anyio
import pytest

from shared_services.errors import (
    ExchangeFailed,
    IdempotencyKeyInProgress,
    OrderRejected,
    OutcomeUnknown,
)
from shared_services.exchange.model import Side
from shared_services.monitoring import alerts
from shared_services.monitoring.alerts import KEPT, KEPT_MS, Level, alert, record, record_once
from shared_services.monitoring.model import Alert
from shared_services.monitoring.tables import ALERTS
from shared_services.services import Services
from shared_services.storage import Store, Transaction
from shared_services.storage.errors import StoreUnavailable
from shared_services.storage.memory import MemoryStore
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock, FixedMarket
from tests.services.exchanges import FailingStore, FaultyExchange, open_example, wired
from tests.services.paper import request

TOO_LARGE: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": "0.05",
}
REJECTION = Alert(
    level="WARNING",
    message="Order rejected by risk management",
    metadata={
        "details": ["Position size 20.00% exceeds maximum 10.00%"],
        "symbol": "TESTBTC/TESTUSD",
    },
    timestamp=EXAMPLE_NOW,
)
DAY = Decimal(24)


@pytest.fixture
async def exchange(each_store: Store, clock: FixedClock, market: FixedMarket) -> FaultyExchange:
    return await open_example(each_store, clock, market)


@pytest.fixture
def services(exchange: FaultyExchange) -> Services:
    return wired(exchange)


@pytest.fixture
def other(exchange: FaultyExchange) -> Services:
    return wired(exchange)


async def told(services: Services, level: Level | None = None) -> list[Alert]:
    return await services.monitoring.alerts(level, DAY)


async def texts(services: Services) -> list[str]:
    return [one.message for one in await told(services)]


def failure(text: str = "Exchange error: no route", message: str = "No balances") -> ExchangeFailed:
    return ExchangeFailed(text, message=message)


async def reject(services: Services, key: str | None = None) -> None:
    with pytest.raises(OrderRejected):
        await services.orders.create(TOO_LARGE, key)


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_rejected_order_is_told(
    services: Services, other: Services, key: str | None
) -> None:
    await reject(services, key)
    assert await told(other) == [REJECTION]


async def test_a_replayed_rejection_is_not_told_again(services: Services, other: Services) -> None:
    await reject(services, "k")
    await reject(other, "k")
    assert await told(services) == [REJECTION]


async def test_a_rejection_and_its_answer_are_written_together(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = FailingStore()
    services = wired(await open_example(store, clock, market))
    store.failing = {"_reject"}
    await reject(services, "k")  # the client hears of it nevertheless
    await reject(services)
    store.failing = set()
    assert await told(services) == []
    with pytest.raises(IdempotencyKeyInProgress):
        await services.orders.create(TOO_LARGE, "k")
    clock.now += HOUR_MS
    await reject(services, "k")
    assert len(await told(services)) == 1


async def test_who_lost_the_key_meanwhile_tells_nothing(
    services: Services, other: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    async def take_over() -> None:
        clock.now += HOUR_MS
        await reject(other, "k")

    exchange.on_ticker = take_over
    await reject(services, "k")
    assert [one.timestamp for one in await told(other)] == [clock.now]


async def lose(exchange: FaultyExchange, market: FixedMarket) -> None:
    """450 and 5 of fees, with what had cost 38000 before."""
    market.set("BTC/USD", 60_000)
    await exchange.create(request(Side.BUY, "0.05"))
    market.set("BTC/USD", 40_000)
    await exchange.create(request(Side.SELL, "0.05"))


SMALL = TOO_LARGE | {"amount": "0.001"}


async def try_to_buy(services: Services) -> None:
    with pytest.raises(OrderRejected):
        await services.orders.create(SMALL, None)


async def test_the_loss_of_a_day_is_told_once_by_all(
    services: Services,
    other: Services,
    exchange: FaultyExchange,
    market: FixedMarket,
    clock: FixedClock,
) -> None:
    await lose(exchange, market)
    for process in (services, other, services):
        await try_to_buy(process)
        clock.now += 1000
    (loss,) = await told(other, Level.CRITICAL)
    assert (loss.message, loss.timestamp) == ("Daily loss limit reached", EXAMPLE_NOW)
    assert loss.metadata == {
        "daily_pnl": -456.9,
        "limit": 179.9,
        "portfolio_value": 8995.0,
    }


async def test_the_next_day_is_told_again(
    services: Services, exchange: FaultyExchange, market: FixedMarket, clock: FixedClock
) -> None:
    await lose(exchange, market)
    await try_to_buy(services)
    clock.now += 2 * HOUR_MS  # it is after midnight
    await lose(exchange, market)
    await try_to_buy(services)
    assert len(await told(services, Level.CRITICAL)) == 2


async def test_a_loss_that_cannot_be_told_is_still_a_rejection(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = FailingStore()
    exchange = await open_example(store, clock, market)
    services = wired(exchange)
    await lose(exchange, market)
    store.failing = {"record_once"}
    await try_to_buy(services)
    store.failing = set()
    await try_to_buy(services)
    assert len(await told(services, Level.CRITICAL)) == 1


async def test_a_failure_is_told_once_a_minute_by_all(
    services: Services, other: Services, clock: FixedClock
) -> None:
    for process in (services, other, services):
        await process.monitoring.heard(failure())
    clock.now += 59_999
    await other.monitoring.heard(failure())
    assert await told(services) == [
        Alert(
            "ERROR",
            "Exchange failure: No balances",
            {"error": "Exchange error: no route"},
            EXAMPLE_NOW,
        )
    ]
    clock.now += 1
    await services.monitoring.heard(failure())
    await other.monitoring.heard(failure())
    assert len(await told(services)) == 2


async def test_other_failures_are_told_beside_it(services: Services) -> None:
    await services.monitoring.heard(failure())
    await services.monitoring.heard(OutcomeUnknown("Exchange error: x", message="No idea"))
    assert await texts(services) == ["Exchange failure: No idea", "Exchange failure: No balances"]


async def test_who_told_it_lately_does_not_ask_the_store(
    clock: FixedClock, market: FixedMarket
) -> None:
    class CountingStore(FailingStore):
        asked = 0

        async def transaction(self, function: Any, *args: Any, **kwargs: Any) -> Any:
            self.asked += function is record_once
            return await super().transaction(function, *args, **kwargs)

    store = CountingStore()
    services = wired(await open_example(store, clock, market))
    for _ in range(3):
        await services.monitoring.heard(failure())
        clock.now += 10_000
    assert store.asked == 1


async def test_a_failure_that_cannot_be_told_stays_what_it_was(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = FailingStore()
    services = wired(await open_example(store, clock, market))
    store.failing = {"record_once"}
    await services.monitoring.heard(failure())
    assert await told(services) == []


async def test_nobody_waits_long_for_a_store_that_hangs(
    monkeypatch: pytest.MonkeyPatch, services: Services
) -> None:
    class Hanging(MemoryStore):
        async def transaction(self, *_: object, **__: object) -> Any:
            await anyio.sleep_forever()

    monkeypatch.setattr(alerts, "PATIENCE", 0.01)
    with anyio.fail_after(10):
        await alerts.tell_once(Hanging(), alert(Level.ERROR, "x", {}, 0), since=0)


async def test_a_store_that_is_gone_is_no_failure_of_telling() -> None:
    class Gone(MemoryStore):
        async def transaction(self, *_: object, **__: object) -> Any:
            raise StoreUnavailable("gone")

    await alerts.tell_once(Gone(), alert(Level.ERROR, "x", {}, 0), since=0)


async def test_the_newest_come_first_also_of_the_same_moment(
    services: Services, each_store: Store
) -> None:
    def tell(tx: Transaction) -> None:
        for text, at in (("b", 1), ("c", 1), ("a", 0), ("d", 2)):
            record(tx, alert(Level.INFO, text, {}, EXAMPLE_NOW - 10 + at))

    await each_store.transaction(tell)
    assert await texts(services) == ["d", "c", "b", "a"]


async def test_old_alerts_go_as_new_ones_come(services: Services, clock: FixedClock) -> None:
    store = MemoryStore()
    for number in range(5):
        await store.transaction(record, alert(Level.INFO, f"old {number}", {}, number))
    await store.transaction(record, alert(Level.INFO, "new", {}, KEPT_MS + 2))
    kept = await store.read(lambda reader: reader.find(ALERTS, order_by="id"))
    assert [row.message for row in kept] == ["old 2", "old 3", "old 4", "new"]


async def test_only_so_many_are_kept() -> None:
    store = MemoryStore()

    def tell(tx: Transaction) -> None:
        for number in range(KEPT + 3):
            tx.add(ALERTS, _numbered(number + 1))

    await store.transaction(tell)
    for _ in range(3):
        await store.transaction(record, alert(Level.INFO, "new", {}, 0))
    kept = await store.read(lambda reader: reader.find(ALERTS, order_by="id"))
    assert len(kept) == KEPT
    assert kept[-1].id == f"{KEPT + 6:018}"


def _numbered(number: int) -> Any:
    row = alert(Level.INFO, "x", {}, 0)
    return type(row)(f"{number:018}", row.at_ms, row.level, row.message, row.metadata)


async def test_processes_that_tell_at_once_lose_nothing(each_store: Store) -> None:
    async def tell(number: int) -> None:
        await each_store.transaction(record, alert(Level.INFO, f"{number}", {}, EXAMPLE_NOW))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(tell, number)
    kept = await each_store.read(lambda reader: reader.find(ALERTS))
    assert {row.message for row in kept} == {f"{number}" for number in range(20)}


async def test_once_is_once_also_at_once(each_store: Store) -> None:
    row = alert(Level.ERROR, "x", {}, EXAMPLE_NOW)
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(each_store.transaction, record_once, row, EXAMPLE_NOW)
    assert len(await each_store.read(lambda reader: reader.find(ALERTS))) == 1
