"""What a worker saw for and against each stack, to be told to the store each second.

Only what the split decided is evidence, while its route's breaker is closed. A client that left is none.
The same event of the same client counts once a minute: a client that comes again and again does not
make an error likelier.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from time import monotonic
from typing import Final, NamedTuple

from gateway.breakers import CLIENT_LEFT
from gateway.exchange import Exchange
from gateway.faults import CUT, NOBODYS, UNREACHABLE, WORDS
from gateway.observe.metrics import EVENTS, EVIDENCE_DROPPED
from gateway.observe.slowness import Slowness
from gateway.store.evidence import ONCE, Count, Event, Sighting
from gateway.words import Reason, Signal, Stack

RESTART: Final = 30.0  # seconds in which nobody listens that are taken for a restart
EVENTS_KEPT: Final = 10_000  # that wait for the store, as a worker's memory allows
SIGHTINGS_KEPT: Final = 500
_VERSIONS: Final = 4  # whose splits are known: requests may be old
_BATCH: Final = 64  # exchanges
_SLOW_EVERY: Final = 10  # ticks between two looks at what is slow
_EXPLAINED: Final = frozenset({401, 404, 429, CLIENT_LEFT})  # what clients bring upon themselves


class Batch(NamedTuple):
    """What is to be told."""

    counts: list[Count]
    events: list[Event]
    sightings: list[Sighting]


class Evidence:
    """One worker's observer; `late` is when its loop was late last, by `clock`."""

    def __init__(self, late: Callable[[], float], clock: Callable[[], float] = monotonic) -> None:
        self._late, self._clock = late, clock
        self._exchanges: list[Exchange] = []
        self._splits: dict[int, Mapping[str, int]] = {}  # by version, and route
        self._counts: dict[tuple[str, int, Stack], list[int]] = {}  # requests and failures
        self._events: list[Event] = []
        self._sightings: dict[tuple[str, Stack, str, str], int] = {}
        self._once: dict[str, float] = {}  # digest → when it counted
        self._gone: dict[Stack, float] = {}  # since when nobody listens
        self._slowness = Slowness(clock)
        self._ticks = 0

    def renew(self, version: int, splits: Mapping[str, int]) -> None:
        """A plan is in force: the buckets of modern's, by route."""
        self._splits[version] = splits
        while len(self._splits) > _VERSIONS:
            del self._splits[next(iter(self._splits))]

    def observe(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        if len(self._exchanges) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Counts what waits."""
        exchanges, self._exchanges = self._exchanges, []
        for exchange in exchanges:
            if exchange.fault:
                self._sight(exchange)
            if exchange.decision.reason is Reason.SPLIT and not exchange.tripped:
                self._count(exchange)

    def tick(self) -> None:
        """A second has passed."""
        self._ticks += 1
        now = self._clock()
        self._once = {digest: at for digest, at in self._once.items() if now - at < ONCE}
        if self._ticks % _SLOW_EVERY == 0:
            self._slowness.tick()

    def saw_lag(self, route: str, stack: Stack, what: str) -> None:
        """A stack held the loop up."""
        self._add_sighting((route, stack, "lag", what))

    def take(self) -> Batch:
        """What there is to tell since the last time."""
        self.flush()
        counts = [
            Count(route, version, stack.value, self._splits[version][route], requests, failures)
            for (route, version, stack), (requests, failures) in self._counts.items()
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
            if count.route in self._splits.get(count.version, ()):
                row = self._row(count.route, count.version, Stack(count.stack))
                row[0] += count.requests
                row[1] += count.failures
        room = EVENTS_KEPT - len(self._events)
        self._events = [*batch.events[:room], *self._events]
        EVIDENCE_DROPPED.inc(max(0, len(batch.events) - room))
        for one in batch.sightings:
            self._add_sighting((one.route, Stack(one.stack), one.kind, one.what), one.count)

    def _count(self, exchange: Exchange) -> None:
        splits = self._splits.get(exchange.plan_version, {})
        left = exchange.status == CLIENT_LEFT and not exchange.failed
        if left or exchange.route not in splits:
            return
        stack = exchange.decision.stack
        row = self._row(exchange.route, exchange.plan_version, stack)
        row[0] += 1
        if exchange.error:
            row[1] += 1
            self._failed(exchange)
        else:
            self._gone.pop(stack, None)
            self._answered(exchange)
        if stack is Stack.LEGACY:
            self._slowness.learn(exchange.route, exchange.seconds)

    def _row(self, route: str, version: int, stack: Stack) -> list[int]:
        return self._counts.setdefault((route, version, stack), [0, 0])

    def _failed(self, exchange: Exchange) -> None:
        stack, fault = exchange.decision.stack, exchange.fault
        if fault == UNREACHABLE:
            began = self._gone.setdefault(stack, self._clock())
            if self._clock() - began < RESTART:
                return
        else:
            self._gone.pop(stack, None)
        # One stack that goes away in the middle of many requests is one event.
        who = "" if fault in {CUT, UNREACHABLE} else str(exchange.decision.bucket)
        self._event(exchange, Signal.ERROR, who, fault or str(exchange.failed or exchange.status))

    def _answered(self, exchange: Exchange) -> None:
        status, who = exchange.status, str(exchange.decision.bucket)
        if 400 <= status < 500 and status not in _EXPLAINED and exchange.fault != NOBODYS:
            self._event(exchange, Signal.CLIENT_ERROR, who, str(status))
        if exchange.seconds > self._slowness.threshold(exchange.route) and not self._excused(
            exchange
        ):
            self._event(exchange, Signal.SLOW, who, "")

    def _excused(self, exchange: Exchange) -> bool:
        """The loop was late meanwhile: the process was paused, or another request held it up."""
        return self._clock() - self._late() < exchange.seconds + 1.0

    def _event(self, exchange: Exchange, signal: Signal, who: str, what: str) -> None:
        text = "\0".join((exchange.route, signal, who, what))
        digest = blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()
        now = self._clock()
        if now - self._once.get(digest, -ONCE) < ONCE:
            return
        self._once[digest] = now
        version, stack = exchange.plan_version, exchange.decision.stack
        EVENTS.labels(exchange.route, stack, signal).inc()
        if len(self._events) >= EVENTS_KEPT:
            EVIDENCE_DROPPED.inc()
            return
        split = self._splits[version][exchange.route]
        self._events.append(
            Event(digest, exchange.route, version, stack.value, split, signal.value)
        )

    def _sight(self, exchange: Exchange) -> None:
        """An exception, whatever sent the request here."""
        if exchange.error and exchange.fault not in WORDS:
            key = exchange.route, exchange.decision.stack, "exception", exchange.fault
            self._add_sighting(key)

    def _add_sighting(self, key: tuple[str, Stack, str, str], count: int = 1) -> None:
        if key in self._sightings or len(self._sightings) < SIGHTINGS_KEPT:
            self._sightings[key] = self._sightings.get(key, 0) + count
        else:
            EVIDENCE_DROPPED.inc()
