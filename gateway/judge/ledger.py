"""What was counted for each route, hour by hour, as the judge reads it.

Hours that are over do not change: what the judge made of them is kept, and only the rest is read anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.judge.evidence import Segment, Watch, Worse, interval
from gateway.routes import SPACE
from gateway.store.evidence import HOUR, KEPT, Row
from gateway.store.standings import Standing
from gateway.words import Signal, Stack

EVENTS: Final = {Signal.ERROR: "error", Signal.CLIENT_ERROR: "client_error", Signal.SLOW: "slow"}
LATE: Final = 1  # hours that may still change, beside the one that is
_BASELINE: Final = 24  # hours of legacy's that a modern alone is held against
Key = tuple[int, int]  # hour and version


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


@dataclass(slots=True)
class _Folded:
    """What the judge made of a route's hours that are over."""

    last: Key = (-1, -1)
    watch: Watch = field(default_factory=Watch)


class Ledger:
    """All routes'."""

    def __init__(self) -> None:
        self._tallies: dict[str, dict[Key, Tally]] = {}
        self._folded: dict[tuple[str, Signal], _Folded] = {}
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
            self._folded.clear()
        if hour != self._hour:
            self._drop(hour - KEPT)
        self._hour, self._wanted = hour, 0 if set_back else max(0, hour - LATE)
        for row in rows:
            tallies = self._tallies.setdefault(row.route, {})
            key = row.hour, row.version
            tally = tallies.setdefault(key, Tally(row.version, row.hour, row.split))
            tally.rows[Stack(row.stack)] = row

    def tallies(self, route: str, *, since: int | None = None) -> list[Tally]:
        """The route's, in their order; those that are evidence, or all since a version."""
        if since is None:
            standing = self._standings.get(route)
            since = standing.since if standing else 0
        found = self._tallies.get(route, {})
        return [found[key] for key in sorted(found) if key[1] >= since]

    def worse(self, route: str, signal: Signal, alpha: float) -> Worse:
        """All the evidence that modern is worse."""
        folded = self._folded.setdefault((route, signal), _Folded())
        later = [t for t in self._compared(route) if (t.hour, t.version) > folded.last]
        over = self._hour - LATE
        while later and later[0].hour < over:
            tally = later.pop(0)
            folded.watch.add(tally.segment(signal))
            folded.last = tally.hour, tally.version
        watch = folded.watch.copy()
        for tally in later:
            watch.add(tally.segment(signal))
        return watch.said(alpha)

    def worse_lately(self, route: str, signal: Signal, alpha: float) -> Worse:
        """The evidence of this hour and the one before: for what may recover."""
        watch = Watch()
        for tally in self._compared(route):
            if tally.hour >= self._hour - LATE:
                watch.add(tally.segment(signal))
        return watch.said(alpha)

    def segments(self, route: str, signal: Signal) -> list[Segment]:
        return [tally.segment(signal) for tally in self._compared(route)]

    def baseline(self, route: str) -> Baseline | None:
        """Legacy's last hours, None if it was never asked."""
        asked = [t for t in self.tallies(route, since=0) if t.count(Stack.LEGACY, "requests")]
        if not asked:
            return None
        last = [tally for tally in asked if tally.hour > asked[-1].hour - _BASELINE]
        requests = sum(tally.count(Stack.LEGACY, "requests") for tally in last)
        events = sum(tally.count(Stack.LEGACY, "error") for tally in last)
        return Baseline(interval(events, requests)[1], requests, asked[-1].hour)

    def last_good(self, route: str, split: int) -> int:
        """The split below this one under which the route was asked last, 0 if there was none."""
        lower = (t.split for t in reversed(self.tallies(route, since=0)) if t.split < split)
        return next(lower, 0)

    def last_asked(self, route: str, stack: Stack) -> float:
        """Since when the stack was not asked: the end of the last hour in which it was."""
        asked = (
            t.hour for t in reversed(self.tallies(route, since=0)) if t.count(stack, "requests")
        )
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

    def _compared(self, route: str) -> Iterator[Tally]:
        return (tally for tally in self.tallies(route) if tally.compares)

    def _drop(self, first: int) -> None:
        """What is older than this hour, as the store does."""
        for tallies in self._tallies.values():
            for key in [key for key in tallies if key[0] < first]:
                del tallies[key]

    def _forget(self, route: str) -> None:
        """Its evidence begins anew; an acknowledgement has deleted some of what was counted before."""
        for signal in EVENTS:
            self._folded.pop((route, signal), None)
        self._tallies.pop(route, None)
        self._wanted = 0  # all is read once more
