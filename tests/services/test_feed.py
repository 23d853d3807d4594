"""The feed: one source for all, nothing lost that counts, nothing kept that does not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from itertools import chain

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from shared_services.exchange.model import OrderBook, Ticker, Trade
from shared_services.exchange.port import ExchangeFailedError
from shared_services.feed.hub import MarketFeed
from shared_services.feed.model import Channel, News, Outage, SubscriptionFailed
from shared_services.feed.subscription import MOST_TRADES, Subscription
from shared_services.feed.tape import Tape
from tests.services.feeds import DEADLINE, MovingMarket, Turns, numbers, sequence, taken

TICKER, ORDERBOOK, TRADES = Channel
BTC = "BTC/USD"
_TRADE = Trade("0", Decimal(1), Decimal(1), 0)


@pytest.fixture
def market() -> MovingMarket:
    return MovingMarket()


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
async def feed(market: MovingMarket, turns: Turns) -> AsyncIterator[MarketFeed]:
    async with MarketFeed(market.port, turns.pace).open() as feed:
        yield feed


async def test_without_an_exchange_a_subscription_fails() -> None:
    async with MarketFeed(None).open() as feed:
        with pytest.raises(SubscriptionFailed, match=r"^Exchange service not configured$"):
            await feed.subscribe(BTC, TICKER)


async def test_a_subscription_begins_with_what_is_now(
    feed: MarketFeed, market: MovingMarket
) -> None:
    market.trade(2)
    ticker, book, trades = [await feed.subscribe(BTC, channel) for channel in Channel]
    (price,), (levels,), (latest,) = taken(ticker), taken(book), taken(trades)
    assert isinstance(price, News)
    assert isinstance(price.payload, Ticker)
    assert isinstance(levels, News)
    assert isinstance(levels.payload, OrderBook)
    assert len(levels.payload.bids) == 20
    assert isinstance(latest, News)
    assert [price.seq, levels.seq, latest.seq] == [1, 1, 1]


async def test_an_unknown_symbol_fails_and_leaves_nothing_running(
    feed: MarketFeed, market: MovingMarket
) -> None:
    for _ in range(2):
        with pytest.raises(SubscriptionFailed, match=r"^unknown symbol B$"):
            await feed.subscribe("B", TICKER)
    assert (feed.sources, market.calls) == (0, ["ticker B", "ticker B"])


async def test_test_currencies_have_the_prices_of_the_real_ones(
    feed: MarketFeed, market: MovingMarket
) -> None:
    book = await feed.subscribe("TESTBTC/TESTUSD", ORDERBOOK)
    (item,) = taken(book)
    assert market.calls == ["orderbook BTC/USD"]
    assert isinstance(item, News)
    assert isinstance(item.payload, OrderBook)
    assert item.payload.symbol == "TESTBTC/TESTUSD"


@pytest.mark.parametrize("channel", [TICKER, ORDERBOOK])
async def test_only_a_change_is_news_and_a_later_time_is_none(
    feed: MarketFeed, market: MovingMarket, turns: Turns, channel: Channel
) -> None:
    subscription = await feed.subscribe(BTC, channel)
    assert sequence(subscription) == [1]
    market.now += 1000
    await turns.tick()
    assert taken(subscription) == []
    market.price(40_001)
    await turns.tick()
    assert sequence(subscription) == [2]


@pytest.mark.parametrize("channel", [TICKER, ORDERBOOK])
async def test_the_newest_replaces_what_waits_and_seq_tells(
    feed: MarketFeed, market: MovingMarket, turns: Turns, channel: Channel
) -> None:
    subscription = await feed.subscribe(BTC, channel)
    for price in (1, 2, 3):
        market.price(price)
        await turns.tick()
    assert sequence(subscription) == [4]


async def test_all_share_one_source_which_ends_with_the_last_of_them(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    first, second = [await feed.subscribe(BTC, TICKER) for _ in range(2)]
    other = await feed.subscribe("ETH/USD", TICKER)
    assert (feed.sources, len(market.calls)) == (2, 2)
    feed.unsubscribe(first)
    assert feed.sources == 2
    feed.unsubscribe(second)
    assert feed.sources == 1
    await checkpoint()
    market.calls.clear()
    await turns.tick()
    assert market.calls == ["ticker ETH/USD"]
    feed.unsubscribe(other)


async def test_a_second_subscriber_begins_with_what_the_first_one_knows(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    await feed.subscribe(BTC, TICKER)
    market.price(41_000)
    await turns.tick()
    second = await feed.subscribe(BTC, TICKER)
    (item,) = taken(second)
    assert isinstance(item, News)
    assert isinstance(item.payload, Ticker)
    assert (item.seq, item.payload.last, len(market.calls)) == (1, Decimal(41_000), 2)


async def test_who_comes_during_the_first_look_shares_it_and_one_may_leave(
    feed: MarketFeed, market: MovingMarket
) -> None:
    gate, got = anyio.Event(), []

    async def subscribe() -> None:
        got.append(await feed.subscribe(BTC, TICKER))

    market.gate = gate.wait
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as all_of_them:
            async with anyio.create_task_group() as leaving:
                all_of_them.start_soon(subscribe)
                leaving.start_soon(subscribe)
                while not market.calls:
                    await checkpoint()
                leaving.cancel_scope.cancel()
            assert (feed.sources, got) == (1, [])
            gate.set()
    assert market.calls == ["ticker BTC/USD"]
    assert [sequence(one) for one in got] == [[1]]


async def test_a_first_look_that_nobody_waits_for_any_more_ends(
    feed: MarketFeed, market: MovingMarket
) -> None:
    market.gate = anyio.Event().wait
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(feed.subscribe, BTC, TICKER)
        while not market.calls:
            await checkpoint()
        tasks.cancel_scope.cancel()
    assert feed.sources == 0


async def test_trades_begin_with_fifty_and_then_come_once_each(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    market.trade(60)
    trades = await feed.subscribe(BTC, TRADES)
    assert numbers(trades) == [[str(number) for number in range(11, 61)]]
    await turns.tick()
    assert numbers(trades) == []
    market.trade(2)
    await turns.tick()
    market.trade()
    await turns.tick()
    assert numbers(trades) == [["61", "62"], ["63"]]


async def test_however_many_trades_there_were_between_two_looks_none_is_lost(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    market.trade(60)
    trades = await feed.subscribe(BTC, TRADES)
    assert len(numbers(trades)) == 1
    market.trade(420)
    await turns.tick()
    frames = numbers(trades)
    assert [len(frame) for frame in frames] == 8 * [50] + [20]
    assert list(chain(*frames)) == [str(number) for number in range(61, 481)]
    assert market.limits == [50, 50, 200, 800]


async def test_a_market_that_begins_empty_loses_none_either(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    trades = await feed.subscribe(BTC, TRADES)
    assert numbers(trades) == []
    market.trade(120)
    await turns.tick()
    assert list(chain(*numbers(trades))) == [str(number) for number in range(1, 121)]


async def test_who_comes_later_gets_the_latest_fifty_and_then_what_is_new(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    market.trade(10)
    await feed.subscribe(BTC, TRADES)
    market.trade(60)
    await turns.tick()
    later = await feed.subscribe(BTC, TRADES)
    market.trade()
    await turns.tick()
    assert numbers(later) == [[str(number) for number in range(21, 71)], ["71"]]


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(0, 60))
def test_overlapping_looks_give_each_trade_once_and_in_order(steps: list[int], before: int) -> None:
    tape, given_out, made = Tape(), [], before
    for step in [0, *steps]:
        made += step
        window = [_trade(number) for number in range(max(0, made - 50), made)]
        assert tape.continues(window, 50)
        given_out += tape.take(window)
    assert given_out == [_trade(number) for number in range(max(0, before - 50), made)]


def _trade(number: int) -> Trade:
    return replace(_TRADE, id=str(number))


async def test_a_thousand_undelivered_frames_of_trades_are_too_many_for_that_one_alone(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    slow, quick = [await feed.subscribe(BTC, TRADES) for _ in range(2)]
    for number in range(MOST_TRADES - 1):
        market.trade()
        await turns.tick()
        assert sequence(quick) == [number + 1]
    assert not slow.too_slow
    market.trade()
    await turns.tick()
    assert (slow.too_slow, taken(slow)) == (True, [])
    assert (quick.too_slow, sequence(quick)) == (False, [MOST_TRADES])


async def test_an_outage_is_told_once_and_ends_by_itself(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    subscription = await feed.subscribe(BTC, TICKER)
    assert sequence(subscription) == [1]
    for _ in range(2):
        market.failure = ExchangeFailedError("connection reset")
        for _ in range(5):
            await turns.tick()
        assert taken(subscription) == [Outage("connection reset")]
        market.failure = None
        await turns.tick()
    assert turns.pauses == [1, 2, 4, 5, 5, 5, 1, 2, 4, 5, 5, 5, 1]
    assert taken(subscription) == []
    market.price(1)
    await turns.tick()
    assert sequence(subscription) == [2]


async def test_who_comes_during_an_outage_gets_what_is_known_and_is_told(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    await feed.subscribe(BTC, TICKER)
    market.failure = ExchangeFailedError("connection reset")
    await turns.tick()
    known, notice = taken(await feed.subscribe(BTC, TICKER))
    assert isinstance(known, News)
    assert notice == Outage("connection reset")


async def test_trades_made_during_an_outage_come_after_it(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    market.trade(50)
    trades = await feed.subscribe(BTC, TRADES)
    taken(trades)
    market.failure = ExchangeFailedError("connection reset")
    market.trade(70)
    await turns.tick()
    market.failure = None
    await turns.tick()
    assert trades.take() == Outage("connection reset")
    assert list(chain(*numbers(trades))) == [str(number) for number in range(51, 121)]


async def test_what_nobody_foresaw_is_an_outage_without_its_text(
    feed: MarketFeed, market: MovingMarket, turns: Turns
) -> None:
    subscription = await feed.subscribe(BTC, TICKER)
    taken(subscription)
    market.failure = RuntimeError("the password is 1234")
    await turns.tick()
    market.failure = None
    market.price(1)
    await turns.tick()
    assert taken(subscription)[0] == Outage("internal error")


async def test_an_exchange_that_does_not_answer_is_not_waited_for_endlessly(
    market: MovingMarket, turns: Turns
) -> None:
    market.gate = anyio.Event().wait
    async with MarketFeed(market.port, replace(turns.pace, patience=0.01)).open() as feed:
        with pytest.raises(SubscriptionFailed, match=r"^no answer within 0 seconds$"):
            await feed.subscribe(BTC, TICKER)


async def test_a_feed_that_closes_leaves_nobody_waiting(market: MovingMarket, turns: Turns) -> None:
    market.gate = anyio.Event().wait
    failed: list[str] = []

    async def subscribe(feed: MarketFeed) -> None:
        try:
            await feed.subscribe(BTC, TICKER)
        except SubscriptionFailed as error:
            failed.append(str(error))

    with anyio.fail_after(DEADLINE):
        async with (
            anyio.create_task_group() as tasks,
            MarketFeed(market.port, turns.pace).open() as feed,
        ):
            tasks.start_soon(subscribe, feed)
            while not market.calls:
                await checkpoint()
    await subscribe(feed)
    assert failed == ["Market data has ended", "Market data has ended"]


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with MarketFeed(MovingMarket().port).open():
            raise ZeroDivisionError


async def test_who_begins_to_listen_hears_of_what_waits_already(feed: MarketFeed) -> None:
    heard: list[Subscription] = []
    subscription = await feed.subscribe(BTC, TICKER)
    subscription.attach(heard.append)
    assert heard == [subscription]
