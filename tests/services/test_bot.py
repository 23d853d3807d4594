"""The bot: one run for all processes, and each of its cycles once."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from shared_services.bot.model import BotReply, BotState, BotStatus
from shared_services.bot.runs import LEASE_MS, RENEW_MS
from shared_services.bot.worker import CYCLE_MS
from shared_services.errors import (
    BotNotStarted,
    ExchangeFailed,
)
from shared_services.storage import Store
from shared_services.storage.memory import MemoryStore
from shared_services.strategies.model import Action
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock
from tests.services.bots import ORDER, Process, alerts, days, decision, row_of
from tests.services.exchanges import FailingStore

DEADLINE = 5.0  # seconds
MIDNIGHT = EXAMPLE_NOW // (24 * HOUR_MS) * 24 * HOUR_MS + 24 * HOUR_MS
NEVER = BotStatus(BotState.STOPPED, False, 0, 0.0, None, None)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def bot(store: MemoryStore, clock: FixedClock) -> Process:
    return Process("a", store, clock)


@pytest.fixture
def other(store: MemoryStore, clock: FixedClock) -> Process:
    return Process("b", store, clock)


async def messages(store: Store) -> list[str]:
    return [message for _, message, _ in await alerts(store)]


# Start, status, stop


async def test_a_bot_that_never_ran_is_stopped(bot: Process) -> None:
    assert await bot.manager.status() == NEVER
    assert await bot.manager.stop() == BotReply("Bot is not running", BotState.STOPPED, False)
    assert await bot.tick() is None


async def test_both_processes_say_that_it_runs(
    bot: Process, other: Process, clock: FixedClock
) -> None:
    reply = await bot.manager.start()
    assert reply == BotReply("Bot started with trading logic", BotState.RUNNING, True)
    clock.now += 1_500
    expected = BotStatus(BotState.RUNNING, True, 0, 1.5, EXAMPLE_NOW, None)
    assert await bot.manager.status() == await other.manager.status() == expected


async def test_a_running_bot_is_not_started_again(bot: Process, other: Process) -> None:
    await bot.manager.start()
    for one in (bot, other):
        with pytest.raises(BotNotStarted) as caught:
            await one.manager.start()
        expected = {"message": "Bot is already running", "status": "running", "success": False}
        assert caught.value.envelope() == expected


async def test_of_many_starts_at_once_one_begins_a_run(
    each_store: Store, clock: FixedClock
) -> None:
    processes = [Process(name, each_store, clock) for name in "abcd"]
    outcomes: list[str] = []

    async def start(one: Process) -> None:
        try:
            outcomes.append((await one.manager.start()).message)
        except BotNotStarted as error:
            outcomes.append(error.error)

    async with anyio.create_task_group() as group:
        for one in processes:
            group.start_soon(start, one)
    assert sorted(outcomes) == 3 * ["Bot is already running"] + ["Bot started with trading logic"]
    assert len([turn for turn in [await one.tick() for one in processes] if turn]) == 1
    assert await messages(each_store) == ["Bot decision"]


async def test_a_process_without_an_exchange_sees_and_stops_the_run_of_another(
    bot: Process, store: MemoryStore, clock: FixedClock
) -> None:
    unable = Process("b", store, clock, able=False)
    await bot.manager.start()
    assert (await unable.manager.status()).status is BotState.RUNNING
    assert (await unable.manager.stop()).success
    assert (await bot.manager.status()).status is BotState.STOPPED


async def test_a_run_that_nobody_can_work_for_is_stopped(
    bot: Process, store: MemoryStore, clock: FixedClock
) -> None:
    unable = Process("b", store, clock, able=False)
    await bot.manager.start()
    clock.now += LEASE_MS
    status = await unable.manager.status()
    assert (status.status, status.thread_alive, status.uptime) == (BotState.STOPPED, False, 0.0)
    assert not (await unable.manager.stop()).success
    assert (await bot.manager.status()).status is BotState.STOPPED  # it ended nevertheless


async def test_a_new_run_counts_from_zero(bot: Process, other: Process) -> None:
    await bot.manager.start()
    await bot.tick()
    assert (await other.manager.stop()).success
    stopped = await bot.manager.status()
    assert (stopped.status, stopped.cycle_count, stopped.uptime) == (BotState.STOPPED, 1, 0.0)
    await other.manager.start()
    status = await bot.manager.status()
    assert (status.cycle_count, status.last_cycle_time) == (0, None)
    assert await bot.tick() is None
    assert await other.tick() is not None


# Who works


async def test_whoever_renews_keeps_the_run(
    bot: Process, other: Process, clock: FixedClock
) -> None:
    await bot.manager.start()
    for _ in range(10):
        clock.now += RENEW_MS
        await bot.tick()
        assert await other.tick() is None
        assert (await other.manager.status()).thread_alive


async def test_after_a_kill_another_takes_over_when_the_lease_has_expired(
    each_store: Store, clock: FixedClock
) -> None:
    killed, other = Process("a", each_store, clock), Process("b", each_store, clock)
    await killed.manager.start()
    await killed.tick()
    clock.now += LEASE_MS - 1
    assert await other.worker.look() is None
    assert (await each_store.read(row_of)).owner == "a"
    clock.now += 1
    assert not (await other.manager.status()).thread_alive
    await other.tick()
    assert (await each_store.read(row_of)).owner == "b"
    clock.now = EXAMPLE_NOW + CYCLE_MS
    turn = await other.tick()
    assert turn is not None
    assert turn.number == 2
    assert (await other.manager.status()).cycle_count == 2


async def test_of_those_who_would_take_over_one_does(each_store: Store, clock: FixedClock) -> None:
    killed = Process("a", each_store, clock)
    others = [Process(name, each_store, clock) for name in "bcd"]
    await killed.manager.start()
    clock.now += LEASE_MS
    async with anyio.create_task_group() as group:
        for one in others:
            group.start_soon(one.tick)
    assert len([one for one in others if one.mind.asked]) == 1
    assert await messages(each_store) == ["Bot decision"]


async def test_at_the_end_of_a_process_another_takes_over_at_once(
    bot: Process, other: Process, store: MemoryStore
) -> None:
    await bot.manager.start()
    async with anyio.create_task_group() as group:
        group.start_soon(bot.worker.run)
        await until(lambda: _has_cycles(bot, 1))
        group.cancel_scope.cancel()
    assert (await store.read(row_of)).owner is None
    assert (await other.manager.status()).status is BotState.RUNNING
    await other.tick()
    assert (await store.read(row_of)).owner == "b"


async def test_the_end_of_a_process_leaves_the_run_of_another_alone(
    bot: Process, other: Process, store: MemoryStore
) -> None:
    await bot.manager.start()
    before = await store.read(row_of)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await other.worker.run()
    assert await store.read(row_of) == before


async def test_a_long_cycle_does_not_cost_the_lease(
    bot: Process, other: Process, store: MemoryStore, clock: FixedClock
) -> None:
    await bot.manager.start()
    bot.mind.meanwhile = anyio.sleep_forever
    async with anyio.create_task_group() as group:
        group.start_soon(bot.worker.run)
        await until(lambda: _is_asked(bot))
        clock.now += LEASE_MS - 1
        await until(lambda: _is_held_until(store, clock.now + LEASE_MS))
        assert await other.tick() is None
        assert bot.mind.asked == [EXAMPLE_NOW]  # nobody begins the cycle again
        group.cancel_scope.cancel()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(DEADLINE):
        while not await true():
            await anyio.sleep(0.001)


async def _has_cycles(one: Process, count: int) -> bool:
    return (await one.manager.status()).cycle_count == count


async def _is_asked(one: Process) -> bool:
    return bool(one.mind.asked)


async def _is_held_until(store: Store, until_ms: int) -> bool:
    return (await store.read(row_of)).lease_until_ms == until_ms


# What a cycle does


async def test_a_cycle_comes_every_five_minutes(bot: Process, clock: FixedClock) -> None:
    await bot.manager.start()
    begun = []
    for _ in range(0, 3 * CYCLE_MS, 60_000):
        begun.append(await bot.tick())
        clock.now += 60_000
    numbers = [None if turn is None else turn.number for turn in begun]
    assert numbers == [1, *4 * [None], 2, *4 * [None], 3, *4 * [None]]


async def test_a_clock_that_was_set_back_does_not_stop_it(bot: Process, clock: FixedClock) -> None:
    await bot.manager.start()
    await bot.tick()
    clock.now -= 24 * HOUR_MS
    await bot.tick()
    assert (await bot.manager.status()).cycle_count == 2


async def test_a_cycle_leaves_one_alert(bot: Process) -> None:
    bot.mind.result = decision(errors=("too risky",), skipped={"fvg": "Insufficient data"})
    await bot.manager.start()
    await bot.tick()
    await bot.tick()
    told = {
        "cycle": 1,
        "symbol": "BTC/USD",
        "action": "buy",
        "amount": 0.001,
        "price": 40_000,
        "confidence": 0.7,
        "risk_score": 0.51,
        "errors": ["too risky"],
        "should_execute": True,
        "skipped": {"fvg": "Insufficient data"},
    }
    assert await alerts(bot.store) == [("INFO", "Bot decision", told)]
    status = await bot.manager.status()
    assert status.last_update == status.last_cycle_time == EXAMPLE_NOW


async def test_a_stop_is_noticed_before_anything_is_changed(bot: Process, other: Process) -> None:
    await bot.manager.start()
    bot.mind.result, bot.mind.meanwhile = decision(ORDER), other.manager.stop
    await bot.tick()
    assert (await bot.manager.status()).cycle_count == 0
    assert (await messages(bot.store), await days(bot.store), bot.orders.keys) == ([], [], [])


async def test_a_cycle_of_a_stopped_run_changes_nothing_in_the_next(bot: Process) -> None:
    async def restart() -> None:
        await bot.manager.stop()
        await bot.manager.start()

    await bot.manager.start()
    bot.mind.meanwhile = restart
    await bot.tick()
    assert await messages(bot.store) == []
    status = await bot.manager.status()
    assert (status.status, status.cycle_count) == (BotState.RUNNING, 0)


async def test_whoever_stood_still_and_lost_the_run_changes_nothing(
    bot: Process, other: Process, clock: FixedClock
) -> None:
    async def stand_still() -> None:
        clock.now += LEASE_MS
        await other.worker.look()

    await bot.manager.start()
    bot.mind.result, bot.mind.meanwhile = decision(ORDER), stand_still
    await bot.tick()
    assert await messages(bot.store) == []  # the other has not decided yet
    assert (bot.orders.keys, (await bot.manager.status()).cycle_count) == ([], 0)


async def test_a_cycle_that_fails_is_told_and_the_bot_goes_on(
    bot: Process, clock: FixedClock
) -> None:
    bot.mind.result = ExchangeFailed("Exchange error: connection reset")
    await bot.manager.start()
    await bot.tick()
    reason = {"cycle": 1, "reason": "Exchange error: connection reset"}
    assert await alerts(bot.store) == [("ERROR", "Bot cycle failed", reason)]
    bot.mind.result = decision()
    clock.now += CYCLE_MS
    await bot.tick()
    status = await bot.manager.status()
    assert (status.status, status.cycle_count, status.error) == (BotState.RUNNING, 2, None)


async def test_a_defect_ends_the_run(bot: Process, other: Process, clock: FixedClock) -> None:
    bot.mind.result = ZeroDivisionError()
    await bot.manager.start()
    await bot.tick()
    reason = "Internal error in cycle 1"
    assert await alerts(bot.store) == [("ERROR", "Bot stopped", {"reason": reason})]
    status = await other.manager.status()
    assert (status.status, status.thread_alive, status.error) == (BotState.STOPPED, False, reason)
    clock.now += CYCLE_MS
    assert await bot.tick() is await other.tick() is None
    await other.manager.start()
    assert (await bot.manager.status()).error is None


async def test_a_store_that_fails_costs_no_cycle(clock: FixedClock) -> None:
    store = FailingStore()
    bot = Process("a", store, clock)
    await bot.manager.start()
    store.failing = {"book"}
    await bot.tick()
    clock.now += RENEW_MS
    store.failing = {"hold"}
    assert await bot.tick() is None
    store.failing = set()
    await bot.tick()
    assert (await bot.manager.status()).cycle_count == 1
    assert await messages(store) == ["Bot decision"]


# How often it trades


async def test_outside_of_the_window_nothing_is_told(bot: Process, clock: FixedClock) -> None:
    bot.mind.result = None
    await bot.manager.start()
    await bot.tick()
    clock.now += 60_000
    bot.mind.result = decision()  # the window opens: it need not wait for the next five minutes
    await bot.tick()
    status = await bot.manager.status()
    assert (status.cycle_count, status.last_cycle_time) == (1, clock.now)
    assert len(await alerts(bot.store)) == 1


async def test_the_trades_of_a_day_count_over_processes_and_runs(
    each_store: Store, clock: FixedClock
) -> None:
    processes = [Process(name, each_store, clock) for name in "abc"]
    for one in processes:
        one.mind.result = decision(ORDER, daily_limit=2)
        await one.manager.start()
        await one.tick()
        await one.manager.stop()
    assert [len(one.orders.keys) for one in processes] == [1, 1, 0]
    metadata = sorted(str(told["errors"]) for _, _, told in await alerts(each_store))
    assert metadata == ["['Maximum number of trades per day (2) reached']", "[]", "[]"]
    assert [row.trades for row in await days(each_store)] == [2]


async def test_the_day_begins_at_midnight_utc(bot: Process, clock: FixedClock) -> None:
    bot.mind.result = decision(ORDER, daily_limit=1)
    await bot.manager.start()
    for clock.now in (MIDNIGHT - CYCLE_MS - 1, MIDNIGHT - 1, MIDNIGHT + CYCLE_MS):
        await bot.tick()
    assert [key and key.split("-")[2] for key in bot.orders.keys] == ["1", "3"]
    assert [(row.day, row.trades) for row in await days(bot.store)] == [("2023-11-15", 1)]


async def test_what_is_not_to_be_traded_does_not_count(bot: Process) -> None:
    bot.mind.result = decision(action=Action.HOLD, should_execute=False)
    await bot.manager.start()
    await bot.tick()
    assert (await days(bot.store), bot.orders.keys) == ([], [])
    assert await messages(bot.store) == ["Bot decision"]
