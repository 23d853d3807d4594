"""What a live exchange can do to us, and what the port says then."""

import decimal
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from shared_services.exchange.ccxt.adapter import CcxtExchange, open_ccxt
from shared_services.exchange.ccxt.client import Venue
from shared_services.exchange.ccxt.public import MARKETS_AGAIN_MS, MARKETS_MS
from shared_services.exchange.model import OrderStatus, Side
from shared_services.exchange.paper.account import MAX_OPEN_ORDERS
from shared_services.exchange.port import (
    ExchangeError,
    ExchangeFailedError,
    RefusedError,
)
from shared_services.nonces.owner import NonceOwner, Unit
from shared_services.storage.memory import MemoryStore
from tests.bitfinex.server import KEY, SECRET, FakeBitfinex, Fault
from tests.exchanges.fixtures import KEYS, PLENTY
from tests.exchanges.wanted import request
from tests.fakes import EXAMPLE_NOW, FixedClock, FixedMarket
from tests.services.exchanges import FailingStore

SUBMIT = "w/order/submit"
FUNDS = "not enough exchange balance"

TEXTS = {
    Fault.SILENT: "bitfinex did not answer in time",
    Fault.LOST: "bitfinex cannot be reached",
    Fault.BROKEN: "bitfinex failed: no reason given",
    Fault.BUSY: "bitfinex says that we call too often",
    Fault.NONCE: "bitfinex says nonce too small: another program sends with the same API key",
    Fault.MAINTENANCE: "bitfinex is in maintenance",
    Fault.UNREADABLE: "bitfinex gave an unreadable answer",
    Fault.BAD_KEY: "bitfinex does not accept the API key",
}


@pytest.fixture
async def impatient(
    fake: FakeBitfinex, store: MemoryStore, clock: FixedClock, owner: NonceOwner
) -> AsyncIterator[CcxtExchange]:
    venue = Venue("bitfinex", KEYS, url=fake.url, limited=False, timeout=2.0)
    async with open_ccxt(venue, owner, store, clock) as opened:
        yield opened


def sent(fake: FakeBitfinex) -> int:
    return sum(one.path == SUBMIT for one in fake.arrivals)


async def failure(exchange: CcxtExchange, client_id: str = "client-1") -> str:
    with pytest.raises(ExchangeFailedError) as caught:
        await exchange.create(request(price="39000", client_id=client_id))
    return str(caught.value)


@pytest.mark.parametrize(("fault", "text"), TEXTS.items(), ids=str)
async def test_every_failure_of_an_order_is_one_and_is_not_sent_again(
    impatient: CcxtExchange, fake: FakeBitfinex, fault: Fault, text: str
) -> None:
    await impatient.balances()
    fake.faults[SUBMIT] = fault

    assert await failure(impatient) == text
    assert sent(fake) == 1


@pytest.mark.parametrize(("fault", "text"), TEXTS.items(), ids=str)
async def test_every_failure_of_a_question_is_one(
    impatient: CcxtExchange, fake: FakeBitfinex, fault: Fault, text: str
) -> None:
    fake.faults["r/wallets"] = fault
    with pytest.raises(ExchangeFailedError) as caught:
        await impatient.balances()

    assert str(caught.value) == text


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.BUSY, Fault.MAINTENANCE, Fault.UNREADABLE])
async def test_prices_that_cannot_be_read_are_a_failure(
    exchange: CcxtExchange, fake: FakeBitfinex, fault: Fault
) -> None:
    fake.faults["ticker"] = fault
    with pytest.raises(ExchangeFailedError):
        await exchange.ticker("BTC/USD")


async def test_an_exchange_that_is_not_there_cannot_be_reached(clock: FixedClock) -> None:
    venue = Venue("bitfinex", url="http://127.0.0.1:9")
    async with open_ccxt(venue, None, MemoryStore(), clock) as exchange:
        with pytest.raises(ExchangeFailedError, match="bitfinex cannot be reached"):
            await exchange.ticker("BTC/USD")


async def test_an_order_whose_answer_was_lost_is_found_again_and_is_one(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    fake.faults[SUBMIT] = Fault.LOST
    await failure(exchange)
    fake.faults.clear()

    found = await exchange.order_by_client_id("client-1")
    assert found is not None
    assert (found.client_id, found.status) == ("client-1", OrderStatus.OPEN)
    assert [one.id for one in await exchange.open_orders()] == ["1000", found.id]


async def test_a_filled_order_whose_answer_was_lost_is_found_among_the_closed(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    fake.faults[SUBMIT] = Fault.LOST
    with pytest.raises(ExchangeFailedError):
        await exchange.create(request(Side.SELL))
    fake.faults.clear()

    found = await exchange.order_by_client_id("client-1")
    assert found is not None
    assert (found.status, found.fee) == (OrderStatus.CLOSED, Decimal("0.3999"))


async def test_another_process_finds_it_too(
    exchange: CcxtExchange, fake: FakeBitfinex, store: MemoryStore, clock: FixedClock
) -> None:
    fake.faults[SUBMIT] = Fault.LOST
    await failure(exchange)
    fake.faults.clear()
    owner = NonceOwner(store, clock, KEY, budget=PLENTY, unit=Unit.MILLISECONDS)
    venue = Venue("bitfinex", KEYS, url=fake.url, limited=False)
    async with open_ccxt(venue, owner, store, clock) as other:
        assert await other.order_by_client_id("client-1") is not None


async def test_an_order_that_never_arrived_certainly_does_not_exist(
    impatient: CcxtExchange, fake: FakeBitfinex
) -> None:
    await impatient.balances()
    fake.faults[SUBMIT] = Fault.SILENT
    await failure(impatient)
    fake.faults.clear()

    assert await impatient.order_by_client_id("client-1") is None


async def test_an_order_that_was_never_sent_is_not_even_looked_for(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    assert await exchange.order_by_client_id("client-1") is None
    assert fake.arrivals == []


async def test_a_look_up_that_fails_says_nothing_about_the_order(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    await exchange.create(request(price="39000"))
    fake.faults["r/orders"] = Fault.BUSY
    with pytest.raises(ExchangeFailedError):
        await exchange.order_by_client_id("client-1")


async def test_an_order_that_arrives_after_it_was_looked_up_is_refused_for_its_nonce(
    exchange: CcxtExchange, fake: FakeBitfinex, owner: NonceOwner
) -> None:
    fake.faults[SUBMIT] = Fault.BROKEN
    await failure(exchange)
    fake.faults.clear()
    late = await owner.next()
    assert await exchange.order_by_client_id("client-1") is None

    client = exchange._client
    client.incrementing_nonce = lambda: late
    order = {"symbol": "tTESTBTC:TESTUSD", "amount": "1", "type": "EXCHANGE MARKET", "cid": 1}
    signed = client.sign("auth/w/order/submit", ["private"], "POST", order)
    with pytest.raises(Exception, match="nonce: small"):
        await client.fetch(signed["url"], "POST", signed["headers"], signed["body"])
    assert await fake.exchange.order_by_client_id("1") is None


async def test_what_is_told_twice_is_there_once(exchange: CcxtExchange, fake: FakeBitfinex) -> None:
    for path in (SUBMIT, "r/orders", "r/orders/hist", "r/trades/hist"):
        fake.faults[path] = Fault.TWICE
    order = await exchange.create(request(price="39000"))

    assert [one.id for one in await exchange.open_orders()] == ["1000", order.id]
    assert [one.id for one in await exchange.closed_orders(None, 10)] == ["999"]
    assert [one.id for one in (await exchange.fills(None)).fills] == ["999-1"]


async def test_a_trade_on_a_market_that_is_gone_is_still_a_fill(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    gone = [7, "tABCUSD", EXAMPLE_NOW, 70, 2.5, 4, "EXCHANGE LIMIT", 4, 1, -0.005, "ABC", None]
    fake.faults["r/trades/hist"] = 200, [gone]

    (fill,) = (await exchange.fills(None)).fills
    assert (fill.symbol, fill.amount, fill.fee) == ("ABC/USD", Decimal("2.5"), Decimal("0.02"))


async def test_a_fee_in_a_third_currency_is_a_failure_that_names_it(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    odd = [7, "tBTCUSD", EXAMPLE_NOW, 70, 2.5, 4, "EXCHANGE LIMIT", 4, 1, -0.005, "LEO", None]
    fake.faults["r/trades/hist"] = 200, [odd]
    with pytest.raises(ExchangeFailedError, match=r"the fee of trade 7 \(BTC/USD\) is in LEO"):
        await exchange.fills(None)


async def test_a_partly_filled_order_that_is_cancelled_keeps_what_was_filled(
    exchange: CcxtExchange, market: FixedMarket
) -> None:
    market.only("0.004")
    order = await exchange.create(request(price="40010"))
    assert (order.filled, order.status) == (Decimal("0.004"), OrderStatus.OPEN)
    await exchange.cancel(order.id)

    (newest, *_) = await exchange.closed_orders(None, 10)
    assert (newest.id, newest.status) == (order.id, OrderStatus.CANCELED)
    assert (newest.filled, newest.cost) == (Decimal("0.004"), Decimal("160.04"))


@pytest.mark.parametrize(
    ("amount", "price", "text"),
    [
        ("1", None, f"{FUNDS}: Insufficient TESTUSD balance: need 40010.00, available 7610.00"),
        ("0.1", "0.001", "Price has more than 2 decimals (TESTBTC/TESTUSD)"),
    ],
)
async def test_a_refusal_has_the_words_of_the_exchange(
    exchange: CcxtExchange, amount: str, price: str | None, text: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        await exchange.create(request(amount=amount, price=price))

    assert str(caught.value) == f"Invalid order: {text}"


async def test_a_refusal_of_a_kind_that_ccxt_takes_for_a_bad_key_is_a_refusal(
    exchange: CcxtExchange,
) -> None:
    for number in range(MAX_OPEN_ORDERS - 1):
        await exchange.create(request(amount="0.0001", price="3000", client_id=str(number)))
    with pytest.raises(RefusedError, match="Invalid order: At most"):
        await exchange.create(request(amount="0.0001", price="3000"))


async def test_a_symbol_that_the_exchange_does_not_have_is_refused_unsent(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    with pytest.raises(RefusedError, match="Unknown symbol: DOGE/USD"):
        await exchange.create(replace(request(), symbol="DOGE/USD"))
    assert sent(fake) == 0


async def test_a_key_without_permission_is_a_failure_and_no_refusal(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    fake.faults[SUBMIT] = 500, ["error", 10001, "api_key: permission invalid"]

    assert await failure(exchange) == "bitfinex does not accept the API key"


async def test_an_order_of_which_the_answer_says_no_more_than_success_may_exist(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    fake.faults[SUBMIT] = 200, [1, "on-req", None, None, [], None, "SUCCESS", ""]

    assert await failure(exchange) == "bitfinex gave an unreadable answer"


async def test_a_store_that_is_not_there_is_a_failure(
    fake: FakeBitfinex, clock: FixedClock
) -> None:
    failing = FailingStore()
    failing.failing.add("take")
    owner = NonceOwner(failing, clock, KEY, budget=PLENTY, unit=Unit.MILLISECONDS)
    venue = Venue("bitfinex", KEYS, url=fake.url, limited=False)
    async with open_ccxt(venue, owner, failing, clock) as exchange:
        with pytest.raises(ExchangeFailedError, match="the store of nonces is unavailable"):
            await exchange.balances()
    assert fake.arrivals == []


async def test_an_exchange_without_markets_is_a_failure_and_no_empty_list(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    fake.faults["conf"] = 200, [[], [], [], [], [], [], [], [], [], [], []]
    with pytest.raises(ExchangeFailedError, match="unreadable"):
        await exchange.listings()


async def test_markets_that_cannot_be_renewed_are_used_on_and_tried_again_soon(
    exchange: CcxtExchange, fake: FakeBitfinex, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    known = await exchange.listings()
    fake.faults["conf"] = Fault.BROKEN
    clock.now += MARKETS_MS
    assert await exchange.listings() == known
    assert "bitfinex" in caplog.text
    asked = len(fake.requests)
    await exchange.listings()
    assert len(fake.requests) == asked
    clock.now += MARKETS_AGAIN_MS
    await exchange.listings()
    assert len(fake.requests) > asked


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
async def test_neither_key_nor_secret_is_in_any_text(
    impatient: CcxtExchange, fake: FakeBitfinex, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await impatient.balances()
    fake.faults["auth"] = fault
    try:
        await impatient.create(request(price="39000"))
    except ExchangeError as error:
        told = "".join(traceback.format_exception(error))
        assert KEY not in told
        assert SECRET not in told
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


async def test_an_exchange_that_repeats_key_and_secret_is_not_quoted_with_them(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    fake.faults[SUBMIT] = 500, ["error", 10001, f"Invalid order: {KEY} and {SECRET}"]
    with pytest.raises(RefusedError) as caught:
        await exchange.create(request())

    assert str(caught.value) == "Invalid order: *** and ***"
    assert KEY not in "".join(traceback.format_exception(caught.value))


async def test_the_rounding_that_ccxt_wants_stays_with_ccxt(exchange: CcxtExchange) -> None:
    """It sets rounding and traps of the whole thread whenever it makes a number precise."""
    before = decimal.getcontext().copy()
    await exchange.create(request())
    after = decimal.getcontext()
    assert (after.rounding, after.traps) == (before.rounding, before.traps)
