"""Exchanges counted 256 at a time, or each second: those that are alike are counted as one.

All observers of a worker share the batches.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Final, Protocol

from gateway.exchange import Exchange

BOUNDS: Final[tuple[float, ...]] = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip  # seconds; a bin holds what is at most its bound, one more holds what is above all
BINS: Final = len(BOUNDS) + 1
_SIZE: Final = 256  # exchanges: the more of them, the more are alike
# What each exchange has for itself.
_OWN: Final = frozenset({"at", "request_id", "path", "decision", "seconds"})
_ALIKE: Final = itemgetter(*(at for at, name in enumerate(Exchange._fields) if name not in _OWN))


class Group:
    """Exchanges that differ in nothing but their time, client, path and duration; one at least.

    `last` is when the latest of them came: they are in the order of their ends, not of their beginnings.
    `bins` says how many took so long, by BOUNDS.
    """

    __slots__ = ("bins", "exchanges", "first", "last", "seconds")

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.exchanges = exchanges
        self.first = exchanges[0]
        self.seconds = [exchange.seconds for exchange in exchanges]
        self.last = max([exchange.at for exchange in exchanges])
        self.bins = bins_of(self.seconds)


class Counter(Protocol):
    """Counts exchanges."""

    def count(self, groups: Sequence[Group]) -> None: ...


class Batches:
    """Collects exchanges for counters; an observer, as they are.

    `failed` hears of a counter that raised: a bug must not cost the others their share.
    """

    def __init__(self, failed: Callable[[object], None] | None = None) -> None:
        self._failed = failed
        self._counters: list[Counter] = []
        self._waiting: list[Exchange] = []

    def add(self, counter: Counter) -> None:
        """It counts from now on."""
        self._counters.append(counter)

    def observe(self, exchange: Exchange) -> None:
        self._waiting.append(exchange)
        if len(self._waiting) >= _SIZE:
            self.flush()

    def flush(self) -> None:
        """Has what waits counted; the worker calls it each second and at its end."""
        if not self._waiting:
            return
        exchanges, self._waiting = self._waiting, []
        groups = grouped(exchanges)
        for counter in self._counters:
            try:
                counter.count(groups)
            except Exception:
                if self._failed is None:
                    raise
                self._failed(counter)


class Counting(ABC):
    """What a counter has in common with others: it observes through batches, its own or shared ones."""

    def __init__(self, batches: Batches | None) -> None:
        batches = batches or Batches()
        batches.add(self)
        self.observe, self.flush = batches.observe, batches.flush

    @abstractmethod
    def count(self, groups: Sequence[Group]) -> None:
        """Adds these."""


def bins_of(seconds: Iterable[float]) -> list[int]:
    """How many there are up to each of BOUNDS, and above all."""
    bins = [0] * BINS
    for one in seconds:
        bins[bisect_left(BOUNDS, one)] += 1
    return bins


def grouped(exchanges: Sequence[Exchange]) -> list[Group]:
    """In the order of the first of each."""
    alike: dict[object, list[Exchange]] = {}
    for exchange in exchanges:
        stack, reason, _ = exchange.decision
        kind = (stack, reason, _ALIKE(exchange))
        same = alike.get(kind)
        if same is None:
            alike[kind] = [exchange]
        else:
            same.append(exchange)
    return [Group(same) for same in alike.values()]
