"""Answers of the exchange, kept for some seconds for all processes and both stacks."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

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


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """`rows` None: nothing fresh, at that time (ms). `generation` None: nothing may be kept."""

    strategy: Strategy[T]
    at_ms: int
    generation: int | None
    rows: Sequence[T] | None = None


class CacheAsync:
    """A store that fails makes it slower, never wrong: then nothing is found and nothing kept."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts = Counts(Counter(), Counter())

    async def find(self, strategy: Strategy[T]) -> Found[T]:
        """Ask before you fetch; what is found need not be fetched."""
        row, now = await self._entry(strategy.key), self._clock.now_ms()
        if row is not None and row.value is not None and strategy.is_fresh(row.stored_ms, now):
            self._counts.hits[strategy.key] += 1
            return Found(strategy, now, row.generation, loads(strategy.row, row.value))
        self._counts.misses[strategy.key] += 1
        return Found(strategy, now, None if row is None else row.generation)

    async def keep(self, found: Found[T], rows: Sequence[T], *, own_drops: int = 0) -> None:
        """Keep what was fetched after `found`, unless somebody dropped it meanwhile.

        `own_drops`: so often whoever fetched did that himself, and his rows know why.
        """
        if found.generation is None:
            return
        generation = found.generation + own_drops
        row = CacheRow(found.strategy.key, dumps(rows), found.at_ms, generation)
        with suppress(StoreUnavailable):
            await self._store.transaction(entries.keep, row)

    async def drop(self) -> bool:
        """The account changed. False if the store fails now: what is kept lives as long as it may."""
        try:
            await self._store.transaction(entries.drop)
        except StoreUnavailable:
            return False
        return True

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
                await self._flush_whole()
        finally:
            await self._flush_whole()

    async def _flush_whole(self) -> None:
        """A cancellation in between would lose what is under way."""
        with anyio.move_on_after(PATIENCE, shield=True):
            await self.flush()

    async def _entry(self, key: str) -> CacheRow | None:
        try:
            return await self._store.read(entries.entry, key)
        except StoreUnavailable:
            return None
