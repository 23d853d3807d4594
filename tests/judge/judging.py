"""A control plane's judge over a real store: clocks, traffic and people are the test's."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
import sqlalchemy as sa

from gateway.endpoints import Inventory, parse_endpoint
from gateway.judge.bars import bars_of
from gateway.judge.controller import Controller
from gateway.judge.kept import Stored, first
from gateway.judge.look import Reader
from gateway.judge.ramp import Ramp, RampState
from gateway.plan.compile import compile_plan
from gateway.plan.desk import Outcome, PlanDesk
from gateway.plan.document import parse
from gateway.plan.edit import with_rule
from gateway.routes import SPACE
from gateway.settings import Settings
from gateway.store.audit import Act, Line
from gateway.store.database import Database
from gateway.store.evidence import Count, Event, Sighting
from gateway.store.notices import Notice
from gateway.store.opening import Store, open_store
from gateway.store.workers import ALIVE
from gateway.words import Stack
from tests.store.acts import beat

A, B, C = ROUTES = "GET /a", "GET /b", "POST /c"
PERCENT: Final = SPACE // 100  # buckets
HOLD: Final = 1800.0  # seconds
STEPS: Final = (1, 5, 25, 50, 100)  # percent
PERSON: Final = Act("cli:ann", "laptop", "plan.shift", A, "a person")
SERVED: Final = tuple(map(parse_endpoint, ROUTES))
WHOLE: Final = Inventory(SERVED, SERVED)


@dataclass
class Clock:
    """What every host's clock says, and the one of this process that does not jump."""

    store: float = 1_764_000_000.0  # seconds since 1970
    own: float = 50.0

    def __call__(self) -> float:
        return self.own

    def passes(self, seconds: float) -> None:
        self.store += seconds
        self.own += seconds

    def is_set(self, seconds: float) -> None:
        self.store += seconds


def plan(modern: Mapping[str, float] | None = None, **fields: object) -> str:
    """A plan with a rule for each of these routes; `fields` are the plan's own."""
    told = {"phase": "gradual", **fields}
    head = "".join(f"{name}: {value}\n" for name, value in told.items())
    rules = [f"  - {{route: {route}, modern: {m}}}\n" for route, m in (modern or {}).items()]
    return head + ("routes:\n" + "".join(rules) if rules else "")


def a_ramp(route: str = A, **fields: object) -> Ramp:
    """On its first step, of 1 %, since just now."""
    usual = Ramp(
        route=route,
        steps=tuple(step * PERCENT for step in STEPS),
        hold=HOLD,
        minimum=500,
        margin=2.0,
        approve=(),
        split=PERCENT,
        version=1,
        began=0.0,
        looked=0.0,
        actor="cli:ann",
    )
    return replace(usual, **fields)  # type: ignore[arg-type]  # fields of any type


@dataclass
class Bench:
    """One store, and the control plane that leads."""

    store: Store
    folder: Path
    clock: Clock
    inventories: list[Inventory] = field(default_factory=lambda: [WHOLE])
    known: Inventory = WHOLE  # what the routes are, whatever a deploy says
    workers: bool = True  # that beat
    _beaten: float = 0.0
    _digests: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        secret = "sixteen bytes or more"
        self.settings = Settings(var=self.folder, plan=self.folder / "t.yaml", secret=secret)
        self.controller = self.takes_over()

    @property
    def desk(self) -> PlanDesk:
        """A person's or a controller's: each has its own."""
        bars = partial(bars_of, self.store)
        return PlanDesk(self.store.versions, self.settings, lambda: self.inventories, bars)

    def takes_over(self) -> Controller:
        """Another control plane leads from now on: it remembers nothing."""
        reader = Reader(self.settings, lambda: self.inventories)
        self.controller = Controller(self.store, self.desk, reader, self.clock)
        return self.controller

    def planned(self, modern: Mapping[str, float] | None = None, **fields: object) -> None:
        """The first plan, or the next one, whatever the last one was."""
        self.edits(plan(modern, **fields))

    def edits(self, text: str) -> Outcome:
        """A person's new text for the plan. Raises PlanRefused."""
        if not self.desk.has_plan():
            return self.desk.first(text, PERSON)
        return self.desk.change(lambda _: text, PERSON)

    def shifts(self, route: str, percent: float) -> Outcome:
        """A person's. Raises PlanRefused."""
        return self.desk.change(partial(with_rule, route=route, fields={"modern": percent}), PERSON)

    def acknowledges(self, route: str) -> None:
        self.store.standings.acknowledge(route, replace(PERSON, action="guard.ack", subject=route))

    def ramps(self, route: str = A, **fields: object) -> Ramp:
        """A person starts one on the split that the route has."""
        here = {
            "split": self.split(route),
            "version": self.store.versions.newest(),
            "began": self.clock.store,
            "looked": self.clock.store,
        }
        ramp = a_ramp(route, **{**here, **fields})
        self.store.ramps.keep(first(ramp, self.store.ramps.get(route)))
        return ramp

    def changes(self, route: str, **fields: object) -> None:
        """What a person does to a ramp."""
        stored = self.stored(route)
        changed = replace(stored.ramp, **fields)  # type: ignore[arg-type]  # of any type
        self.store.ramps.keep(stored.kept(changed))

    def pauses(self, route: str) -> None:
        """As the API does."""
        held = self.ramp(route).passed(self.clock.store, 60.0)
        now = self.clock.store
        self.changes(route, state=RampState.PAUSED, held=held, looked=now, why="paused")

    def resumes(self, route: str) -> None:
        self.changes(route, state=RampState.RUNNING, looked=self.clock.store, why="")

    def looks(self, times: int = 1, every: float = 1.0) -> None:
        """The controller's, so many seconds apart; the workers live."""
        for _ in range(times):
            self.clock.passes(every)
            self.beats()
            self.controller.step()

    def beats(self) -> None:
        """Often enough to live."""
        if self.workers and not 0 <= self.clock.store - self._beaten < ALIVE / 2:
            self.store.workers.beat(beat(), first=True)
            self._beaten = self.clock.store

    def counts(
        self, route: str, stack: Stack, requests: int, events: int = 0, signal: str = "error"
    ) -> None:
        """A worker tells what it has counted under the plan in force."""
        newest, split = self.store.versions.newest(), self.split(route)
        counted = Count(route, newest, stack, split, requests, events)
        self.store.evidence.add([counted], self.events(counted, events, signal), [])

    def events(self, counted: Count, number: int, signal: str) -> list[Event]:
        """Each a client's own."""
        one = counted.route, counted.version, counted.stack, counted.split
        return [Event(f"{next(self._digests)}", *one, signal) for _ in range(number)]

    def sees(self, route: str, stack: Stack, what: str, kind: str = "exception") -> None:
        self.store.evidence.add([], [], [Sighting(route, stack, kind, what, 1)])

    def fails(self, route: str = A, events: int = 30, signal: str = "error") -> None:
        """Modern, and legacy does not."""
        self.is_well(route, 1000)
        self.counts(route, Stack.MODERN, 0, events, signal)

    def is_well(self, route: str = A, modern: int = 1000) -> None:
        """Both stacks are asked, each for its share, without an event."""
        newest, split = self.store.versions.newest(), self.split(route)
        legacy = modern * (SPACE - split) // max(split, 1)
        asked = {Stack.MODERN: modern, Stack.LEGACY: legacy}
        counts = [Count(route, newest, stack, split, many, 0) for stack, many in asked.items()]
        self.store.evidence.add(counts, [], [])

    def split(self, route: str) -> int:
        """By the plan in force, in buckets, whatever its phase."""
        return self._split(self.text, route)

    def percent(self, route: str = A) -> float:
        return self.split(route) / PERCENT

    @property
    def text(self) -> str:
        current = self.store.versions.current()
        assert current is not None
        return current.document

    def stored(self, route: str = A) -> Stored:
        kept = self.store.ramps.get(route)
        assert kept is not None
        return Stored.read(kept)

    def ramp(self, route: str = A) -> Ramp:
        return self.stored(route).ramp

    def notices(self, kind: str, route: str | None = None) -> list[Notice]:
        """All of a kind, told or not."""
        return [
            one
            for one in self.store.notices.due(10_000)
            if one.kind == kind and route in {None, one.route}
        ]

    def lines(self, actor: str) -> list[Line]:
        """Of the audit, the oldest first."""
        return [one for one in self.store.audit.lines(10_000)[::-1] if one.actor == actor]

    def history(self, route: str = A) -> list[tuple[float, float]]:
        """When the route got which percentage."""
        found: list[tuple[float, float]] = []
        for entry in self.store.versions.history(10_000)[::-1]:
            document = self.store.versions.get(entry.version).document
            percent = self._split(document, route) / PERCENT
            if not found or found[-1][1] != percent:
                found.append((entry.at, percent))
        return found

    def _split(self, text: str, route: str) -> int:
        table = compile_plan(parse(text), self.known, version=0, secret=b"x")
        return next((one.split for one in table.routes if one.id == route), 0)

    def steps(self, route: str = A) -> list[float]:
        """The percentages that the route had, one after the other."""
        return [percent for _, percent in self.history(route)]


@contextmanager
def another(bench: Bench) -> Iterator[Bench]:
    """A second control plane on the same store."""
    url = bench.store.database.url.render_as_string(hide_password=False)
    made = Bench(open_store(url), bench.folder, bench.clock)
    try:
        yield made
    finally:
        made.store.close()


@dataclass
class Load:
    """Requests of many clients, seeded: each stack gets its share of them, and has errors."""

    bench: Bench
    random: Random
    usual: float = 0.0  # rate of errors, 0 to 1
    rates: dict[tuple[str, Stack], float] = field(default_factory=dict)  # where it is another

    def passes(self, seconds: float, per_second: float = 20.0) -> None:
        """The traffic of so much time on every route, and that time."""
        bench, version = self.bench, self.bench.store.versions.newest()
        counts, events = [], []
        for route in ROUTES:
            split = bench.split(route)
            for stack, part in ((Stack.MODERN, split), (Stack.LEGACY, SPACE - split)):
                requests = self._around(seconds * per_second * part / SPACE)
                rate = self.rates.get((route, stack), self.usual)
                errors = min(self._around(requests * rate), requests)
                counts.append(Count(route, version, stack, split, requests, errors))
                events += bench.events(counts[-1], errors, "error")
        bench.store.evidence.add(counts, events, [])
        bench.clock.passes(seconds)

    def _around(self, mean: float) -> int:
        """Poisson's, near enough for what is small, and exact enough for what is large."""
        if mean > 50:
            return max(0, round(self.random.gauss(mean, mean**0.5)))
        gone, found = self.random.expovariate(1.0), 0
        while gone < mean:
            gone, found = gone + self.random.expovariate(1.0), found + 1
        return found


def meanwhile(bench: Bench, act: Callable[[], object]) -> None:
    """A person does something between the controller's look and what follows."""
    inner = bench.controller._looker

    class Slow:
        ledger = inner.ledger

        def look(self) -> object:
            found = inner.look()
            if not done:
                done.append(act())
            return found

    done: list[object] = []
    bench.controller._looker = Slow()  # type: ignore[assignment]  # looks alike


def opened(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock | None = None
) -> Bench:
    """A bench whose store goes by the test's clock."""
    clock = clock or Clock()

    def now(_database: Database, _connection: sa.Connection) -> float:
        return clock.store

    monkeypatch.setattr(Database, "now", now)
    return Bench(open_store(url), folder, clock)
