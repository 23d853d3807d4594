"""A fake Bitfinex over the example account, and the real ccxt client against it."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from shared_services.exchange.ccxt.adapter import CcxtExchange, open_ccxt
from shared_services.exchange.ccxt.client import Keys, Venue
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.nonces.owner import NonceOwner, Unit
from shared_services.nonces.turns import Budget
from shared_services.storage.memory import MemoryStore
from tests.bitfinex.server import KEY, SECRET, FakeBitfinex, serve
from tests.fakes import FixedClock, FixedMarket, example_market, write_example_account

PLENTY = Budget(1_000_000)
KEYS = Keys(SecretStr(KEY), SecretStr(SECRET))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def market() -> FixedMarket:
    return example_market()


@pytest.fixture
async def fake(clock: FixedClock, market: FixedMarket) -> AsyncIterator[FakeBitfinex]:
    """Its account is the contract's example."""
    store = MemoryStore()
    await store.transaction(write_example_account)
    async with serve(PaperExchange(store, market, clock)) as running:
        yield running


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def owner(store: MemoryStore, clock: FixedClock) -> NonceOwner:
    return NonceOwner(store, clock, KEY, budget=PLENTY, unit=Unit.MILLISECONDS)


@pytest.fixture
async def exchange(
    fake: FakeBitfinex, store: MemoryStore, clock: FixedClock, owner: NonceOwner
) -> AsyncIterator[CcxtExchange]:
    venue = Venue("bitfinex", KEYS, url=fake.url, limited=False)
    async with open_ccxt(venue, owner, store, clock) as opened:
        yield opened
