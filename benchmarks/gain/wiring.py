"""Both kinds of services over the same slow exchange, an account and time that stands still."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, Self, cast

from benchmarks.gain.classic import ClassicServices
from benchmarks.gain.store import StoreInThread
from benchmarks.slow_exchange import Remembering, Slow, SlowInThread
from shared_services.exchange.paper.account import open_account
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.paper.synthetic import SyntheticMarket
from shared_services.exchange.port import ExchangePort
from shared_services.services import Services, wire
from shared_services.settings import TradingSettings
from shared_services.storage import Store, open_store

THREADS: Final = 40  # what anyio gives FastAPI's `def` endpoints, and gunicorn is given
BALANCES: Final = {"USD": Decimal(10_000), "BTC": Decimal("0.5"), "ETH": Decimal(4)}


class StoppedClock:
    """Always the same time: all answers are the same, and what is cached stays fresh."""

    def now_ms(self) -> int:
        return 1_700_000_000_000


CLOCK: Final = StoppedClock()


@dataclass(frozen=True, slots=True)
class World:
    """What the services live on: a file of SQLite that `prepare` has made, and exchanges."""

    path: Path
    venues: int
    latency: float  # seconds of one call

    @classmethod
    def of_environment(cls) -> Self:
        path, venues, latency = (
            os.environ[f"GAIN_{name}"] for name in ("STORE", "VENUES", "LATENCY")
        )
        return cls(Path(path), int(venues), float(latency))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GAIN_STORE": str(self.path),
            "GAIN_VENUES": str(self.venues),
            "GAIN_LATENCY": str(self.latency),
        }

    @property
    def settings(self) -> TradingSettings:
        return TradingSettings(store=f"sqlite:///{self.path}")

    def names(self) -> list[str]:
        return [f"venue{number}" for number in range(self.venues)]


async def prepare(world: World) -> None:
    """Make the file, with its account."""
    async with open_store(world.settings.store) as store:
        await store.transaction(open_account, BALANCES, CLOCK.now_ms())


@asynccontextmanager
async def async_services(world: World) -> AsyncIterator[Services]:
    """The trading system's own, without what runs in the background."""
    async with open_store(world.settings.store) as store:
        slow = cast("ExchangePort", Slow(_exchange(store), world.latency))
        venues: Mapping[str, ExchangePort] = dict.fromkeys(world.names(), slow)
        yield wire(world.settings, store, CLOCK, slow, venues)


@contextmanager
def classic_services(world: World) -> Iterator[ClassicServices]:
    store = StoreInThread(world.path, THREADS)
    try:
        slow = SlowInThread(_exchange(store), world.latency)
        yield ClassicServices(store, CLOCK, dict.fromkeys(world.names(), slow))
    finally:
        store.close()


def _exchange(store: Store) -> Remembering:
    return Remembering(PaperExchange(store, SyntheticMarket(seed=1), CLOCK))
