"""Who was seen lately: per route a sample of buckets, which tells how many clients a split would move.

A bucket stands for a client. Bottom-k: all buckets stand in one fixed order, and a route keeps the first
512 of it that it saw. So every interval of buckets has its share in the sample, and the samples of many
workers are united without counting anybody twice.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p
from reprlib import repr as shortened
from time import monotonic
from typing import Final, TypedDict

from gateway.observe.batches import Batches, Counting, Group
from gateway.routes import SPACE

KEPT: Final = 512  # buckets of a route; the standard error of an estimate of all clients is 4 %
ROUTES: Final = 2000  # what comes on others is counted nowhere
TURN: Final = 900.0  # seconds of a generation; a sample covers the last one or two
PUBLISHED: Final = 16_384  # buckets of all routes in one document, about 100 kB of JSON
_SPARE: Final = 128  # a sketch is cut once per so many: that costs less than to find each largest
_MIX: Final = 61_803  # SPACE / golden ratio
_UNMIX: Final = pow(_MIX, -1, SPACE)


def place_of(bucket: int) -> int:
    """The bucket's place in the fixed order, 0 to SPACE - 1, each taken once: _MIX and SPACE are coprime.

    By the golden ratio (Knuth, The Art of Computer Programming 6.4) the first places hold of every
    interval of buckets its share, give or take two or three. With other factors it may be a quarter off.
    """
    return (bucket + 1) * _MIX % SPACE


class SampleDocument(TypedDict):
    """A sample as JSON."""

    buckets: list[int]
    limit: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The buckets seen whose places are below `limit`, all of them and no other, ascending."""

    buckets: tuple[int, ...] = ()
    limit: int = SPACE

    @property
    def exact(self) -> bool:
        """No bucket was left out."""
        return self.limit == SPACE

    @property
    def weight(self) -> float:
        """How many clients each bucket here stands for.

        Each stands for SPACE / limit buckets that were seen (Bar-Yossef et al. 2002; unbiased where the
        limit is the first place left out: Beyer et al. 2007). Where a share q of all buckets was seen,
        one of them has -ln(1 - q) / q clients (linear counting: Whang et al. 1990). With every bucket
        seen that has no upper end: one is taken as not seen, and the number is a lower bound.
        """
        seen = min(len(self.buckets), self.limit - 1) / self.limit
        return SPACE / self.limit * (-log1p(-seen) / seen if seen else 1.0)

    def clients(self, low: int = 0, high: int = SPACE) -> int:
        """About how many clients were seen in the buckets [low, high)."""
        found = bisect_left(self.buckets, high) - bisect_left(self.buckets, low)
        return round(found * self.weight)


Samples = dict[str, Sample]  # by route


def union(samples: Iterable[Sample]) -> Sample:
    """Below the smallest limit all samples are complete, and so is their union (theta sketches:
    Dasgupta et al. 2016)."""
    samples = list(samples)
    limit = min((sample.limit for sample in samples), default=SPACE)
    found: set[int] = set()
    for sample in samples:
        if sample.limit == limit:
            found.update(sample.buckets)
        else:
            found.update(bucket for bucket in sample.buckets if place_of(bucket) < limit)
    return Sample(tuple(sorted(found)), limit)


def merged(workers: Iterable[Samples]) -> Samples:
    """What all workers saw, by route."""
    by_route: dict[str, list[Sample]] = {}
    for samples in workers:
        for route, sample in samples.items():
            by_route.setdefault(route, []).append(sample)
    return {route: union(found) for route, found in by_route.items()}


def read_samples(document: object) -> Samples:
    """What `Recent.document` made, from JSON. Raises ValueError for anything else."""
    match document:
        case dict():
            return {str(route): _read(str(route), value) for route, value in document.items()}
        case _:
            raise ValueError(f"samples are a mapping by route, not {type(document).__name__}")


def _read(route: str, value: object) -> Sample:
    match value:
        case {"buckets": list(buckets), "limit": int(limit)} if 1 <= limit <= SPACE and all(
            _below(limit, bucket) for bucket in buckets
        ):
            return Sample(tuple(sorted(set(buckets))), limit)
        case _:
            raise ValueError(
                f"the sample of {route!r} needs a `limit` from 1 to {SPACE} and `buckets` whose places "
                f"are below it, not {shortened(value)}"
            )


def _below(limit: int, bucket: object) -> bool:
    return type(bucket) is int and 0 <= bucket < SPACE and place_of(bucket) < limit


@dataclass(slots=True)
class _Sketch:
    """The places seen in one generation: all that are below `limit`, and maybe some above."""

    kept: set[int] = field(default_factory=set)
    limit: int = SPACE

    def add(self, place: int) -> None:
        self.kept.add(place)
        if len(self.kept) > KEPT + _SPARE:
            order = sorted(self.kept)
            self.limit = order[KEPT]  # before `kept`: see Recent.document
            self.kept = set(order[:KEPT])


class Recent(Counting):
    """Samples the buckets seen in this generation and in the one before.

    A route takes 50 kB where it has more than 300 clients, 5 kB where it has 50: 100 MB for ROUTES
    routes that are all busy.
    """

    def __init__(
        self, clock: Callable[[], float] = monotonic, batches: Batches | None = None
    ) -> None:
        super().__init__(batches)
        self._clock = clock
        self._since = clock()
        self._now: dict[str, _Sketch] = {}
        self._before: dict[str, tuple[array[int], int]] = {}  # places and limit
        self._made_with: Mapping[str, object] = {}

    def count(self, groups: Sequence[Group]) -> None:
        for group in groups:
            route = group.first.route
            sketch = self._now.get(route) or self._begin(route)
            for exchange in group.exchanges:
                place = (exchange.decision.bucket + 1) * _MIX % SPACE  # place_of, without the call
                if place < sketch.limit and place not in sketch.kept:
                    sketch.add(place)

    def tick(self) -> None:
        """Turns the generations when it is time; the worker calls it each second."""
        self.flush()
        turns = int((self._clock() - self._since) / TURN)
        for _ in range(min(turns, 2)):
            self._before = {
                route: (array("I", sketch.kept), sketch.limit)
                for route, sketch in self._now.items()
            }
            self._now = {}
        self._since += turns * TURN

    def renew(self, made_with: Mapping[str, object]) -> None:
        """A new plan: forgets every route that is gone, or whose clients have other buckets from now on.

        `made_with` names for each route, `unmatched` too, what its buckets are made with: the cohort's
        key and what a unit is. It is kept, and compared for equality with what the last plan said.
        """
        self.flush()
        before, self._made_with = self._made_with, made_with
        for route in {*self._now, *self._before}:
            if route not in made_with or made_with[route] != before.get(route):
                self._now.pop(route, None)
                self._before.pop(route, None)

    def document(self) -> dict[str, SampleDocument]:
        """The samples as JSON, of PUBLISHED buckets at most: where they are more, the largest are cut.

        It takes 0.25 ms for each busy route, and may be made in another thread while the loop observes:
        what has come since the last `tick` may be missing.
        """
        # In this order: what a turn moves meanwhile is read twice rather than not at all.
        now, before = self._now, self._before
        found = {route: _united(now.get(route), before.get(route)) for route in {*now, *before}}
        most = _most(sorted(len(places) for places, _ in found.values()))
        return {route: _document(*found[route], most) for route in sorted(found) if found[route][0]}

    def _begin(self, route: str) -> _Sketch:
        if len(self._now) >= ROUTES:
            return _Sketch(limit=0)  # below it is nothing to keep
        return self._now.setdefault(route, _Sketch())


def _united(now: _Sketch | None, before: "tuple[array[int], int] | None") -> tuple[list[int], int]:
    """The places of both generations below the smaller limit, in order, and that limit."""
    # The copy before the limit: cut in between, the limit is the one that fits both.
    places = set(now.kept) if now else set[int]()
    limit = now.limit if now else SPACE
    if before is not None:
        places.update(before[0])
        limit = min(limit, before[1])
    return sorted(place for place in places if place < limit), limit


def _most(lengths: list[int]) -> int:
    """The most that a sample may hold so that all of these lengths, ascending, fit into a document."""
    room = PUBLISHED
    for at, length in enumerate(lengths):
        others = len(lengths) - at
        if min(length, KEPT) * others > room:
            return room // others
        room -= min(length, KEPT)
    return KEPT


def _document(places: list[int], limit: int, most: int) -> SampleDocument:
    buckets = sorted((place * _UNMIX - 1) % SPACE for place in places[:most])
    return {"buckets": buckets, "limit": places[most] if len(places) > most else limit}
