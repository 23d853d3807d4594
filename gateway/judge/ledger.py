"""What was counted for each route, hour by hour, as the judge reads it.

Hours that are over do not change: what the judge made of them is kept, and only the rest is read anew.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final, Generic, Protocol, Self, TypeVar

from gateway.judge.evidence import NotWorse, Proof, Segment, Watch, Worse, interval
from gateway.routes import SPACE
from gateway.store.evidence import HOUR, KEPT, Row
from gateway.store.standings import Standing
from gateway.words import Signal, Stack

EVENTS: Final = {Signal.ERROR: "error", Signal.CLIENT_ERROR: "client_error", Signal.SLOW: "slow"}
LATE: Final = 1  # hours that may still change, beside the one that is
_BASELINE: Final = 24  # hours of legacy's that a modern alone is held against
Key = tuple[int, int]  # hour and version
_FIRST: Final = -1, -1


@dataclass(slots=True)
class Tally:
    """One route under one version in one hour: both stacks."""

    version: int
    hour: int  # since 1970
    split: int  # buckets
    rows: dict[Stack, Row] = field(default_factory=dict)

    def count(self, stack: Stack, column: str) -> int:
        row = self.rows.get(stack)
        return 0 if row is None else int(getattr(row, column))

    def segment(self, signal: Signal) -> Segment:
        column = EVENTS[signal]
        return Segment(
            self.split / SPACE,
            self.count(Stack.LEGACY, "requests"),
            self.count(Stack.MODERN, "requests"),
            self.count(Stack.LEGACY, column),
            self.count(Stack.MODERN, column),
        )

    @property
    def compares(self) -> bool:
        """Both stacks had a share: there is a baseline."""
        return 0 < self.split < SPACE


@dataclass(frozen=True, slots=True)
class Baseline:
    """What legacy's rate of errors was when it was last asked: an upper bound of it."""

    rate: float
    requests: int
    hour: int  # of the last of them


class _Gathers(Protocol):
    """Takes segments one by one, and can be continued."""

    def add(self, segment: Segment) -> None: ...
    def copy(self) -> Self: ...


G = TypeVar("G", bound=_Gathers)


@dataclass(slots=True)
class _Folded(Generic[G]):
    """What the judge made of a route's hours that are over."""

    made: G
    last: Key = _FIRST


@dataclass(slots=True)
class _Shelf:
    """A route's tallies in their order."""

    tallies: dict[Key, Tally] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)

    def tally(self, row: Row) -> Tally:
        key = row.hour, row.version
        if key not in self.tallies:
            self.tallies[key] = Tally(row.version, row.hour, row.split)
            insort(self.keys, key)
        return self.tallies[key]

    def after(self, key: Key) -> Iterator[Tally]:
        for at in range(bisect_right(self.keys, key), len(self.keys)):
            yield self.tallies[self.keys[at]]

    def backwards(self) -> Iterator[Tally]:
        return (self.tallies[key] for key in reversed(self.keys))

    def drop(self, first: int) -> None:
        """What is older than this hour."""
        old = bisect_left(self.keys, (first, -1))
        for key in self.keys[:old]:
            del self.tallies[key]
        del self.keys[:old]


class Ledger:
    """All routes'."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._watches: dict[tuple[str, Signal], _Folded[Watch]] = {}
        self._proofs: dict[tuple[str, float], _Folded[Proof]] = {}
        self._standings: Mapping[str, Standing] = {}
        self._hour = 0  # the newest that was read
        self._wanted = 0

    @property
    def wanted(self) -> int:
        """The first hour that has to be read again; 0: all."""
        return self._wanted

    def standing(self, standings: Mapping[str, Standing]) -> None:
        """Where evidence begins; what is `wanted` may be more after that."""
        for route in {*standings, *self._standings}:
            if standings.get(route) != self._standings.get(route):
                self._forget(route)
        self._standings = dict(standings)

    def update(self, rows: Iterable[Row], hour: int) -> None:
        """`rows` are all from the hour `wanted` on; `hour` is now."""
        set_back = hour < self._hour
        if set_back:  # hours that were over may not be
            self._watches.clear()
            self._proofs.clear()
        if hour != self._hour:
            for shelf in self._shelves.values():
                shelf.drop(hour - KEPT)  # as the store does
        self._hour, self._wanted = hour, 0 if set_back else max(0, hour - LATE)
        for row in rows:
            self._shelves.setdefault(row.route, _Shelf()).tally(row).rows[Stack(row.stack)] = row

    def tallies(self, route: str, *, since: int | None = None) -> list[Tally]:
        """The route's, in their order; those that are evidence, or all since a version."""
        since = self._since(route) if since is None else since
        return [tally for tally in self._shelf(route).after(_FIRST) if tally.version >= since]

    def worse(self, route: str, signal: Signal, alpha: float) -> Worse:
        """All the evidence that modern is worse."""
        folded = self._watches.setdefault((route, signal), _Folded(Watch()))
        return self._gathered(route, signal, folded).said(alpha)

    def not_worse(self, route: str, margin: float, *, ahead: bool) -> NotWorse:
        """All the evidence that modern has less than `margin` times as many errors."""
        folded = self._proofs.setdefault((route, margin), _Folded(Proof(margin)))
        return self._gathered(route, Signal.ERROR, folded).said(ahead=ahead)

    def worse_lately(self, route: str, signal: Signal, alpha: float) -> Worse:
        """The evidence of this hour and the one before: for what may recover."""
        watch = Watch()
        for tally in self._compared(route, (self._hour - LATE, -1)):
            watch.add(tally.segment(signal))
        return watch.said(alpha)

    def baseline(self, route: str) -> Baseline | None:
        """Legacy's last hours, None if it was never asked."""
        asked = (t for t in self._shelf(route).backwards() if t.count(Stack.LEGACY, "requests"))
        newest = next(asked, None)
        if newest is None:
            return None
        last = [newest, *takewhile(lambda tally: tally.hour > newest.hour - _BASELINE, asked)]
        requests = sum(tally.count(Stack.LEGACY, "requests") for tally in last)
        events = sum(tally.count(Stack.LEGACY, "error") for tally in last)
        return Baseline(interval(events, requests)[1], requests, newest.hour)

    def last_good(self, route: str, split: int) -> int:
        """The split below this one under which the route was asked last, 0 if there was none."""
        return next((t.split for t in self._shelf(route).backwards() if t.split < split), 0)

    def last_asked(self, route: str, stack: Stack) -> float:
        """Since when the stack was not asked: the end of the last hour in which it was."""
        asked = (t.hour for t in self._shelf(route).backwards() if t.count(stack, "requests"))
        return (next(asked, -1) + 1) * float(HOUR)

    def totals(
        self, route: str, *, since: int | None = None, compared: bool = False
    ) -> dict[Stack, dict[str, int]]:
        """Requests, failures and events of both stacks; `compared`: while both had a share."""
        columns = ("requests", "failures", *EVENTS.values())
        found = {stack: dict.fromkeys(columns, 0) for stack in Stack}
        for tally in self.tallies(route, since=since):
            for stack, total in found.items() if tally.compares or not compared else ():
                for column in columns:
                    total[column] += tally.count(stack, column)
        return found

    def _gathered(self, route: str, signal: Signal, folded: _Folded[G]) -> G:
        """What is made of all that is evidence; the hours that are over are folded."""
        over = self._hour - LATE
        made = folded.made
        for tally in self._compared(route, folded.last):
            if tally.hour < over:
                folded.last = tally.hour, tally.version
            elif made is folded.made:
                made = folded.made.copy()
            made.add(tally.segment(signal))
        return made

    def _compared(self, route: str, after: Key) -> Iterator[Tally]:
        since = self._since(route)
        return (t for t in self._shelf(route).after(after) if t.compares and t.version >= since)

    def _since(self, route: str) -> int:
        standing = self._standings.get(route)
        return standing.since if standing else 0

    def _shelf(self, route: str) -> _Shelf:
        return self._shelves.get(route) or _Shelf()

    def _forget(self, route: str) -> None:
        """Its evidence begins anew; an acknowledgement has deleted some of what was counted before."""
        self._watches = {key: one for key, one in self._watches.items() if key[0] != route}
        self._proofs = {key: one for key, one in self._proofs.items() if key[0] != route}
        self._shelves.pop(route, None)
        self._wanted = 0  # all is read once more
