"""Orders as the exchange shows them, with our notes.

An order that is found filled or gone has changed the account: what is cached of it is dropped.
"""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

from shared_services.caching import entries
from shared_services.caching.service import CacheAsync
from shared_services.caching.tables import CACHE, CacheRow
from shared_services.exchange.model import ExchangeOrder, OrderStatus
from shared_services.numbers import plain
from shared_services.orders import notes
from shared_services.orders.model import ClosedOrder, Order
from shared_services.storage import Reader, Store, Transaction

REMEMBERED: Final = 10_000  # orders; to find one changed that was forgotten drops once too often

_OPEN_ORDERS: Final = "open orders"


class FoundOrders:
    def __init__(self, store: Store, cache: CacheAsync) -> None:
        self._store = store
        self._cache = cache
        self._known: dict[str, str] = {}  # how orders were found, by id, the oldest first

    async def open(self, orders: Sequence[ExchangeOrder]) -> list[Order]:
        """`orders` are all that are open; the list before may have been read by another process."""
        annotated, known = await self._store.read(_with_known, orders)
        if known != _state(orders):
            await self._store.transaction(_changed, orders)
        return annotated

    async def one(self, order: ExchangeOrder) -> Order:
        await self._look([order])
        return (await self._store.read(notes.annotated, [order]))[0]

    async def closed(self, orders: Sequence[ExchangeOrder]) -> list[ClosedOrder]:
        await self._look(orders)
        return [notes.closed(order) for order in orders]

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """For what changes an order, or may have changed it when it failed."""
        async with self._cache.dropped():
            yield

    async def _look(self, orders: Collection[ExchangeOrder]) -> None:
        changed = {order.id: _how(order) for order in orders if _is_new(order, self._known)}
        if not changed:
            return
        if await self._cache.drop():
            self._known |= changed
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]


def _is_new(order: ExchangeOrder, known: dict[str, str]) -> bool:
    untouched = order.status is OrderStatus.OPEN and not order.filled
    return not untouched and known.get(order.id) != _how(order)


def _how(order: ExchangeOrder) -> str:
    return f"{order.status} {plain(order.filled)}"


def _state(orders: Collection[ExchangeOrder]) -> str:
    return json.dumps(sorted([order.id, plain(order.filled)] for order in orders))


def _with_known(reader: Reader, orders: Sequence[ExchangeOrder]) -> tuple[list[Order], str | None]:
    known = reader.get(CACHE, _OPEN_ORDERS)
    return notes.annotated(reader, orders), None if known is None else known.value


def _changed(tx: Transaction, orders: Collection[ExchangeOrder]) -> None:
    entries.drop(tx)
    tx.put(CACHE, CacheRow(_OPEN_ORDERS, _state(orders), stored_ms=0, generation=0))
