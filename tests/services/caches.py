"""An exchange that counts who asks it, and what is kept of its answers."""

from shared_services.caching import entries
from shared_services.exchange.model import Balance
from shared_services.storage import Store
from tests.fakes import FixedClock, FixedMarket
from tests.services.exchanges import FaultyExchange, open_example


class CountingExchange(FaultyExchange):
    """Counts how often it is asked for the account."""

    asked = 0

    async def balances(self) -> list[Balance]:
        self.asked += 1
        return await super().balances()


async def counting(store: Store, clock: FixedClock, market: FixedMarket) -> CountingExchange:
    await open_example(store, clock, market)
    return CountingExchange(store, market, clock)


async def kept(exchange: FaultyExchange) -> dict[str, int]:
    """The fresh entries and how often each was found."""
    now = exchange.clock.now_ms()
    figures = await exchange.store.read(entries.figures, now)
    return {one.key: one.access_count for one in figures.entries}
