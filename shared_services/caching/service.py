"""Answers of the exchange, kept for some seconds for all processes and both stacks."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar

import anyio

from shared_services.caching import entries
from shared_services.caching.entries import Counts
from shared_services.caching.model import CacheFigures, Strategy
from shared_services.caching.tables import CacheRow
from shared_services.caching.values import dumps, loads
from shared_services.clock import Clock
from shared_services.storage import Store
from shared_services.storage.errors import StoreUnavailable

T = TypeVar("T")

FLUSH_EVERY: Final = 1.0  # seconds
PATIENCE: Final = 2.0  # seconds for the last words: a drop after a change, the counts at the end


class CacheAsync:
    """A store that fails makes it slower, never wrong: then nothing is found and nothing kept."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts = Counts(Counter(), Counter())

    async def through(
        self, strategy: Strategy[T], fetch: Callable[[], Awaitable[list[T]]]
    ) -> list[T]:
        """What is kept and fresh, or else what `fetch` returns; raises what it raises."""
        row, began = await self._entry(strategy.key), self._clock.now_ms()
        if row is not None and row.value is not None and strategy.is_fresh(row.stored_ms, began):
            self._counts.hits[strategy.key] += 1
            return loads(strategy.row, row.value)
        self._counts.misses[strategy.key] += 1
        rows = await fetch()
        if row is not None:
            fetched = CacheRow(strategy.key, dumps(rows), began, row.generation)
            with suppress(StoreUnavailable):
                await self._store.transaction(entries.keep, fetched)
        return rows

    async def drop(self) -> None:
        """The account changed. If the store fails now, what is kept lives as long as it may."""
        with suppress(StoreUnavailable):
            await self._store.transaction(entries.drop)

    @asynccontextmanager
    async def dropped(self) -> AsyncIterator[None]:
        """Drop after the block, however it ends: nobody knows what a failure changed."""
        try:
            yield
        finally:
            with anyio.move_on_after(PATIENCE, shield=True):
                await self.drop()

    async def figures(self) -> CacheFigures:
        await self.flush()
        return await self._store.read(entries.figures, self._clock.now_ms())

    async def flush(self) -> None:
        """Add what was counted here to the counts of all; if the store fails, the next time."""
        counts, self._counts = self._counts, Counts(Counter(), Counter())
        if not (counts.hits or counts.misses):
            return
        try:
            await self._store.transaction(entries.count, counts)
        except StoreUnavailable:
            self._counts.hits.update(counts.hits)
            self._counts.misses.update(counts.misses)

    async def run(self) -> None:
        """Flush every second until it is cancelled, and then once more."""
        try:
            while True:
                await anyio.sleep(FLUSH_EVERY)
                await self.flush()
        finally:
            with anyio.move_on_after(PATIENCE, shield=True):
                await self.flush()

    async def _entry(self, key: str) -> CacheRow | None:
        try:
            return await self._store.read(entries.entry, key)
        except StoreUnavailable:
            return None
