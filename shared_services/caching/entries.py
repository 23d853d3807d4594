"""Transaction functions of the cache.

A drop gives every key a new generation. Whoever fetches remembers the generation from before, so
that what was fetched before a drop is never kept after it.
"""

from collections import Counter
from dataclasses import dataclass, replace

from shared_services.caching.model import STRATEGIES, CacheEntry, CacheFigures
from shared_services.caching.tables import CACHE, CACHE_COUNTS, CacheCountRow, CacheRow
from shared_services.storage import Reader, Transaction


@dataclass(slots=True)
class Counts:
    """How often each key was found and missed."""

    hits: Counter[str]
    misses: Counter[str]


def entry(reader: Reader, key: str) -> CacheRow:
    return reader.get(CACHE, key) or CacheRow(key, None, stored_ms=0, generation=0)


def keep(tx: Transaction, fetched: CacheRow) -> bool:
    """Keep what was fetched, unless a drop or a later fetch came in between."""
    now = entry(tx, fetched.key)
    if now.generation != fetched.generation:
        return False
    if now.value is not None and now.stored_ms > fetched.stored_ms:
        return False
    tx.put(CACHE, fetched)
    return True


def drop(tx: Transaction) -> None:
    """Whoever changes the account, or finds it changed, calls this in its transaction."""
    for strategy in STRATEGIES:
        row = entry(tx, strategy.key)
        tx.put(CACHE, replace(row, value=None, generation=row.generation + 1))


def count(tx: Transaction, counts: Counts) -> None:
    for key in counts.hits | counts.misses:
        row = tx.get(CACHE_COUNTS, key) or CacheCountRow(key, hits=0, misses=0)
        hits, misses = row.hits + counts.hits[key], row.misses + counts.misses[key]
        tx.put(CACHE_COUNTS, CacheCountRow(key, hits, misses))


def figures(reader: Reader, now: int) -> CacheFigures:
    """As they are at `now` (ms)."""
    counted = {row.key: row for row in reader.find(CACHE_COUNTS)}
    fresh = []
    for strategy in STRATEGIES:
        row = entry(reader, strategy.key)
        if row.value is not None and strategy.is_fresh(row.stored_ms, now):
            hits = counted[row.key].hits if row.key in counted else 0
            age = (now - row.stored_ms) / 1000
            fresh.append(CacheEntry(row.key, hits, age, strategy.ttl - age))
    return CacheFigures(
        cache_hits=sum(row.hits for row in counted.values()),
        cache_misses=sum(row.misses for row in counted.values()),
        entries=tuple(fresh),
        ttls={strategy.key: strategy.ttl for strategy in STRATEGIES},
    )
