"""What goes to one client, in which order; the bytes of the frames."""

from dataclasses import replace
from decimal import Decimal

import anyio
import pytest
from anyio.lowlevel import checkpoint

from shared_services.exchange.model import Level, OrderBook, Ticker, Trade
from shared_services.feed import frames
from shared_services.feed.model import Channel, Item, News, Outage
from shared_services.feed.outbox import Outbox
from shared_services.feed.subscription import MOST_TRADES, Subscription
from tests.fakes import EXAMPLE_NOW
from tests.services.feeds import DEADLINE

TICK = Ticker(
    "BTC/USD", Decimal(39_990), Decimal(40_010), Decimal(40_000), EXAMPLE_NOW, Decimal("1234.5")
)
BOOK = OrderBook(
    "BTC/USD",
    bids=(Level(Decimal(39_990), Decimal("1.5")),),
    asks=(Level(Decimal(40_010), Decimal("1.2")),),
    timestamp=EXAMPLE_NOW,
)
TRADE = Trade("77", Decimal(40_000), Decimal("-0.01"), EXAMPLE_NOW)


class Alarm:
    rung = False

    def __call__(self) -> None:
        self.rung = True


@pytest.fixture
def too_slow() -> Alarm:
    return Alarm()


@pytest.fixture
def outbox(too_slow: Alarm) -> Outbox:
    return Outbox(too_slow)


def subscription(channel: Channel = Channel.TICKER) -> Subscription:
    return Subscription("BTC/USD", channel)


async def sent(outbox: Outbox, count: int) -> list[str]:
    with anyio.fail_after(DEADLINE):
        return [str(await outbox.next()) for _ in range(count)]


@pytest.mark.parametrize(
    ("channel", "item", "text"),
    [
        (
            Channel.TICKER,
            News(1, TICK),
            (
                '{"data":{"ask":40010.0,"bid":39990.0,"price":40000.0,"timestamp":"2023-11-14T22:13:20Z",'
                '"volume":1234.5},"seq":1,"symbol":"BTCUSD","type":"ticker"}'
            ),
        ),
        (
            Channel.ORDERBOOK,
            News(2, BOOK),
            (
                '{"data":{"asks":[{"amount":1.2,"price":40010.0}],"bids":[{"amount":1.5,"price":39990.0}],'
                '"symbol":"BTC/USD","timestamp":1700000000000},"seq":2,"symbol":"BTCUSD","type":"orderbook"}'
            ),
        ),
        (
            Channel.TRADES,
            News(3, (TRADE,)),
            (
                '{"data":[{"amount":-0.01,"id":"77","price":40000.0,"timestamp":1700000000000}],"seq":3,'
                '"symbol":"BTCUSD","type":"trades"}'
            ),
        ),
        (
            Channel.TICKER,
            Outage("no route"),
            '{"channel":"ticker","error":"Market data unavailable: no route","symbol":"BTCUSD"}',
        ),
    ],
)
def test_the_frames_are_these(channel: Channel, item: Item, text: str) -> None:
    assert frames.item_frame("BTCUSD", channel, item) == text


def test_an_acknowledgement_repeats_what_was_asked_for_in_ascii() -> None:
    assert frames.acknowledgement("Ä", Channel.TRADES, "subscribed") == (
        '{"channel":"trades","status":"subscribed","symbol":"\\u00c4"}'
    )


async def test_no_news_is_sent_before_the_subscription_is_opened(outbox: Outbox) -> None:
    ticker = subscription()
    ticker.publish(TICK)
    await outbox.answer("subscribed")
    outbox.open(ticker, "BTCUSD")
    assert await sent(outbox, 2) == [
        "subscribed",
        frames.item_frame("BTCUSD", Channel.TICKER, News(1, TICK)),
    ]


async def test_nothing_is_sent_after_it_is_closed(outbox: Outbox) -> None:
    ticker = subscription()
    outbox.open(ticker, "BTCUSD")
    ticker.publish(TICK)
    outbox.close(ticker)
    ticker.publish(replace(TICK, last=Decimal(1)))
    await outbox.answer("unsubscribed")
    outbox.end()
    assert await outbox.next() == "unsubscribed"
    assert await outbox.next() is None


async def test_subscriptions_take_turns(outbox: Outbox) -> None:
    talkative, quiet = subscription(Channel.TRADES), subscription()
    outbox.open(talkative, "one")
    outbox.open(quiet, "other")
    for _ in range(3):
        talkative.publish((TRADE,))
    quiet.publish(TICK)
    texts = await sent(outbox, 4)
    assert ["other" in text for text in texts] == [False, True, False, False]


async def test_whoever_waits_for_news_is_woken(outbox: Outbox) -> None:
    ticker = subscription()
    outbox.open(ticker, "BTCUSD")
    got: list[str] = []

    async def wait() -> None:
        got.extend(await sent(outbox, 1))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await checkpoint()
        assert got == []
        ticker.publish(TICK)
    assert len(got) == 1


async def test_answers_that_nobody_takes_make_the_next_one_wait(outbox: Outbox) -> None:
    given: list[int] = []

    async def answer() -> None:
        for number in range(10_000):
            await outbox.answer(str(number))
            given.append(number)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        await sent(outbox, 1)
        for _ in range(100):
            await checkpoint()
        assert len(given) < 20
        assert await sent(outbox, 30) == [str(number) for number in range(1, 31)]
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("opened_first", [True, False])
async def test_a_client_that_is_too_slow_is_reported(
    outbox: Outbox, too_slow: Alarm, opened_first: bool
) -> None:
    trades = subscription(Channel.TRADES)
    if opened_first:
        outbox.open(trades, "BTCUSD")
    for _ in range(MOST_TRADES - 1):
        trades.publish((TRADE,))
    assert not too_slow.rung
    trades.publish((TRADE,))
    if not opened_first:
        outbox.open(trades, "BTCUSD")
    assert too_slow.rung
