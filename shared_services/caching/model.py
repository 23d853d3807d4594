"""What is kept for some seconds, and what is told of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from shared_services.exchange.model import Balance
from shared_services.positions.model import Position

MOST_ACCESSED: Final = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Strategy(Generic[T]):
    """Lists of `row`, kept for `ttl` seconds."""

    key: str
    row: type[T]
    ttl: int

    def is_fresh(self, stored_ms: int, now: int) -> bool:
        """Not from the future either: clocks are set back."""
        return 0 <= now - stored_ms < self.ttl * 1000


BALANCES: Final = Strategy("balances", Balance, ttl=30)
POSITIONS: Final = Strategy("positions", Position, ttl=20)
STRATEGIES: Final[tuple[Strategy[Balance], Strategy[Position]]] = (BALANCES, POSITIONS)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One that is fresh; `access_count` is how often its key was found."""

    key: str
    access_count: int
    age_seconds: float
    remaining_ttl: float


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """Of all processes since the store exists; `cache_hit_rate` in percent."""

    cache_hits: int
    cache_misses: int
    entries: tuple[CacheEntry, ...]
    ttls: Mapping[str, int]

    @property
    def most_accessed(self) -> tuple[CacheEntry, ...]:
        """At most 10, most accesses first."""
        ranked = sorted(self.entries, key=lambda one: (-one.access_count, one.key))
        return tuple(ranked[:MOST_ACCESSED])

    @property
    def total_requests(self) -> int:
        return self.cache_hits + self.cache_misses

    @property
    def total_entries(self) -> int:
        return len(self.entries)

    @property
    def cache_hit_rate(self) -> float:
        asked = self.total_requests
        return self.cache_hits / asked * 100 if asked else 0.0
