"""MonitoringServiceAsync: nonces, trades, and what a query may ask."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_services.clock import SYSTEM_CLOCK
from shared_services.errors import InvalidQuery
from shared_services.exchange.model import Fill, FillReport, Side
from shared_services.ledger import booking
from shared_services.ledger.booking import News, Sighting
from shared_services.monitoring import service
from shared_services.monitoring.alerts import Level
from shared_services.monitoring.model import KeyUse, Performance
from shared_services.monitoring.performance import book_trade, performance
from shared_services.monitoring.reading import read_hours, read_level
from shared_services.monitoring.service import MonitoringServiceAsync
from shared_services.nonces.owner import NonceOwner, Unit
from shared_services.nonces.turns import Budget
from shared_services.services import Services, open_services
from shared_services.settings import TradingSettings
from shared_services.storage import Store
from shared_services.storage.errors import StoreUnavailable
from shared_services.storage.memory import MemoryStore
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock, FixedMarket, example_market
from tests.services.exchanges import FailingStore, FaultyExchange, open_example, wired
from tests.services.paper import request

BUY: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": "0.01",
}
SELL = BUY | {"side": "sell"}
SELL_ALL = SELL | {"amount": "0.05"}
NOTHING = Performance(0, 0, 0, 0.0, Decimal(0), 0.0, 0.0)


async def use(store: Store, clock: FixedClock, key: str) -> int:
    owner = NonceOwner(store, clock, key, budget=Budget(60), unit=Unit.MILLISECONDS)
    return await owner.next()


async def test_nonces_are_those_of_all_keys_and_processes(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    first = await use(exchange.store, clock, "key number one")
    clock.now += 1000
    await use(exchange.store, clock, "key number two")
    last = await use(exchange.store, clock, "key number two")
    figures = await services.monitoring.nonce()
    assert figures.total_nonces_issued == 3
    assert figures.last_nonce == last > first
    assert figures.active_api_keys == {
        "*** one": KeyUse(EXAMPLE_NOW, 1),
        "*** two": KeyUse(EXAMPLE_NOW + 1000, 2),
    }


async def test_keys_that_end_alike_count_as_one(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    await use(exchange.store, clock, "a long key")
    clock.now += 1000
    await use(exchange.store, clock, "another key")
    figures = await services.monitoring.nonce()
    assert figures.active_api_keys == {"*** key": KeyUse(EXAMPLE_NOW + 1000, 2)}


async def test_the_time_counts_from_when_the_services_were_opened(
    exchange: FaultyExchange, clock: FixedClock
) -> None:
    services = wired(exchange)
    clock.now += HOUR_MS // 2
    assert (await services.monitoring.nonce()).uptime_hours == 0.5
    assert (await wired(exchange).monitoring.nonce()).uptime_hours == 0.0


async def test_who_waits_for_a_nonce_is_counted(services: Services) -> None:
    assert (await services.monitoring.nonce()).queue_size == 0
    queued = MonitoringServiceAsync(
        MemoryStore(), SYSTEM_CLOCK, services.cache, _NoLedger(), lambda: 3
    )
    assert (await queued.nonce()).queue_size == 3


class _NoLedger:
    async def account(self) -> None: ...


async def test_a_trade_is_a_fill_that_reduces_a_position(services: Services) -> None:
    await services.orders.create(BUY, None)
    assert await services.monitoring.performance() == NOTHING
    await services.orders.create(SELL_ALL, None)
    seen = await services.monitoring.performance()
    assert (seen.total_trades, seen.winning_trades, seen.losing_trades) == (1, 1, 0)


async def test_the_first_trade_knows_what_the_account_was_worth_before(
    services: Services,
) -> None:
    await services.orders.create(SELL, None)
    seen = await services.monitoring.performance()
    pnl = Decimal("19.9") - Decimal("0.39990")
    assert seen == Performance(
        total_trades=1,
        winning_trades=1,
        losing_trades=0,
        win_rate=1.0,
        total_pnl=pnl,
        current_drawdown=0.0,
        max_drawdown=0.0,
        base_value=Decimal(10_000),
        peak_value=10_000 + pnl,
    )


async def test_also_if_nothing_is_left_of_what_was_sold(services: Services) -> None:
    await services.orders.create(SELL_ALL, None)
    assert (await services.monitoring.performance()).base_value == 10_000


async def test_also_if_others_follow_before_anybody_looks(services: Services) -> None:
    for body in (SELL, SELL, BUY, SELL_ALL | {"amount": "0.04"}):
        await services.orders.create(body, None)  # each check books what was before
    seen = await services.monitoring.performance()
    assert (seen.base_value, seen.total_trades) == (Decimal(10_000), 3)


async def test_fills_that_nobody_looked_at_are_undone_together(
    services: Services, exchange: FaultyExchange, market: FixedMarket
) -> None:
    await exchange.create(request(Side.SELL, "0.02"))
    market.set("BTC/USD", 50_000)
    await exchange.create(request(Side.SELL, "0.03"))
    seen = await services.monitoring.performance()
    assert seen.total_trades == 2
    assert seen.base_value == 8000 + Decimal("0.05") * 50_000  # at the prices of the look


async def test_every_process_sees_the_same_and_a_trade_counts_once(
    services: Services, exchange: FaultyExchange
) -> None:
    await services.orders.create(SELL, None)
    other = wired(exchange)
    for _ in range(2):
        await other.positions.list()
        assert await other.monitoring.performance() == await services.monitoring.performance()
    assert (await services.monitoring.performance()).total_trades == 1


async def test_a_trade_is_booked_with_its_fill_or_not_at_all(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = FailingStore()
    services = wired(await open_example(store, clock, market))
    await services.orders.create(SELL, None)
    store.failing = {"_book"}
    with pytest.raises(StoreUnavailable):
        await services.monitoring.performance()
    assert await store.read(performance) == NOTHING
    store.failing = set()
    assert (await services.monitoring.performance()).total_trades == 1


@pytest.mark.parametrize("fault", ["balances", "fills", "ticker BTC/USD"])
async def test_an_exchange_that_fails_hides_nothing_booked(
    services: Services, exchange: FaultyExchange, fault: str
) -> None:
    await services.orders.create(SELL, None)
    before = await services.monitoring.performance()
    await services.orders.create(SELL, None)
    exchange.fault = fault
    assert await services.monitoring.performance() == before
    assert await services.monitoring.alerts(None, Decimal(1)) == []


async def test_an_exchange_that_is_silent_delays_it_a_little(
    services: Services, exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PATIENCE", 0.01)
    exchange.after_balances = anyio.sleep_forever
    with anyio.fail_after(10):
        assert await services.monitoring.performance() == NOTHING


async def book(*trades: tuple[str, str]) -> Performance:
    """Results and the portfolio value that was known before each."""
    store = MemoryStore()
    for result, value in trades:
        await store.transaction(book_trade, Decimal(result), Decimal(value))
    return await store.read(performance)


async def test_drawdowns_are_fractions_of_the_highest_equity() -> None:
    seen = await book(("100", "900"), ("-250", "0"), ("50", "0"), ("0", "0"))
    assert [seen.base_value, seen.peak_value, seen.total_pnl] == [900, 1000, -100]
    assert (seen.max_drawdown, seen.current_drawdown) == (0.25, 0.2)
    assert (seen.total_trades, seen.winning_trades, seen.losing_trades) == (4, 2, 2)
    assert seen.win_rate == 0.5


async def test_a_new_peak_ends_a_drawdown() -> None:
    seen = await book(("-10", "100"), ("30", "0"))
    assert [seen.peak_value, seen.current_drawdown, seen.max_drawdown] == [120, 0.0, 0.1]


async def test_an_account_that_was_worth_nothing_has_no_drawdown() -> None:
    seen = await book(("-10", "0"))
    assert [seen.base_value, seen.current_drawdown, seen.max_drawdown] == [0, 0.0, 0.0]


async def test_a_crumb_of_an_account_can_lose_a_fortune() -> None:
    seen = await book(("-100000000000", "0.00000001"))
    assert seen.current_drawdown == seen.max_drawdown == 1e19


@settings(deadline=None)
@given(st.lists(st.decimals(-1000, 1000, places=8), min_size=1, max_size=20))
def test_the_figures_agree_with_a_plain_count(results: list[Decimal]) -> None:
    seen = anyio.run(book, *[(f"{result}", "10000") for result in results])
    equity = peak = Decimal(10_000)
    deepest = Decimal(0)
    for result in results:
        equity += result
        peak = max(peak, equity)
        deepest = max(deepest, (peak - equity) / peak)
    assert seen.peak_value == peak
    assert seen.total_pnl == equity - 10_000
    assert seen.max_drawdown == pytest.approx(float(deepest), rel=1e-9, abs=1e-17)
    assert seen.winning_trades == sum(result > 0 for result in results)


def fill(number: int, side: Side, amount: str, price: int, symbol: str = "ETH/USD") -> Fill:
    return Fill(
        f"f{number}", "o", symbol, side, Decimal(amount), Decimal(price), Decimal(1), EXAMPLE_NOW
    )


async def test_a_short_that_is_bought_back_is_a_trade() -> None:
    store = MemoryStore()
    fills = (fill(1, Side.SELL, "2", 100), fill(2, Side.BUY, "1", 90), fill(3, Side.BUY, "3", 80))
    sighting = Sighting("ETH", Decimal(2), Decimal(80))
    news = News(FillReport(fills, "3"), (sighting,), EXAMPLE_NOW, Decimal(1000))
    await store.transaction(booking.book, news)
    seen = await store.read(performance)
    assert (seen.total_trades, seen.total_pnl) == (2, Decimal(10 - 1 + 20 - 1))
    # without the last two: 2 less of what costs 80, and 90 + 240 + 2 more cash
    assert seen.base_value == 1000 + 160 - 4 * 80 + 90 + 240 + 2


async def test_what_has_no_price_in_usd_is_no_part_of_the_value() -> None:
    store = MemoryStore()
    fills = (fill(1, Side.BUY, "1", 90, "XYZ/ABC"), fill(2, Side.SELL, "1", 80, "XYZ/ABC"))
    news = News(FillReport(fills, "2"), (), EXAMPLE_NOW, Decimal(1000))
    await store.transaction(booking.book, news)
    assert (await store.read(performance)).base_value == 1000


async def test_booked_fills_need_no_value(services: Services, exchange: FaultyExchange) -> None:
    """Once there was a trade, nothing that is no longer held is priced any more."""
    await services.orders.create(SELL_ALL, None)
    await services.monitoring.performance()
    await services.orders.create(BUY, None)
    await services.orders.create(SELL, None)
    exchange.fault = "ticker BTC/USD"
    assert (await services.monitoring.performance()).total_trades == 2


@pytest.mark.parametrize("text", ["INFO", "info", "Info", "iNfO"])
def test_a_level_in_any_case(text: str) -> None:
    assert read_level(text) is Level.INFO


@pytest.mark.parametrize("text", ["", "FOO", "foo", " INFO", "INFO ", "\u0131nfo", "Level.INFO"])
def test_any_other_level_is_told_as_it_was_sent(text: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        read_level(text)
    assert caught.value.error == f"Invalid level: {text}"


@pytest.mark.parametrize(
    ("text", "hours"),
    [(None, "24"), ("168", "168"), ("0.5", "0.5"), (" +1e1 ", "10"), (".1", ".1")],
)
def test_hours(text: str | None, hours: str) -> None:
    assert read_hours(text) == Decimal(hours)


@pytest.mark.parametrize("text", ["", "0", "-1", "168.0000000001", "1e400", "nan", "x", "1e-400"])
def test_no_hours(text: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        read_hours(text)
    assert caught.value.error == "Invalid hours: must be greater than 0 and at most 168"


async def test_opened_services_flush_what_they_counted(tmp_path: Path) -> None:
    settings = TradingSettings(store=f"sqlite:///{tmp_path}/trading.db")
    async with open_services(settings, clock=FixedClock(), market=example_market()) as services:
        await services.balances.list()
        await services.balances.list()
    async with open_services(settings, clock=FixedClock(), market=example_market()) as services:
        figures = await services.monitoring.cache()
    assert (figures.cache_hits, figures.cache_misses) == (1, 1)
