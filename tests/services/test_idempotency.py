"""Contract 2.11: an order request is carried out once per key and day."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import anyio
import pytest

from shared_services.errors import (
    ExchangeFailed,
    ExchangeNotConfigured,
    IdempotencyKeyInProgress,
    IdempotencyKeyReused,
    InvalidOrder,
    OrderRefused,
    OrderRejected,
    OutcomeUnknown,
    ServiceError,
)
from shared_services.exchange.service import ExchangeAsync
from shared_services.orders import placement
from shared_services.orders.idempotency import LEASE_MS, MEMORY_MS, IdempotencyKeys
from shared_services.orders.lease import Lease
from shared_services.orders.placement import SECTION, Placement
from shared_services.orders.tables import IDEMPOTENCY
from shared_services.orders.validation import parse
from shared_services.services import Services, wire
from shared_services.storage import Store
from shared_services.storage.errors import StoreUnavailable
from tests.fakes import FixedClock, FixedMarket
from tests.services.exchanges import FailingStore, FaultyExchange, open_example, wired

BUY: dict[str, Any] = {
    "symbol": "TESTBTC/TESTUSD",
    "order_type": "market",
    "side": "buy",
    "amount": Decimal("0.01"),
}


async def test_the_same_request_gets_the_first_answer_again(
    services: Services, exchange: FaultyExchange
) -> None:
    first = await services.orders.create({**BUY, "client_order_id": "k"}, None)
    again = await services.orders.create({**BUY, "amount": "0.010", "leverage": 1}, "k")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.order == first.order
    assert exchange.sent == 1


async def test_the_first_answer_is_that_of_the_first_moment(
    services: Services, market: FixedMarket, clock: FixedClock
) -> None:
    body = {**BUY, "order_type": "limit", "price": 39_500}
    first = await services.orders.create(body, "k")
    market.set("BTC/USD", 39_000)
    clock.now += 1_000
    assert (await services.orders.get(first.order.id)).status == "closed"
    assert (await services.orders.create(body, "k")).order == first.order


async def test_another_stack_replays_it_too(exchange: FaultyExchange) -> None:
    first = await wired(exchange).orders.create(BUY, "k")
    again = await wired(exchange).orders.create(BUY, "k")
    assert (again.order, again.replayed) == (first.order, True)


async def test_another_request_with_the_key_is_a_conflict(
    services: Services, exchange: FaultyExchange
) -> None:
    await services.orders.create(BUY, "k")
    with pytest.raises(IdempotencyKeyReused) as caught:
        await services.orders.create({**BUY, "amount": "0.02"}, "k")
    assert caught.value.envelope() == {
        "error": "Idempotency key already used with a different request"
    }
    assert exchange.sent == 1


@pytest.mark.parametrize(
    ("wrong", "leaf"),
    [
        ({"amount": "0.05"}, OrderRejected),
        ({"amount": "0.000001"}, OrderRefused),
        ({"symbol": "DOGE\ud800/USD"}, OrderRefused),
    ],
)
async def test_a_refusal_is_remembered(
    services: Services, exchange: FaultyExchange, wrong: dict[str, str], leaf: type[ServiceError]
) -> None:
    answers = []
    for _ in range(2):
        with pytest.raises(leaf) as caught:
            await services.orders.create({**BUY, **wrong}, "k")
        answers.append((caught.value.envelope(), caught.value.replayed))
    assert answers[0][0] == answers[1][0]
    assert [replayed for _, replayed in answers] == [False, True]
    assert exchange.sent <= 1


async def test_an_invalid_order_does_not_use_up_the_key(services: Services) -> None:
    with pytest.raises(InvalidOrder):
        await services.orders.create({**BUY, "amount": 0}, "k")
    assert not (await services.orders.create(BUY, "k")).replayed


async def test_what_was_not_sent_is_not_remembered(
    services: Services, exchange: FaultyExchange
) -> None:
    exchange.fault = "balances"
    with pytest.raises(ExchangeFailed, match="connection reset"):
        await services.orders.create(BUY, "k")
    exchange.fault = None
    assert not (await services.orders.create({**BUY, "amount": "0.02"}, "k")).replayed


async def test_a_key_is_free_again_after_a_day(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    first = await services.orders.create(BUY, "k")
    clock.now += MEMORY_MS - 1
    assert (await services.orders.create(BUY, "k")).replayed
    clock.now += 1
    second = await services.orders.create(BUY, "k")
    assert not second.replayed
    assert second.order.id != first.order.id
    assert exchange.sent == 2


async def test_expired_keys_are_swept_away(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    for number in range(6):
        await services.orders.create({**BUY, "amount": "0.001"}, f"old {number}".replace(" ", "-"))
    clock.now += MEMORY_MS
    for number in range(3):
        await services.orders.create({**BUY, "amount": "0.001"}, f"new-{number}")
    rows = await exchange.store.read(lambda reader: reader.find(IDEMPOTENCY))
    assert [row.key for row in rows] == ["new-0", "new-1", "new-2"]


async def test_fifty_at_once_place_one_order(
    each_store: Store, clock: FixedClock, market: FixedMarket
) -> None:
    exchange = await open_example(each_store, clock, market)
    stacks = [wired(exchange), wired(exchange)]
    outcomes: Counter[str] = Counter()

    async def one(services: Services) -> None:
        try:
            placed = await services.orders.create(BUY, "k")
        except IdempotencyKeyInProgress:
            outcomes["in progress"] += 1
        else:
            outcomes[f"order {placed.order.id}, replayed {placed.replayed}"] += 1

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(one, stacks[number % 2])
    assert outcomes.pop("order 1001, replayed False") == 1
    assert set(outcomes) <= {"in progress", "order 1001, replayed True"}
    assert sum(outcomes.values()) == 49
    assert exchange.sent == 1


async def test_while_the_first_still_runs_the_second_is_told_so(
    services: Services, exchange: FaultyExchange
) -> None:
    inside, outside = anyio.Event(), anyio.Event()
    exchange.gate = (inside, outside)
    async with anyio.create_task_group() as group:
        group.start_soon(services.orders.create, BUY, "k")
        await inside.wait()
        with pytest.raises(IdempotencyKeyInProgress) as caught:
            await services.orders.create(BUY, "k")
        with pytest.raises(IdempotencyKeyReused):
            await services.orders.create({**BUY, "side": "sell"}, "k")
        outside.set()
    assert caught.value.envelope() == {
        "error": "Request with this idempotency key is still in progress"
    }


@pytest.mark.parametrize(("fault", "sent"), [("lost", 1), ("swallowed", 2)])
async def test_an_unknown_outcome_is_looked_up_before_anything_is_sent_again(
    services: Services, exchange: FaultyExchange, fault: str, sent: int
) -> None:
    """lost: the order exists and is found. swallowed: it does not, and is sent again."""
    exchange.fault = fault
    with pytest.raises(OutcomeUnknown):
        await services.orders.create(BUY, "k")
    exchange.fault = None
    placed = await services.orders.create(BUY, "k")
    assert (placed.order.id, placed.replayed) == ("1001", False)
    assert exchange.sent == sent
    assert (await services.orders.create(BUY, "k")).replayed
    assert len(await services.orders.history(None, 9)) == 2


async def test_while_the_lookup_fails_the_outcome_stays_unknown(
    services: Services, exchange: FaultyExchange
) -> None:
    exchange.fault = "lost"
    with pytest.raises(OutcomeUnknown):
        await services.orders.create(BUY, "k")
    exchange.fault = "lookup"
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await services.orders.create(BUY, "k")
    exchange.fault = None
    assert (await services.orders.create(BUY, "k")).order.id == "1001"
    assert exchange.sent == 1


async def test_whoever_resumes_and_waits_in_vain_does_not_claim_that_nothing_was_sent(
    exchange: FaultyExchange, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.fault = "lost"
    with pytest.raises(OutcomeUnknown):
        await wired(exchange).orders.create(BUY, "k")
    await Lease(exchange.store, clock, SECTION).acquire()
    impatient = replace(placement._SENT, patience=0.01)
    monkeypatch.setattr(placement, "_SENT", impatient)
    with pytest.raises(OutcomeUnknown):
        await wired(exchange).orders.create(BUY, "k")


async def test_a_crash_with_the_key_in_hand_does_not_block_it_for_ever(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    with anyio.CancelScope() as scope:
        exchange.after_create = scope.cancel
        await services.orders.create(BUY, "k")
    assert scope.cancelled_caught
    exchange.after_create = None
    with pytest.raises(IdempotencyKeyInProgress):
        await services.orders.create(BUY, "k")
    clock.now += LEASE_MS
    placed = await services.orders.create(BUY, "k")
    assert (placed.order.id, exchange.sent) == ("1001", 1)


async def test_without_an_exchange_an_unknown_outcome_stays_unknown(
    services: Services, exchange: FaultyExchange, clock: FixedClock
) -> None:
    exchange.fault = "lost"
    with pytest.raises(OutcomeUnknown):
        await services.orders.create(BUY, "k")
    with pytest.raises(ExchangeNotConfigured):
        await wire(services.settings, exchange.store, clock, None).orders.create(BUY, "k")
    exchange.fault = None
    assert (await services.orders.create(BUY, "k")).order.id == "1001"
    assert exchange.sent == 1


@pytest.mark.parametrize("failing", ["_replace", "_give_back"])
async def test_an_order_is_answered_even_if_the_store_fails_afterwards(
    clock: FixedClock, market: FixedMarket, failing: str
) -> None:
    store = FailingStore()
    exchange = await open_example(store, clock, market)
    store.failing = {failing}
    assert (await wired(exchange).orders.create(BUY, "k")).order.id == "1001"
    store.failing = set()
    clock.now += LEASE_MS
    assert (await wired(exchange).orders.create(BUY, "k")).order.id == "1001"
    assert exchange.sent == 1


async def test_a_store_that_fails_before_sending_leaves_the_key_pending(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = FailingStore()
    services = wired(await open_example(store, clock, market))
    store.failing = {"_go_ahead"}
    with pytest.raises(StoreUnavailable):
        await services.orders.create(BUY, "k")
    store.failing = set()
    clock.now += LEASE_MS
    assert (await services.orders.create(BUY, "k")).order.id == "1001"


async def test_an_unknown_outcome_is_told_even_if_the_store_fails_as_well(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = FailingStore()
    exchange = await open_example(store, clock, market)
    exchange.fault, store.failing = "lost", {"_replace"}
    with pytest.raises(OutcomeUnknown):
        await wired(exchange).orders.create(BUY, "k")
    exchange.fault, store.failing = None, set()
    with pytest.raises(IdempotencyKeyInProgress):
        await wired(exchange).orders.create(BUY, "k")
    clock.now += LEASE_MS
    assert (await wired(exchange).orders.create(BUY, "k")).order.id == "1001"
    assert exchange.sent == 1


async def test_a_paper_account_that_cannot_be_written_is_an_unknown_outcome(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = FailingStore()
    services = wired(await open_example(store, clock, market))
    store.failing = {"place"}
    with pytest.raises(OutcomeUnknown) as caught:
        await services.orders.create(BUY, "k")
    assert caught.value.error == "Exchange error: paper account unavailable"
    store.failing = set()
    assert (await services.orders.create(BUY, "k")).order.id == "1001"


async def test_whoever_lost_the_key_sends_no_order_either(
    exchange: FaultyExchange, services: Services, clock: FixedClock
) -> None:
    """The first request stood still; the second took over, under the same client id."""
    section = Placement(
        exchange.store, ExchangeAsync(exchange), services.risk, clock, services.cache
    )
    submission = parse(BUY, "k")
    order = await section.place(submission, "client-1", resumed=True)
    with pytest.raises(IdempotencyKeyInProgress):
        await section.place(submission, "client-1", resumed=False)
    assert await section.place(submission, "client-1", resumed=True) == order
    assert exchange.sent == 1


async def test_whoever_lost_the_key_no_longer_writes_it(
    exchange: FaultyExchange, clock: FixedClock
) -> None:
    """The slow first request ends after the second took over and was answered."""
    slow = IdempotencyKeys(exchange.store, clock)
    row = await slow.claim("k", "same", "client-1")
    clock.now += LEASE_MS
    taken = await slow.claim("k", "same", "client-2")
    assert taken.client_id == "client-1"
    await slow.remember(taken, "{}")
    await slow.forget(row)
    assert (await slow.claim("k", "same", "client-3")).answer == "{}"
