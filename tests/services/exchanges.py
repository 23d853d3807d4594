"""Exchanges that fail the way real ones do, over the paper exchange."""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from anyio import Event
from anyio.lowlevel import checkpoint

from shared_services.exchange.model import Balance, ExchangeOrder, FillReport, OrderRequest, Ticker
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.port import ExchangeFailedError, RefusedError
from shared_services.services import Services, wire
from shared_services.settings import TradingSettings
from shared_services.storage import Reader, Store, Transaction
from shared_services.storage.errors import StoreUnavailable
from shared_services.storage.memory import MemoryStore
from tests.fakes import FixedClock, FixedMarket, write_example_account

P = ParamSpec("P")
T = TypeVar("T")


class FaultyExchange(PaperExchange):
    """Set `fault` to a method's name, or to `lost` or `swallowed` for an order's answer.

    lost: the order is placed, its answer never arrives. swallowed: neither.
    """

    fault: str | None = None
    sent = 0
    on_create: Callable[[], None] | None = None
    after_create: Callable[[], None] | None = None
    after_balances: Callable[[], Awaitable[None]] | None = None
    on_ticker: Callable[[], Awaitable[None]] | None = None
    gate: tuple[Event, Event] | None = None
    """`create` sets the first and waits for the second."""

    def __init__(self, store: Store, market: FixedMarket, clock: FixedClock) -> None:
        super().__init__(store, market, clock)
        self.store, self.clock = store, clock
        self.cursors: list[str | None] = []

    def _fail(self, name: str) -> None:
        if self.fault == name:
            raise ExchangeFailedError("connection reset")

    async def balances(self) -> list[Balance]:
        self._fail("balances")
        balances = await super().balances()
        if self.after_balances is not None:
            todo, self.after_balances = self.after_balances, None
            await todo()
        return balances

    async def ticker(self, symbol: str) -> Ticker:
        self._fail(f"ticker {symbol}")
        if self.on_ticker is not None:
            todo, self.on_ticker = self.on_ticker, None
            await todo()
        return await super().ticker(symbol)

    async def fills(self, cursor: str | None) -> FillReport:
        self._fail("fills")
        self.cursors.append(cursor)
        return await super().fills(cursor)

    async def create(self, request: OrderRequest) -> ExchangeOrder:
        self.sent += 1
        self._fail("swallowed")
        await _call(self.on_create)
        if self.gate is not None:
            self.gate[0].set()
            await self.gate[1].wait()
        order = await super().create(request)
        await _call(self.after_create)
        self._fail("lost")
        return order

    async def order_by_client_id(self, client_id: str) -> ExchangeOrder | None:
        self._fail("lookup")
        return await super().order_by_client_id(client_id)

    async def open_orders(self) -> list[ExchangeOrder]:
        self._fail("open_orders")
        return await super().open_orders()

    async def closed_orders(self, symbol: str | None, limit: int) -> list[ExchangeOrder]:
        self._fail("closed_orders")
        return await super().closed_orders(symbol, limit)

    async def order(self, order_id: str) -> ExchangeOrder:
        self._fail("order")
        if self.fault == "refused":
            raise RefusedError("not now")
        return await super().order(order_id)

    async def cancel(self, order_id: str) -> None:
        self._fail("cancel")
        if self.fault == "refused":
            raise RefusedError("not now")
        await super().cancel(order_id)


class FailingStore:
    """A memory store that fails the transactions named in `failing`, by their function."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.failing: set[str] = set()

    async def transaction(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if function.__name__ in self.failing:
            raise StoreUnavailable("disk full")
        return await self._store.transaction(function, *args, **kwargs)

    async def read(
        self, function: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._store.read(function, *args, **kwargs)


async def _call(function: Callable[[], None] | None) -> None:
    """Call it, and let a cancellation it made take effect."""
    if function is not None:
        function()
        await checkpoint()


async def open_example(store: Store, clock: FixedClock, market: FixedMarket) -> FaultyExchange:
    """The contract's example account in an empty store."""
    await store.transaction(write_example_account)
    return FaultyExchange(store, market, clock)


def wired(exchange: FaultyExchange) -> Services:
    """New services over the exchange and its store, as another process has them."""
    settings = TradingSettings(store="memory://")
    return wire(settings, exchange.store, exchange.clock, exchange)
