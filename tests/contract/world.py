"""The states of the world in which the contract is checked; section 3 of it is the first."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final

from shared_services.exchange.model import OrderRequest, OrderType, Side
from shared_services.exchange.paper.account import open_account
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.port import ExchangeFailedError, ExchangePort, RefusedError
from shared_services.orders import answers
from shared_services.orders.tables import IDEMPOTENCY, IdempotencyRow
from shared_services.orders.validation import parse
from shared_services.services import Services, wire
from shared_services.settings import TradingSettings
from shared_services.storage import Store, Transaction, open_store
from shared_services.storage.errors import StoreUnavailable
from tests.contract.exchanges import LostAnswer, Margin, failing
from tests.fakes import (
    EXAMPLE_NOW,
    HOUR_MS,
    FixedClock,
    FixedMarket,
    example_market,
    write_example_account,
)

TOKEN: Final = "opensesame"
ORDER: Final = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 1}


@dataclass
class Shop:
    """Where a world is made."""

    store: Store
    clock: FixedClock
    market: FixedMarket

    @property
    def exchange(self) -> PaperExchange:
        return PaperExchange(self.store, self.market, self.clock)

    async def account(self, cash: str) -> None:
        balances = {"TESTUSD": Decimal(cash)}
        await self.store.transaction(open_account, balances, EXAMPLE_NOW - 2 * HOUR_MS)

    async def trade(self, at: int, side: Side, price: int) -> None:
        """0.05 TESTBTC, past all risk checks."""
        self.clock.now = at
        self.market.set("BTC/USD", price)
        request = OrderRequest(
            f"{side}", "TESTBTC/TESTUSD", OrderType.MARKET, side, Decimal("0.05"), None
        )
        await self.exchange.create(request)


async def example(shop: Shop) -> None:
    """Section 3."""
    await shop.store.transaction(write_example_account)


async def running(shop: Shop) -> None:
    """Section 3, and somebody is working on the request ORDER with the key `k`."""
    await example(shop)
    fingerprint = answers.fingerprint(parse(ORDER, None).command)
    soon, later = EXAMPLE_NOW + 1000, EXAMPLE_NOW + HOUR_MS
    row = IdempotencyRow("k", fingerprint, "example", None, lease_until_ms=soon, expires_ms=later)
    await shop.store.transaction(_put, row)


def _put(tx: Transaction, row: IdempotencyRow) -> None:
    tx.put(IDEMPOTENCY, row)


async def empty(shop: Shop) -> None:
    """An account without any currency."""
    await shop.store.transaction(open_account, {}, EXAMPLE_NOW)


async def poor(shop: Shop) -> None:
    """The holding of section 3 and 10 TESTUSD."""
    await shop.account("1911.9")
    await shop.trade(EXAMPLE_NOW - HOUR_MS, Side.BUY, 38_000)


async def losing(shop: Shop) -> None:
    """More than 500 TESTUSD of 10000 lost today."""
    await shop.account("10000")
    await shop.trade(EXAMPLE_NOW - HOUR_MS, Side.BUY, 50_000)
    await shop.trade(EXAMPLE_NOW, Side.SELL, 40_000)


Port = Callable[[Store, FixedMarket, FixedClock], ExchangePort]
Venues = Mapping[str, Port | None]


@dataclass(frozen=True)
class World:
    """`port` makes the exchange that requests find; none, if none is configured.

    `venues` make those whose order books are shown, where that is not the one.
    """

    name: str
    seed: Callable[[Shop], Awaitable[None]] = example
    port: Port | None = PaperExchange
    venues: Venues = field(default_factory=dict)
    token: str | None = None

    @property
    def settings(self) -> TradingSettings:
        return TradingSettings(exchange="paper", store="memory://", api_token=self.token)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Services]:
        """Fresh services in this state."""
        async with open_store("memory://") as store:
            await self.seed(Shop(store, FixedClock(), FixedMarket()))
            clock = FixedClock()
            parts = store, example_market(), clock
            port = self.port(*parts) if self.port else None
            venues = {name: make and make(*parts) for name, make in self.venues.items()}
            services = wire(self.settings, store, clock, port, venues)
            async with services.feed.open():
                yield services


def _broken(failures: dict[str, Exception]) -> Port:
    return lambda *parts: failing(PaperExchange(*parts), failures)


_METHODS = [name for name in vars(ExchangePort) if not name.startswith("_")]

EXAMPLE: Final = World("example")
RUNNING: Final = World("running", running)
EMPTY: Final = World("empty", empty)
POOR: Final = World("poor", poor)
LOSING: Final = World("losing", losing)
MARGIN: Final = World("margin", port=Margin)
CROWDED: Final = World("crowded", port=partial(Margin, count=4))
NO_EXCHANGE: Final = World("no exchange", port=None)
DOWN: Final = World("down", port=_broken(dict.fromkeys(_METHODS, ExchangeFailedError("no route"))))
REFUSING: Final = World(
    "refusing", port=_broken(dict.fromkeys(("order", "cancel"), RefusedError("not yours")))
)
BROKEN: Final = World(
    "broken", port=_broken(dict.fromkeys(_METHODS, RuntimeError("the password is 1234")))
)
STORE_DOWN: Final = World(
    "store down", port=_broken({"open_orders": StoreUnavailable("/srv/trading.db is full")})
)
SENDING_FAILS: Final = World(
    "sending fails", port=_broken({"create": ExchangeFailedError("nonce too small")})
)
LOST_ANSWER: Final = World("lost answer", port=LostAnswer)
WITH_TOKEN: Final = World("with token", token=TOKEN)
