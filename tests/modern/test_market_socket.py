"""WebSocket /ws/market/{client_id}, as section 8.1 of the contract and docs/websocket.md have it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from fastapi_app import create_app
from shared_services.exchange.port import ExchangeFailedError
from shared_services.feed.hub import MarketFeed
from shared_services.services import Services
from tests.contract.world import EXAMPLE, NO_EXCHANGE, TOKEN, WITH_TOKEN, World
from tests.modern.sockets import DEADLINE, Client, Site
from tests.services.feeds import MovingMarket, Turns

PAGE = (Path(__file__).parents[2] / "docs/websocket.md").read_text()
BTC = {"channel": "ticker", "symbol": "BTCUSD"}


@asynccontextmanager
async def opened(world: World, feed: MarketFeed | None = None) -> AsyncIterator[Site]:
    """The modern app in this world, with a feed that a test moves if one is given."""

    @asynccontextmanager
    async def open_services() -> AsyncIterator[Services]:
        async with world.open() as services:
            yield services if feed is None else replace(services, feed=feed)

    app = create_app(world.settings, open_services=open_services)
    async with app.router.lifespan_context(app) as state:
        yield Site(app, state or {})


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


@pytest.fixture
async def site(feed: MarketFeed) -> AsyncIterator[Site]:
    async with opened(EXAMPLE, feed) as site:
        yield site


async def test_the_documented_conversation_is_the_real_one() -> None:
    match = re.search(r"^```transcript (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert match is not None
    async with opened(EXAMPLE) as site, site.client(match[1]) as client:
        for line in match[2].splitlines():
            side, text = line[:2], line[2:]
            if side == "> ":
                await client.say(text)
            else:
                pattern = re.escape(text).replace("…", ".*")
                assert re.fullmatch(pattern, await client.hear())


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[" * 60_000, "Invalid JSON"),
        ('{"action": NaN}', "Invalid JSON"),
        (b'{"action":"subscribe","channel":"ticker","symbol":"BTCUSD"}', "Invalid JSON"),
        ("[]", "Missing required fields: action, channel, symbol"),
        ("null", "Missing required fields: action, channel, symbol"),
        ({}, "Missing required fields: action, channel, symbol"),
        (BTC, "Missing required fields: action, channel, symbol"),
        (BTC | {"action": 1}, "Missing required fields: action, channel, symbol"),
        (
            BTC | {"action": "subscribe", "symbol": ""},
            "Missing required fields: action, channel, symbol",
        ),
        (BTC | {"action": "Subscribe", "channel": "x"}, "Unknown action: Subscribe"),
        (BTC | {"action": "subscribe", "channel": "x"}, "Unknown channel: x"),
        (
            BTC | {"action": "subscribe", "symbol": "B"},
            "Subscription failed: unknown symbol B",
        ),
    ],
)
async def test_b108_what_cannot_be_followed_is_answered_and_the_connection_stays(
    site: Site, frame: object, error: str
) -> None:
    async with site.client() as client:
        await client.say(frame)
        assert await client.hear_json() == {"error": error}
        await client.unsubscribe("ticker")
        assert await client.hear_json() == BTC | {"status": "unsubscribed"}


async def test_without_an_exchange_subscriptions_fail() -> None:
    async with opened(NO_EXCHANGE) as site, site.client("/ws/market/me?symbol=BTCUSD") as client:
        text = "Subscription failed: Exchange service not configured"
        assert await client.hear_json() == {"error": text}


async def test_of_a_repeated_query_the_first_counts_and_an_empty_one_is_none(site: Site) -> None:
    async with site.client("/ws/market/me?symbol=B&symbol=BTCUSD") as client:
        assert await client.hear_json() == {"error": "Subscription failed: unknown symbol B"}
    async with site.client("/ws/market/me?symbol=") as client:
        await client.unsubscribe("ticker")
        assert await client.hear_json() == BTC | {"status": "unsubscribed"}


async def test_subscribing_twice_is_one_stream_and_anew_begins_anew(
    site: Site, market: MovingMarket, turns: Turns
) -> None:
    async with site.client() as client:
        await client.subscribe("ticker")
        await client.subscribe("ticker")
        heard = [await client.hear_json() for _ in range(3)]
        assert [one.get("seq") for one in heard if "seq" in one] == [1]
        market.price(1)
        await turns.tick()
        assert (await client.hear_json())["seq"] == 2
        await client.unsubscribe("ticker")
        assert await client.hear_json() == BTC | {"status": "unsubscribed"}
        await client.subscribe("ticker")
        assert await client.hear_json() == BTC | {"status": "subscribed"}
        assert (await client.hear_json())["seq"] == 1


async def test_the_same_market_under_two_names_is_two_subscriptions(
    site: Site, feed: MarketFeed
) -> None:
    async with site.client() as client:
        for symbol in ("BTCUSD", "BTC/USD"):
            await client.subscribe("ticker", symbol)
            heard = [await client.hear_json() for _ in range(2)]
            assert [one["symbol"] for one in heard] == [symbol, symbol]
        assert feed.sources == 1


async def test_more_than_fifty_subscriptions_are_refused_and_a_place_can_be_made(
    site: Site, market: MovingMarket
) -> None:
    market.known = {f"C{number}/USD" for number in range(60)}
    async with site.client() as client:
        for number in range(50):
            await client.subscribe("trades", f"C{number}/USD")
            assert (await client.hear_json())["status"] == "subscribed"
        await client.subscribe("trades", "C50/USD")
        text = "Subscription failed: at most 50 on one connection"
        assert await client.hear_json() == {"error": text}
        await client.unsubscribe("trades", "C0/USD")
        await client.subscribe("trades", "C50/USD")
        assert [(await client.hear_json())["status"] for _ in range(2)] == [
            "unsubscribed",
            "subscribed",
        ]


async def test_an_outage_is_told_and_the_data_comes_again(
    site: Site, market: MovingMarket, turns: Turns
) -> None:
    async with site.client("/ws/market/me?symbol=BTCUSD") as client:
        assert [(await client.hear_json()).get("seq") for _ in range(2)] == [None, 1]
        market.failure = ExchangeFailedError("no route")
        await turns.tick()
        await turns.tick()
        assert await client.hear() == (
            '{"channel":"ticker","error":"Market data unavailable: no route","symbol":"BTCUSD"}'
        )
        market.failure = None
        market.price(1)
        await turns.tick()
        assert (await client.hear_json())["seq"] == 2


@pytest.mark.parametrize("path", ["/ws/market/a%20b", "/ws/market/" + "x" * 65, "/ws/market/ä"])
async def test_a_client_id_of_another_form_is_refused(site: Site, path: str) -> None:
    async with site.client(path) as client:
        assert client.opening["type"] == "websocket.close"


@pytest.mark.parametrize("path", ["/ws/user", "/ws/market/", "/ws/market/a/b", "/api/health"])
async def test_t11_another_path_is_not_found(site: Site, path: str) -> None:
    async with site.client(path) as client:
        assert client.opening["status"] == 404
        assert (await client.heard())["body"] == b""


ACCEPTED: dict[str, Any] = {
    "a bearer token": {"headers": {"Authorization": f"Bearer {TOKEN}"}},
    "an API key": {"headers": {"X-API-Key": TOKEN}},
    "subprotocols": {"subprotocols": ("bearer", TOKEN)},
}
REFUSED: dict[str, Any] = {
    "nothing": {},
    "another token": {"headers": {"Authorization": f"Bearer {TOKEN}x"}},
    "another subprotocol": {"subprotocols": ("bearer", "x")},
    "bearer alone": {"subprotocols": ("bearer",)},
    "the token alone": {"subprotocols": (TOKEN,)},
    "another scheme": {"subprotocols": ("basic", TOKEN)},
}


@pytest.mark.parametrize("how", ACCEPTED)
async def test_with_the_token_a_client_is_let_in(how: str) -> None:
    async with opened(WITH_TOKEN) as site, site.client(**ACCEPTED[how]) as client:
        by_protocol = how == "subprotocols"
        assert client.opening["type"] == "websocket.accept"
        assert client.opening["subprotocol"] == ("bearer" if by_protocol else None)


@pytest.mark.parametrize("how", REFUSED)
async def test_without_the_token_a_client_is_refused(how: str) -> None:
    async with opened(WITH_TOKEN) as site, site.client(**REFUSED[how]) as client:
        assert client.opening["type"] == "websocket.close"


async def test_the_largest_frame_is_read_and_a_larger_one_closes_after_the_answers(
    site: Site,
) -> None:
    async with site.client() as client:
        await client.say("x" * 65_536, "ä" * 32_769, "{", "{")
        assert await client.hear_json() == {"error": "Invalid JSON"}
        closing = await client.heard()
        assert (closing["type"], closing["code"]) == ("websocket.close", 1009)


async def test_a_large_binary_frame_closes_as_well(site: Site) -> None:
    async with site.client() as client:
        await client.say(b"x" * 1_000_000)
        assert (await client.heard())["code"] == 1009


async def test_b108_a_client_that_does_not_read_is_not_read(site: Site) -> None:
    async with site.client() as client:
        for number in range(10_000):
            await client.subscribe("ticker", f"NO{number}")
        await _until_nothing_moves(client)
        assert client.unread > 9_900
        for number in range(100):
            text = f"Subscription failed: unknown symbol NO{number}"
            assert await client.hear_json() == {"error": text}


async def _until_nothing_moves(client: Client) -> None:
    before = -1
    while client.unread != before:
        before = client.unread
        for _ in range(50):
            await checkpoint()


async def test_a_slow_client_sees_a_gap_and_others_miss_nothing(
    site: Site, market: MovingMarket, turns: Turns
) -> None:
    target = "/ws/market/me?symbol=BTCUSD"
    async with site.client(target) as slow, site.client(target) as quick:
        assert [(await quick.hear_json()).get("seq") for _ in range(2)] == [None, 1]
        for number in range(5):
            market.price(number)
            await turns.tick()
            assert (await quick.hear_json())["seq"] == number + 2
        assert [(await slow.hear_json()).get("seq") for _ in range(2)] == [None, 6]


async def test_a_client_too_slow_for_trades_is_closed_and_others_go_on(
    site: Site, market: MovingMarket, turns: Turns, feed: MarketFeed
) -> None:
    async with site.client() as slow, site.client() as quick:
        for client in (slow, quick):
            await client.subscribe("trades")
            assert "status" in await client.hear_json()
        for number in range(1001):
            market.trade()
            await turns.tick()
            assert (await quick.hear_json())["seq"] == number + 1
        closing = await slow.heard()
        assert (closing["type"], closing["code"]) == ("websocket.close", 1013)
        market.trade()
        await turns.tick()
        assert (await quick.hear_json())["seq"] == 1002
    assert feed.sources == 0


async def test_a_client_that_leaves_ends_its_sources(site: Site, feed: MarketFeed) -> None:
    async with site.client("/ws/market/me?symbol=BTCUSD") as client:
        await client.hear()
        assert feed.sources == 1
    assert feed.sources == 0


async def test_a_client_that_leaves_during_the_first_look_ends_it(
    site: Site, feed: MarketFeed, market: MovingMarket
) -> None:
    market.gate = anyio.Event().wait
    async with site.client("/ws/market/me?symbol=BTCUSD"):
        with anyio.fail_after(DEADLINE):
            while not market.calls:
                await checkpoint()
    assert feed.sources == 0


@pytest.mark.parametrize(
    "error", [OSError("gone"), RuntimeError("after sending 'websocket.close'")]
)
async def test_a_connection_that_breaks_ends_quietly(
    site: Site, feed: MarketFeed, market: MovingMarket, turns: Turns, error: Exception
) -> None:
    async with site.client("/ws/market/me?symbol=BTCUSD") as client:
        await client.hear()
        await client.hear()
        client.broken = error
        market.price(1)
        await turns.tick()
        with anyio.fail_after(DEADLINE):
            while feed.sources:
                await checkpoint()
