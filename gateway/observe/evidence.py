"""What a worker saw for and against each stack, to be told to the store each second.

Only what the split decided is evidence, while its route's breaker would let modern have it. A client that
left is none.
The same event of the same client counts once a minute: a client that comes again and again does not
make an error likelier.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from time import monotonic
from typing import Final, NamedTuple

from gateway.breakers import CLIENT_LEFT
from gateway.exchange import Exchange
from gateway.faults import CUT, NOBODYS, UNREACHABLE, WORDS
from gateway.observe.batches import Batches, Counting, Group
from gateway.observe.metrics import EVENTS, EVIDENCE_DROPPED
from gateway.observe.slowness import Slowness
from gateway.store.evidence import ONCE, SHADOW, Count, Event, Sighting
from gateway.words import Reason, Signal, Stack

RESTART: Final = 30.0  # seconds in which nobody listens that are taken for a restart
EVENTS_KEPT: Final = 10_000  # that wait for the store, as a worker's memory allows
SIGHTINGS_KEPT: Final = 500
COUNTS_KEPT: Final = 10_000
REMEMBERED: Final = 20_000  # events of the last minute; a client may call itself what it likes
_VERSIONS: Final = 4  # whose splits are known: requests may be old
_SLOW_EVERY: Final = 10  # ticks between two looks at what is slow
_EXPLAINED: Final = frozenset({401, 404, 429, CLIENT_LEFT})  # what clients bring upon themselves


class Batch(NamedTuple):
    """What is to be told."""

    counts: list[Count]
    events: list[Event]
    sightings: list[Sighting]


class Evidence(Counting):
    """One worker's observer; `late` is when its loop was late last, by `clock`. An event counts `once` in so
    many seconds.
    """

    def __init__(
        self,
        late: Callable[[], float],
        clock: Callable[[], float] = monotonic,
        batches: Batches | None = None,
        once: float = ONCE,
    ) -> None:
        super().__init__(batches)
        self._late, self._clock, self._counts_once = late, clock, once  # seconds
        self._splits: dict[int, Mapping[str, int]] = {}  # by version, and route
        self._counts: dict[tuple[str, int, Stack, int], list[int]] = {}  # requests and failures
        self._events: list[Event] = []
        self._sightings: dict[tuple[str, Stack, str, str], int] = {}
        self._once: OrderedDict[str, float] = OrderedDict()  # digest → when it counted
        self._gone: dict[Stack, float] = {}  # since when nobody listens
        self._slowness = Slowness(clock)
        self._ticks = 0
        self._counted = clock()  # what waits has ended since

    def renew(self, version: int, splits: Mapping[str, int]) -> None:
        """A plan is in force: the buckets of modern's, by route."""
        self.flush()  # what waits was decided by splits that may be forgotten now
        self._splits.pop(version, None)
        self._splits[version] = splits
        while len(self._splits) > _VERSIONS:
            del self._splits[next(iter(self._splits))]

    def count(self, groups: Sequence[Group]) -> None:
        for group in groups:
            one = group.first
            if one.fault:
                self._sight(group)
            if one.fault == NOBODYS or _left(one):
                continue
            if one.decision.reason is Reason.SPLIT and not one.barred:
                self._count(group)
            if not _unreachable(one):
                self._gone.pop(one.decision.stack, None)
        self._counted = self._clock()

    def tick(self) -> None:
        """A second has passed."""
        self._ticks += 1
        if self._ticks % _SLOW_EVERY == 0:
            self._slowness.tick()

    def saw_lag(self, route: str, stack: Stack, what: str) -> None:
        """A stack held the loop up."""
        self._add_sighting((route, stack, "lag", what))

    def saw_shadow(self, route: str, outcome: str, difference: str) -> None:
        """What came of asking the other stack too, and where modern did not answer as legacy did."""
        self._add_sighting((route, Stack.MODERN, SHADOW, outcome))
        if difference:
            self._add_sighting((route, Stack.MODERN, "difference", difference))

    def take(self) -> Batch:
        """What there is to tell since the last time."""
        self.flush()
        self._counted = self._clock()
        counts = [
            Count(route, version, stack.value, split, requests, failures)
            for (route, version, stack, split), (requests, failures) in self._counts.items()
        ]
        sightings = [
            Sighting(route, stack.value, kind, what, count)
            for (route, stack, kind, what), count in self._sightings.items()
        ]
        batch = Batch(counts, self._events, sightings)
        self._counts, self._events, self._sightings = {}, [], {}
        return batch

    def put_back(self, batch: Batch) -> None:
        """The store did not take it: it is told next time, as far as there is room."""
        for count in batch.counts:
            key = count.route, count.version, Stack(count.stack), count.split
            if key in self._counts or len(self._counts) < COUNTS_KEPT:
                self._add_count(key, count.requests, count.failures)
            else:
                EVIDENCE_DROPPED.inc()
        room = EVENTS_KEPT - len(self._events)
        self._events = [*batch.events[:room], *self._events]
        EVIDENCE_DROPPED.inc(max(0, len(batch.events) - room))
        for one in batch.sightings:
            self._add_sighting((one.route, Stack(one.stack), one.kind, one.what), one.count)

    def _count(self, group: Group) -> None:
        one, requests = group.first, len(group.exchanges)
        route, version, stack = one.route, one.plan_version, one.decision.stack
        split = self._splits.get(version, {}).get(route)
        if split is None:
            return
        self._add_count((route, version, stack, split), requests, requests if one.error else 0)
        if one.error:
            for exchange in group.exchanges:
                self._failed(exchange, split)
        else:
            self._answered(group, split)

    def _add_count(self, key: tuple[str, int, Stack, int], requests: int, failures: int) -> None:
        row = self._counts.setdefault(key, [0, 0])
        row[0] += requests
        row[1] += failures

    def _failed(self, exchange: Exchange, split: int) -> None:
        fault = exchange.fault
        if _unreachable(exchange):
            began = self._gone.setdefault(exchange.decision.stack, self._clock())
            if self._clock() - began < RESTART:
                return
        # One stack that goes away in the middle of many requests is one event.
        who = "" if fault in {CUT, UNREACHABLE} else str(exchange.decision.bucket)
        what = fault or str(exchange.failed or exchange.status)
        self._event(exchange, split, Signal.ERROR, f"{who} {what}")

    def _answered(self, group: Group, split: int) -> None:
        """What is excused teaches nothing either."""
        one = group.first
        if 400 <= one.status < 500 and one.status not in _EXPLAINED:
            for exchange in group.exchanges:
                what = f"{exchange.decision.bucket} {exchange.status}"
                self._event(exchange, split, Signal.CLIENT_ERROR, what)
        # The loop was late meanwhile: the process was paused, or another request held it up.
        since = self._counted - self._late()  # seconds
        threshold = self._slowness.threshold(one.route)
        if max(group.seconds) > threshold:
            for exchange in group.exchanges:
                if threshold < exchange.seconds < since:
                    self._event(exchange, split, Signal.SLOW, f"{exchange.decision.bucket}")
        if one.decision.stack is Stack.LEGACY:
            self._slowness.learn(one.route, [took for took in group.seconds if took < since])

    def _event(self, exchange: Exchange, split: int, signal: Signal, what: str) -> None:
        route, version, stack = exchange.route, exchange.plan_version, exchange.decision.stack
        # With the stack: what legacy does would else hide for a minute that modern does it too.
        text = "\0".join((route, stack, signal, what))
        digest = blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()
        if self._is_known(digest):
            return
        if len(self._events) >= EVENTS_KEPT:
            EVIDENCE_DROPPED.inc()
            return
        self._once[digest] = self._clock()
        if len(self._once) > REMEMBERED:  # what is told twice the store counts once
            self._once.popitem(last=False)
        EVENTS.labels(route, stack, signal).inc()
        self._events.append(Event(digest, route, version, stack.value, split, signal.value))

    def _is_known(self, digest: str) -> bool:
        """It has counted within the minute; forgets what did before."""
        now = self._clock()
        while self._once and now - next(iter(self._once.values())) >= self._counts_once:
            self._once.popitem(last=False)
        return digest in self._once

    def _sight(self, group: Group) -> None:
        """An exception, whatever sent the requests here."""
        one = group.first
        if one.error and one.fault not in WORDS:
            key = one.route, one.decision.stack, "exception", one.fault
            self._add_sighting(key, len(group.exchanges))

    def _add_sighting(self, key: tuple[str, Stack, str, str], count: int = 1) -> None:
        if key in self._sightings or len(self._sightings) < SIGHTINGS_KEPT:
            self._sightings[key] = self._sightings.get(key, 0) + count
        else:
            EVIDENCE_DROPPED.inc()


def _left(exchange: Exchange) -> bool:
    """The client, before the answer began."""
    return exchange.status == CLIENT_LEFT and not exchange.failed


def _unreachable(exchange: Exchange) -> bool:
    return exchange.error and exchange.fault == UNREACHABLE
