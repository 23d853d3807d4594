"""One owner per key: nonces that strictly increase as they arrive, whoever asks."""

import itertools
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread
from hypothesis import given
from hypothesis import strategies as st

from shared_services.clock import SYSTEM_CLOCK
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.nonces import turns
from shared_services.nonces.owner import NonceOwner, Unit
from shared_services.nonces.tables import NonceRow
from shared_services.nonces.turns import HEIR_MS, LEASE_MS, Asker, Budget, all_keys
from shared_services.storage import Store, open_store
from shared_services.storage.memory import MemoryStore
from tests.bitfinex.server import KEY, serve
from tests.exchanges.fixtures import PLENTY
from tests.exchanges.processes import call, die_in_turn, owner_of, wait_for_turn
from tests.fakes import EXAMPLE_NOW, FixedClock, example_market, write_example_account
from tests.storage.processes import at_once

PROCESSES, CALLS = 4, 500
MINUTE_MS = 60_000


def owner(store: Store, unit: Unit = Unit.MILLISECONDS, key: str = KEY) -> NonceOwner:
    return NonceOwner(store, FixedClock(), key, budget=PLENTY, unit=unit)


def asker(name: str, now_ms: int = EXAMPLE_NOW) -> Asker:
    return Asker("id", "***", name, now_ms, floor=now_ms)


async def take(store: Store, name: str, now_ms: int, budget: Budget = PLENTY) -> int | None:
    return (await store.transaction(turns.take, asker(name, now_ms), budget)).nonce


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until it holds."""
    with anyio.fail_after(5):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def only_row(store: Store) -> NonceRow:
    (row,) = await store.read(all_keys)
    return row


@pytest.mark.e2e
async def test_processes_on_one_key_never_send_an_equal_or_falling_nonce(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/test.db"
    async with open_store(url) as store:
        account = MemoryStore()
        await account.transaction(write_example_account)
        async with serve(PaperExchange(account, example_market(), FixedClock())) as fake:
            with at_once(PROCESSES) as processes:
                calls = [processes.submit(call, url, fake.url, CALLS) for _ in range(PROCESSES)]
                answered = [await to_thread.run_sync(one.result, 120) for one in calls]
        row = await only_row(store)

    nonces = fake.nonces()
    assert answered == PROCESSES * [CALLS]
    assert len(nonces) == PROCESSES * CALLS
    assert all(earlier < later for earlier, later in itertools.pairwise(nonces))
    assert fake.most_at_once == 1
    assert (row.total_requests, row.mark) == (len(nonces), nonces[-1])


@pytest.mark.e2e
async def test_waiting_for_a_turn_costs_next_to_no_cpu(tmp_path: Path) -> None:
    url, seconds = f"sqlite:///{tmp_path}/test.db", 3.0
    async with open_store(url) as store, owner_of(store).turn():
        with at_once(1) as processes:
            waiting = processes.submit(wait_for_turn, url, seconds)
            spent = await to_thread.run_sync(waiting.result, 60)

    assert spent < 0.05 * seconds


@pytest.mark.e2e
async def test_a_process_killed_in_its_turn_blocks_the_others_no_longer_than_its_lease(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/test.db"
    async with open_store(url) as store:
        process = get_context("spawn").Process(target=die_in_turn, args=(url,))
        process.start()
        with anyio.fail_after(30):
            while not await store.read(all_keys):
                await anyio.sleep(0.01)
        process.kill()
        await to_thread.run_sync(process.join)
        died_at = (await only_row(store)).mark

        with anyio.fail_after(LEASE_MS / 1000 + 1):
            assert await owner_of(store).next() > died_at


@pytest.mark.e2e
async def test_a_turn_lasts_as_long_as_its_call_however_long_that_takes() -> None:
    store = MemoryStore()
    async with owner_of(store).turn():
        with anyio.move_on_after(LEASE_MS / 1000 + 1) as waiting:
            await owner_of(store).next()

    assert waiting.cancelled_caught


async def test_a_mark_in_microseconds_is_respected_by_an_owner_in_milliseconds() -> None:
    store = MemoryStore()
    fine = await owner(store, Unit.MICROSECONDS).next()

    assert fine == EXAMPLE_NOW * 1000
    assert await owner(store, Unit.MILLISECONDS).next() == fine + 1


async def test_a_clock_that_goes_back_takes_no_nonce_back() -> None:
    store = MemoryStore()
    clock = FixedClock()
    going_back = NonceOwner(store, clock, KEY, budget=PLENTY, unit=Unit.MILLISECONDS)
    first = await going_back.next()
    clock.now -= 60 * MINUTE_MS

    assert await going_back.next() == first + 1


async def test_the_store_never_sees_the_key() -> None:
    store = MemoryStore()
    await owner(store).next()

    row = await only_row(store)
    assert row.shown == f"***{KEY[-4:]}"
    assert KEY not in repr(row)
    assert KEY.removesuffix(KEY[-4:]) not in repr(row)


async def test_of_a_short_key_nothing_is_shown() -> None:
    store = MemoryStore()
    await owner(store, key="abcdef").next()

    assert (await only_row(store)).shown == "***"


async def test_every_key_has_its_own_nonces() -> None:
    store = MemoryStore()

    assert await owner(store, key="key-number-1").next() == EXAMPLE_NOW
    assert await owner(store, key="key-number-2").next() == EXAMPLE_NOW
    assert len(await store.read(all_keys)) == 2


async def test_those_who_wait_in_this_process_are_counted_and_served_in_turn() -> None:
    one = owner(MemoryStore())
    served: list[int] = []

    async def ask(number: int) -> None:
        await one.next()
        served.append(number)

    async with anyio.create_task_group() as asking, one.turn():
        for number in range(3):
            asking.start_soon(ask, number)
            await until(lambda: one.queue_size == number + 1)  # noqa: B023 - awaited here

    assert served == [0, 1, 2]
    assert one.queue_size == 0


async def test_a_cancelled_waiter_leaves_the_queue_and_no_claim_behind() -> None:
    store = MemoryStore()
    one, other = owner(store), owner(store)
    async with one.turn():
        with anyio.move_on_after(0.05):
            await other.next()
        assert other.queue_size == 0
        assert (await only_row(store)).heir == ""


async def test_an_error_inside_a_turn_comes_out_as_it_is_and_ends_the_turn() -> None:
    store = MemoryStore()
    one = owner(store)
    with pytest.raises(LookupError, match="mine"):
        async with one.turn():
            raise LookupError("mine")

    assert (await only_row(store)).owner == ""


async def test_who_has_waited_is_not_passed_over_by_who_was_just_served() -> None:
    store = MemoryStore()
    assert await take(store, "a", EXAMPLE_NOW) is not None
    assert await take(store, "b", EXAMPLE_NOW) is None
    await store.transaction(turns.give_back, "id", "a")

    assert await take(store, "a", EXAMPLE_NOW) is None
    assert await take(store, "b", EXAMPLE_NOW) is not None


async def test_an_heir_that_died_is_passed_over() -> None:
    store = MemoryStore()
    await take(store, "a", EXAMPLE_NOW)
    await take(store, "heir", EXAMPLE_NOW)
    await store.transaction(turns.give_back, "id", "a")

    assert await take(store, "c", EXAMPLE_NOW + HEIR_MS - 1) is None
    assert await take(store, "c", EXAMPLE_NOW + HEIR_MS) is not None


async def test_a_process_that_stood_still_cannot_keep_a_turn_that_another_took() -> None:
    store = MemoryStore()
    await take(store, "still", EXAMPLE_NOW)
    late = EXAMPLE_NOW + LEASE_MS
    assert await take(store, "other", late) is not None
    await store.transaction(turns.keep, asker("still", late))
    await store.transaction(turns.give_back, "id", "still")

    assert (await only_row(store)).owner == "other"


async def test_a_clock_that_is_put_back_does_not_make_the_lease_of_the_dead_longer() -> None:
    store = MemoryStore()
    await take(store, "dead", EXAMPLE_NOW)

    assert await take(store, "other", EXAMPLE_NOW - 60 * MINUTE_MS) is not None


@given(st.integers(2, 200), st.lists(st.integers(0, 5_000), max_size=300))
def test_no_minute_sees_more_calls_than_the_budget(calls: int, pauses: list[int]) -> None:
    """Whoever asks, whenever: a call is let through only when `wait_ms` says 0."""
    budget, whole_us, now = Budget(calls), 0, EXAMPLE_NOW
    passed: list[int] = []
    for pause in pauses:
        now += pause
        if budget.wait_ms(whole_us, now) == 0:
            whole_us = budget.spent(whole_us, now)
            passed.append(now)

    for start in passed:
        assert sum(start <= at <= start + MINUTE_MS for at in passed) <= calls


async def test_two_workers_together_stay_under_the_budget_and_share_it() -> None:
    store, budget = MemoryStore(), Budget(20)
    sent: dict[str, list[int]] = {"a": [], "b": []}
    for now in range(EXAMPLE_NOW, EXAMPLE_NOW + 3 * MINUTE_MS, 200):
        for name, times in sent.items():
            if await take(store, name, now, budget) is not None:
                times.append(now)
            await store.transaction(turns.give_back, "id", name)

    everything = sorted(sent["a"] + sent["b"])
    assert max(_in_a_minute_from(start, everything) for start in everything) == budget.calls
    assert min(map(len, sent.values())) > 0


async def test_a_call_beyond_the_budget_waits_for_its_place() -> None:
    budget = Budget(400)
    store = MemoryStore()
    one = NonceOwner(store, SYSTEM_CLOCK, KEY, budget=budget, unit=Unit.MILLISECONDS)
    began = SYSTEM_CLOCK.now_ms()
    for _ in range(budget.burst + 1):
        await one.next()

    assert SYSTEM_CLOCK.now_ms() - began >= budget.interval_us // 1000


def _in_a_minute_from(start: int, times: list[int]) -> int:
    return sum(start <= at <= start + MINUTE_MS for at in times)
