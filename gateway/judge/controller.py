"""The judge at work: once a second, in the control plane that leads.

evidence of all workers ──► ledger ──► judgement ──► guard: a route goes back
                                           └───────► driver: a ramp goes on, or waits
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import structlog

from gateway.endpoints import Inventory
from gateway.errors import BanyanError
from gateway.judge.driver import Driver
from gateway.judge.evidence import Verdict
from gateway.judge.guard import Guard
from gateway.judge.judgement import MARGIN, Around, Judgement, Terms, judge
from gateway.judge.kept import Stored
from gateway.judge.ledger import Ledger
from gateway.judge.ramp import Facts
from gateway.observe.recent import Sample, Samples, merged, read_samples
from gateway.plan.compile import Governed, compile_governed
from gateway.plan.desk import PlanDesk
from gateway.plan.document import parse
from gateway.routes import Route
from gateway.settings import Settings
from gateway.store.errors import RampConflict
from gateway.store.evidence import HOUR
from gateway.store.opening import Store
from gateway.store.workers import Worker
from gateway.words import Phase, Signal, Stack

TOLERATED: Final = 4  # looks in a row without data, before ramps are held
_SAMPLES_EVERY: Final = 10  # looks
_log = structlog.get_logger()


@dataclass(slots=True)
class Reader:
    """What a plan means for what the stacks serve; kept for the text that was asked for last."""

    settings: Settings
    inventories: Callable[[], Sequence[Inventory]]
    _key: tuple[str, Inventory] | None = None
    _governed: Governed | None = None

    def __call__(self, text: str) -> Governed:
        """Raises PlanRefused."""
        key = text, self.inventories()[0]
        if self._governed is None or key != self._key:
            secret = self.settings.secret_bytes()
            self._governed = compile_governed(parse(text), key[1], version=0, secret=secret)
            self._key = key
        return self._governed


@dataclass(slots=True)
class _Look:
    """What one look found."""

    governed: Governed
    version: int
    around: Mapping[str, Around]
    nothing: Around
    ramps: Mapping[str, Stored]
    holds: list[str]
    now: float

    def around_of(self, route: str) -> Around:
        return self.around.get(route, self.nothing)


@dataclass(slots=True)
class Controller:
    """One control plane's; `step` is called in a thread while it leads."""

    store: Store
    desk: PlanDesk
    read: Reader
    clock: Callable[[], float] = monotonic
    ledger: Ledger = field(default_factory=Ledger)
    missing: int = 0  # looks in a row without data
    _guard: Guard = field(init=False)
    _driver: Driver = field(init=False)
    _samples: Samples = field(default_factory=dict)
    _looks: int = 0
    _told: dict[str, Verdict] = field(default_factory=dict)
    _failed: dict[str, str] = field(default_factory=dict)  # by route: why it could not be acted on

    def __post_init__(self) -> None:
        self._guard = Guard(self.store, self.desk, self.read)
        self._driver = Driver(self.store, self.desk, self.read, self.clock)

    def step(self) -> None:
        """One look at everything, and what follows. Raises StoreUnavailable."""
        self._looks += 1
        self.missing += 1  # until all has been read
        look = self._look()
        if look is None:
            return
        for route in look.governed.table.routes:
            stored = look.ramps.get(route.id)
            if not (route.split or stored):
                continue
            judgement = self._judged(look, route, stored)
            self._tell(judgement)
            if self._rolled_back(judgement, stored):
                continue
            if stored is not None:
                self._driver.act(stored, self._facts(look, judgement, stored), look.now)

    def _look(self) -> _Look | None:
        """None while there is no plan."""
        current = self.store.versions.current()
        if current is None:
            return None
        standings, now = self.store.standings.all(), self.store.evidence.now()
        hour = int(now // HOUR)
        self.ledger.standing(standings)
        self.ledger.update(self.store.evidence.rows(self.ledger.wanted), hour)
        workers = [worker for worker in self.store.workers.all() if worker.alive]
        if self._looks % _SAMPLES_EVERY == 1:
            self._samples = merged(map(_sampled, workers))
        holds = self._holds(workers)
        sightings = self.store.evidence.sightings()
        governed = self.read(current.document)
        around = {r: Around(sightings, sample, now) for r, sample in self._samples.items()}
        ramps = {kept.route: Stored.read(kept) for kept in self.store.ramps.all()}
        live = {route: stored for route, stored in ramps.items() if stored.ramp.live}
        nothing = Around(sightings, Sample(), now)
        return _Look(governed, current.version, around, nothing, live, holds, now)

    def _holds(self, workers: Iterable[Worker]) -> list[str]:
        """What keeps every ramp where it is."""
        if any(True for _ in workers):
            self.missing = 0
        if self.missing > TOLERATED:
            return [f"no worker has reported for {self.missing} looks"]
        return []

    def _judged(self, look: _Look, route: Route, stored: Stored | None) -> Judgement:
        rule = look.governed.rules.get(route.id)
        guard = (rule.guard if rule else None) or look.governed.defaults
        margin = stored.ramp.margin if stored else MARGIN
        split = look.governed.table.planned(route)
        return judge(self.ledger, route.id, Terms(split, guard, margin), look.around_of(route.id))

    def _rolled_back(self, judgement: Judgement, stored: Stored | None) -> bool:
        route = judgement.route
        try:
            outcome = self._guard.act(judgement, self.ledger, stored)
        except RampConflict:
            return False  # a person was faster with the ramp; the next look acts
        except BanyanError as error:
            if self._failed.get(route) != str(error):
                _log.error("guard.failed", route=route, error=str(error))
            self._failed[route] = str(error)
            return False
        self._failed.pop(route, None)
        if outcome is None:
            return False
        _log.warning("guard.rolled_back", route=route, reason=outcome.after.reason)
        return True

    def _facts(self, look: _Look, judgement: Judgement, stored: Stored) -> Facts:
        ramp, table = stored.ramp, look.governed.table
        counted = self.ledger.totals(ramp.route, since=ramp.version)[Stack.MODERN]
        holds = [*look.holds, *judgement.holds()]
        if table.kill_switch:
            holds.insert(0, "the kill switch is on")
        if table.phase is not Phase.GRADUAL:
            holds.insert(0, f"the phase is {table.phase}")
        return Facts(
            split=judgement.split,
            held=self._driver.held(stored, look.now),
            requests=counted["requests"],
            events=counted["error"],
            silent=look.now - self.ledger.last_asked(ramp.route, Stack.MODERN),
            proven=judgement.proof.verdict is Verdict.NOT_WORSE,
            needed=judgement.proof.needed,
            holds=holds,
        )

    def _tell(self, judgement: Judgement) -> None:
        """A verdict that has changed is news; what is undecided is not."""
        before = self._told.get(judgement.route, Verdict.UNDECIDED)
        after = judgement.verdict
        self._told[judgement.route] = after
        if after is before or after is Verdict.UNDECIDED:
            return
        log_e = judgement.signals[Signal.ERROR].log_e
        document = {"verdict": after.value, "log_e": round(log_e, 3)}
        self.store.notices.add("verdict", judgement.route, document)


def _sampled(worker: Worker) -> Samples:
    try:
        return read_samples(json.loads(worker.recent))
    except ValueError:  # other code has written it
        return {}
