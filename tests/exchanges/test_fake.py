"""The fake is as strict as Bitfinex, so that what passes it would pass there."""

import json
from typing import Any

import aiohttp
import pytest

from shared_services.exchange.ccxt.adapter import CcxtExchange, open_ccxt
from shared_services.exchange.ccxt.client import Keys, Venue
from shared_services.exchange.port import ExchangeFailedError
from shared_services.nonces.owner import NonceOwner
from shared_services.storage.memory import MemoryStore
from tests.bitfinex.server import KEY, FakeBitfinex
from tests.exchanges.fixtures import KEYS
from tests.fakes import FixedClock, FixedMarket


async def test_a_signature_with_another_secret_is_refused(
    fake: FakeBitfinex, store: MemoryStore, clock: FixedClock, owner: NonceOwner
) -> None:
    wrong = Keys(KEYS.key, KEYS.key)
    venue = Venue("bitfinex", wrong, url=fake.url, limited=False)
    async with open_ccxt(venue, owner, store, clock) as exchange:
        with pytest.raises(ExchangeFailedError, match="does not accept the API key"):
            await exchange.balances()
    assert fake.arrivals == []


@pytest.mark.parametrize("ahead", [0, 1])
async def test_a_nonce_that_does_not_rise_is_refused(
    exchange: CcxtExchange, fake: FakeBitfinex, ahead: int
) -> None:
    await exchange.balances()
    fake.marks[KEY] += 1 + ahead
    with pytest.raises(ExchangeFailedError, match="nonce too small"):
        await exchange.balances()


async def test_every_body_that_arrived_is_kept_to_the_byte(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    await exchange.closed_orders(None, 7)

    assert [(one.path, one.body) for one in fake.arrivals][:1] == [("r/orders/hist", '{"limit":7}')]


async def test_channels_tell_where_they_stand_and_then_the_news(
    fake: FakeBitfinex, market: FixedMarket
) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{fake.url}/ws/2") as socket:
        assert await heard(socket) == {"event": "info", "version": 2, "platform": {"status": 1}}
        for channel in ("ticker", "book"):
            await socket.send_json({"event": "subscribe", "channel": channel, "symbol": "tBTCUSD"})
            subscribed = await heard(socket)
            assert (subscribed["event"], subscribed["channel"]) == ("subscribed", channel)
            number, content = await heard(socket)
            assert number == subscribed["chanId"]
            assert (content[6] == 40000) if channel == "ticker" else (content[0] == [39990, 1, 1.5])

        market.set("BTC/USD", 41_000)
        await fake.sockets.news()
        assert (await heard(socket))[1][6] == 41000
    assert fake.sockets.count == 0


@pytest.mark.parametrize("wanted", [{"symbol": "tDOGUSD"}, {"channel": "status"}])
async def test_a_channel_that_does_not_exist_cannot_be_subscribed(
    fake: FakeBitfinex, wanted: dict[str, str]
) -> None:
    asked = {"event": "subscribe", "channel": "book", "symbol": "tBTCUSD"} | wanted
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{fake.url}/ws/2") as socket:
        await heard(socket)
        await socket.send_json(asked)
        assert (await heard(socket))["code"] == 10300


async def heard(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return json.loads((await socket.receive(timeout=5)).data)
