"""What the bot decides on the example account, and what becomes of the orders that follow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import anyio
import pytest

from shared_services.bot.cycle import Cycle, is_open
from shared_services.bot.model import BotState, Decision
from shared_services.bot.ordering import market_order, tradable
from shared_services.bot.runs import LEASE_MS
from shared_services.bot.worker import CYCLE_MS, ORDER_MS
from shared_services.config.model import TradingWindow
from shared_services.errors import (
    ExchangeFailed,
    ExchangeNotConfigured,
    InvalidOrder,
    OrderRefused,
    OrderRejected,
)
from shared_services.exchange.model import Balance, Candle
from shared_services.exchange.paper.synthetic import SyntheticMarket
from shared_services.orders.idempotency import LEASE_MS as KEY_LEASE_MS
from shared_services.services import Services, wire
from shared_services.settings import TradingSettings
from shared_services.storage import Store
from shared_services.storage.memory import MemoryStore
from shared_services.strategies.model import Action
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock, FixedMarket, example_market
from tests.services.bots import ORDER, Process, alerts, days, decision, row_of
from tests.services.exchanges import FaultyExchange, open_example, wired

PAIR = "TESTBTC/TESTUSD"
KEY = f"bot-a1-1-{PAIR}"
INSTRUMENTS = SyntheticMarket(0).instruments


class KilledError(BaseException):
    """The process ends here: nothing of it runs any more."""


@dataclass
class FallingMarket(FixedMarket):
    """Each bar closes 10 below the one before, so that the RSI is 0; there are at most `bars`."""

    bars: int = 1000

    def candles(self, symbol: str, length: int, count: int, at: int) -> list[Candle]:
        count = min(count, self.bars)
        newest, last = at // length * length, self.ticker(symbol, at).last
        return [_bar(newest - back * length, last + 10 * back) for back in reversed(range(count))]


def _bar(start: int, close: Decimal) -> Candle:
    return Candle(start, close + 10, close + 20, close - 20, close, Decimal(2))


def falling(bars: int = 1000) -> FallingMarket:
    known = example_market()
    return FallingMarket(known.prices, known.depth, known.books, bars)


def cycle_of(services: Services, *, executes: bool = True) -> Cycle:
    parts = services.config, services.exchange, services.backtest, services.portfolio
    return Cycle(*parts, executes=executes)


async def decided(services: Services, *, executes: bool = True) -> Decision:
    found = await cycle_of(services, executes=executes).decide(EXAMPLE_NOW)
    assert found is not None
    return found


async def falling_services(clock: FixedClock, bars: int = 1000) -> Services:
    return wired(await open_example(MemoryStore(), clock, falling(bars)))


# The decision


async def test_signals_are_combined_sized_and_checked(services: Services) -> None:
    """Of the example's bars the RSI is 70.7; what the others say is not sure enough to count."""
    assert await decided(services, executes=False) == Decision(
        symbol="BTC/USD",
        action=Action.SELL,
        amount=Decimal("0.005"),  # 2 % of 10 000 at 40 000
        price=Decimal(40_000),
        confidence=0.7,
        risk_score=0.51,
        errors=(),
        should_execute=True,
        skipped={},
        daily_limit=5,
        order=None,
    )


async def test_with_execution_the_order_follows(services: Services) -> None:
    found = await decided(services)
    expected = {"symbol": PAIR, "order_type": "market", "side": "sell", "amount": "0.005"}
    assert found.order == expected
    assert replace(found, order=None) == await decided(services, executes=False)


async def test_the_order_is_one_that_the_account_can_pay(clock: FixedClock) -> None:
    services = await falling_services(clock)
    found = await decided(services)
    assert found.order == {**ORDER, "amount": "0.005"}
    placed = await services.orders.create(found.order, None)
    assert placed.order.filled == Decimal("0.005")


async def test_it_follows_the_configuration(services: Services) -> None:
    risk = {"min_signal_confidence": Decimal("0.8"), "risk_per_trade": Decimal("0.01")}
    await services.config.update({"SYMBOL": "ETH/USD", "MAX_TRADES_PER_DAY": 3, "risk": risk})
    found = await decided(services)
    assert (found.symbol, found.price, found.daily_limit) == ("ETH/USD", Decimal(2000), 3)
    assert found.amount == Decimal("0.05")  # 1 % of 10 000 at 2000
    assert found.errors == ("Signal confidence 70.00% below minimum 80.00%",)
    assert not found.should_execute


async def test_strategies_that_cannot_run_are_skipped(clock: FixedClock) -> None:
    found = await decided(await falling_services(clock, bars=15))
    assert list(found.skipped) == ["ema_crossover"]
    assert found.action is Action.BUY  # the RSI has just enough


async def test_with_no_signal_at_all_it_holds(clock: FixedClock) -> None:
    found = await decided(await falling_services(clock, bars=2))
    assert set(found.skipped) == {"ema_crossover", "rsi", "fvg"}
    assert (found.action, found.amount, found.order) == (Action.HOLD, Decimal(0), None)
    assert not found.should_execute


async def test_outside_of_the_window_it_asks_nobody(exchange: FaultyExchange) -> None:
    services = wired(exchange)
    exchange.fault = "ticker BTC/USD"
    await services.config.update({"TRADING_START_HOUR": 8, "TRADING_END_HOUR": 22})
    assert await cycle_of(services).decide(EXAMPLE_NOW) is None  # 22:13
    with pytest.raises(ExchangeFailed):
        await cycle_of(services).decide(EXAMPLE_NOW - HOUR_MS)


def test_the_window_is_half_open() -> None:
    day = EXAMPLE_NOW // (24 * HOUR_MS) * 24 * HOUR_MS
    minutes = range(day, day + 24 * HOUR_MS, 60_000)
    window = TradingWindow(8, 16)
    assert [at for at in minutes if is_open(window, at)] == list(minutes)[8 * 60 : 16 * 60]
    assert all(is_open(TradingWindow(), at) for at in minutes)


@pytest.mark.parametrize("fault", ["ticker BTC/USD", "balances", "fills"])
async def test_an_exchange_that_fails_is_a_failed_cycle(
    exchange: FaultyExchange, fault: str
) -> None:
    exchange.fault = fault
    with pytest.raises(ExchangeFailed, match="Exchange error: connection reset"):
        await decided(wired(exchange))


async def test_a_symbol_that_is_not_traded_is_a_failed_cycle(services: Services) -> None:
    await services.config.update({"SYMBOL": "DOGE/USD"})
    with pytest.raises(ExchangeFailed):
        await decided(services)


async def test_a_market_without_bars_is_a_failed_cycle(clock: FixedClock) -> None:
    with pytest.raises(ExchangeFailed, match="no bars of BTC/USD"):
        await decided(await falling_services(clock, bars=0))


async def test_no_exchange_is_a_failed_cycle(clock: FixedClock) -> None:
    settings = TradingSettings(store="memory://")
    with pytest.raises(ExchangeNotConfigured):
        await decided(wire(settings, MemoryStore(), clock, None))


# The order


def held(**amounts: str) -> list[Balance]:
    return [Balance(name, *2 * [Decimal(amount)]) for name, amount in amounts.items()]


@pytest.mark.parametrize(
    ("symbol", "balances", "expected"),
    [
        ("BTC/USD", held(TESTUSD="1"), PAIR),
        ("BTC/USD", held(USD="1"), "BTC/USD"),
        ("BTC/USD", held(USD="1", TESTUSD="2"), PAIR),
        (PAIR, held(USD="2", TESTUSD="1"), "BTC/USD"),
        ("BTC/USD", held(USD="0", TESTUSD="0", TESTBTC="1"), PAIR),
        ("BTC/USD", [], "BTC/USD"),
        (PAIR, [], PAIR),
        ("BTC/USD", held(TESTETH="5"), "BTC/USD"),
        ("DOGE/USD", held(TESTUSD="1"), None),
    ],
)
def test_the_market_is_the_one_the_account_has_money_in(
    symbol: str, balances: Sequence[Balance], expected: str | None
) -> None:
    pair = tradable(symbol, INSTRUMENTS, balances)
    assert (pair and pair.symbol) == expected


@pytest.mark.parametrize(
    ("action", "amount", "coins", "expected"),
    [
        (Action.BUY, "0.005", "0", "0.005"),
        (Action.BUY, "0.123456789", "0", "0.12345678"),
        (Action.BUY, "99", "0", "2"),
        (Action.BUY, "0.0009", "0", None),
        (Action.SELL, "0.005", "1", "0.005"),
        (Action.SELL, "0.005", "0.004", "0.004"),
        (Action.SELL, "0.005", "0.0009", None),
        (Action.SELL, "0.005", "0", None),
    ],
)
def test_an_amount_is_one_that_the_market_allows(
    action: Action, amount: str, coins: str, expected: str | None
) -> None:
    least, most = Decimal("0.001"), Decimal(2)
    pair = replace(INSTRUMENTS[PAIR], minimum_amount=least, maximum_amount=most)
    body = market_order(action, Decimal(amount), pair, held(TESTBTC=coins))
    assert (None if body is None else body["amount"]) == expected


def test_nothing_is_not_ordered_even_where_no_minimum_is_known() -> None:
    pair = replace(INSTRUMENTS[PAIR], minimum_amount=Decimal(0))
    assert market_order(Action.SELL, Decimal(1), pair, []) is None


def test_reserved_coins_are_not_sold_again() -> None:
    coins = Balance("TESTBTC", total=Decimal(1), available=Decimal("0.25"))
    body = market_order(Action.SELL, Decimal(1), INSTRUMENTS[PAIR], [coins]) or {}
    assert body["amount"] == "0.25"


# What becomes of it


@pytest.fixture
def processes(exchange: FaultyExchange) -> tuple[Process, Process]:
    """Two that decide to buy, with the real orders."""
    store, clock = exchange.store, exchange.clock
    pair = [Process(name, store, clock, orders=wired(exchange).orders) for name in "ab"]
    for one in pair:
        one.mind.result = decision(ORDER)
    return pair[0], pair[1]


def ordering(clock: FixedClock) -> Process:
    """One that decides to buy, with a book that takes every order."""
    bot = Process("a", MemoryStore(), clock)
    bot.mind.result = decision(ORDER)
    return bot


async def failures(store: Store) -> list[object]:
    return [told["reason"] for level, _, told in await alerts(store) if level == "ERROR"]


async def test_each_cycle_has_a_key_of_its_own(clock: FixedClock) -> None:
    bot = ordering(clock)
    await bot.manager.start()
    await bot.tick()
    await bot.tick()
    clock.now += CYCLE_MS
    await bot.tick()
    await bot.manager.stop()
    await bot.manager.start()
    await bot.tick()
    assert bot.orders.keys == [KEY, f"bot-a1-2-{PAIR}", f"bot-a2-1-{PAIR}"]
    assert (await bot.store.read(row_of)).pending is None


async def test_an_order_of_a_process_that_died_is_placed_by_another_under_its_key(
    each_store: Store, clock: FixedClock
) -> None:
    killed, other = Process("a", each_store, clock), Process("b", each_store, clock)
    killed.mind.result, killed.orders.failure = decision(ORDER), KilledError()
    await killed.manager.start()
    with pytest.raises(KilledError):
        await killed.tick()
    clock.now += LEASE_MS
    await other.tick()
    assert await other.tick() is None
    assert killed.orders.keys == other.orders.keys == [KEY]
    assert other.mind.asked == []  # it is decided already
    assert [message for _, message, _ in await alerts(each_store)] == ["Bot decision"]
    assert [row.trades for row in await days(each_store)] == [1]
    assert (await other.manager.status()).cycle_count == 1


async def test_a_crash_right_after_the_sending_orders_nothing_twice(
    processes: tuple[Process, Process], exchange: FaultyExchange, clock: FixedClock
) -> None:
    def die() -> None:
        raise KilledError

    bot, other = processes
    exchange.after_create = die
    await bot.manager.start()
    with pytest.raises(BaseExceptionGroup):  # the killed one, out of a task group
        await bot.tick()
    exchange.after_create = None
    clock.now += KEY_LEASE_MS
    await other.tick()
    assert exchange.sent == 1
    assert len(await exchange.closed_orders(None, 10)) == 2  # the example's and this one
    assert await failures(exchange.store) == []
    assert (await exchange.store.read(row_of)).pending is None


async def test_an_order_without_an_answer_is_looked_up(
    processes: tuple[Process, Process], exchange: FaultyExchange, clock: FixedClock
) -> None:
    bot, other = processes
    exchange.fault = "lost"
    await bot.manager.start()
    with anyio.move_on_after(0.05) as killed:
        await bot.tick()  # and would try again
    assert killed.cancelled_caught
    exchange.fault = None
    clock.now += LEASE_MS
    await other.tick()
    assert exchange.sent == 1
    assert await failures(exchange.store) == []


@pytest.mark.parametrize(
    ("later", "keys", "told"),
    [(ORDER_MS - 1, [KEY], []), (ORDER_MS, [], ["The order could not be placed in time"])],
)
async def test_a_stale_order_is_not_placed(
    clock: FixedClock, later: int, keys: list[str], told: list[str]
) -> None:
    bot = ordering(clock)
    bot.orders.failure = KilledError()
    await bot.manager.start()
    with pytest.raises(KilledError):
        await bot.tick()
    clock.now += later
    other = Process("b", bot.store, clock)
    await other.tick()
    assert (other.orders.keys, await failures(bot.store)) == (keys, told)
    assert (await bot.store.read(row_of)).pending is None


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OrderRefused("Failed to place order", details="too little"), ["too little"]),
        (InvalidOrder("Invalid order", details=("Amount", "Price")), ["('Amount', 'Price')"]),
        (OrderRejected("Order rejected by risk management", details=("no",)), []),
    ],
)
async def test_an_order_that_nobody_takes_is_told_once_and_given_up(
    clock: FixedClock, failure: Exception, told: list[str]
) -> None:
    """A rejection is told by whoever rejects it."""
    bot = ordering(clock)
    bot.orders.failure = failure
    await bot.manager.start()
    await bot.tick()
    await bot.tick()
    assert (bot.orders.keys, await failures(bot.store)) == ([KEY], told)
    assert (await bot.manager.status()).error is None


async def test_a_stop_during_the_checks_keeps_the_order_from_being_sent(
    processes: tuple[Process, Process], exchange: FaultyExchange
) -> None:
    async def stop() -> None:
        await processes[1].manager.stop()

    exchange.on_ticker = stop
    await processes[0].manager.start()
    await processes[0].tick()
    assert (await processes[0].manager.status()).status is BotState.STOPPED
    assert exchange.sent == 0
    assert await failures(exchange.store) == []


@pytest.mark.parametrize(("executes", "sent"), [(False, 0), (True, 1)])
async def test_only_the_setting_makes_it_trade(
    exchange: FaultyExchange, clock: FixedClock, executes: bool, sent: int
) -> None:
    settings = TradingSettings(store="memory://", bot_executes=executes)
    services = wire(settings, exchange.store, clock, exchange)
    await services.bot.start()
    turn = await services.worker.look()
    assert turn is not None
    await services.worker.work(turn)
    assert exchange.sent == sent
    assert [message for _, message, _ in await alerts(exchange.store)] == ["Bot decision"]
    assert [row.trades for row in await days(exchange.store)] == [1]
