"""What the cache keeps in the store. Times in ms since 1970 UTC."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class CacheRow:
    """`value` is JSON, None once it was dropped; `generation` counts the drops."""

    key: str
    value: str | None
    stored_ms: int
    generation: int


@dataclass(frozen=True, slots=True)
class CacheCountRow:
    """How often `key` was found and missed since the store exists."""

    key: str
    hits: int
    misses: int


CACHE: Final = Table("cache_entries", CacheRow, key=("key",))
CACHE_COUNTS: Final = Table("cache_counts", CacheCountRow, key=("key",))
