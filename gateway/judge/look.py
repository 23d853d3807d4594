"""One look at everything the judge goes by: the plan, the counts, what was seen, latches and ramps."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from gateway.endpoints import Inventory
from gateway.judge.judgement import MARGIN, Around, Judgement, Terms, judge
from gateway.judge.kept import Stored, readable
from gateway.judge.ledger import Ledger
from gateway.observe.recent import Sample, Samples, merged, read_samples
from gateway.plan.compile import Governed, compile_governed
from gateway.plan.document import PlanRefused, parse
from gateway.routes import Route
from gateway.settings import Settings
from gateway.store.evidence import HOUR, Seen
from gateway.store.opening import Store
from gateway.store.standings import Standing
from gateway.store.workers import Worker

_SAMPLES_EVERY: Final = 10.0  # seconds
_log = structlog.get_logger()


@dataclass(slots=True)
class Reader:
    """What a plan means for what the stacks serve; kept for the text that was asked for last."""

    settings: Settings
    inventories: Callable[[], Sequence[Inventory]]
    _key: tuple[str, tuple[Inventory, ...]] | None = None
    _governed: Governed | None = None

    def __call__(self, text: str) -> Governed:
        """Raises PlanRefused."""
        key = text, tuple(self.inventories())
        if self._governed is None or key != self._key:
            self._governed, self._key = self._compiled(*key), key
        return self._governed

    def _compiled(self, text: str, inventories: tuple[Inventory, ...]) -> Governed:
        """For the first of the apps that the plan fits: in a deploy it may not fit all of them."""
        document, secret = parse(text), self.settings.secret_bytes()
        refusals: list[PlanRefused] = []
        for inventory in inventories:
            try:
                return compile_governed(document, inventory, version=0, secret=secret)
            except PlanRefused as refusal:
                refusals.append(refusal)
        raise refusals[0]


@dataclass(frozen=True, slots=True)
class Look:
    """What was found."""

    governed: Governed
    version: int
    ledger: Ledger
    standings: Mapping[str, Standing]
    ramps: Mapping[str, Stored]
    workers: Sequence[Worker]  # that live
    sightings: Sequence[Seen]
    samples: Samples
    breakers: Mapping[str, Mapping[str, str]]  # that are not closed: route → worker → why
    now: float  # seconds since 1970, by the store's clock

    def live(self, route: str) -> Stored | None:
        """The route's ramp, if it is not over."""
        stored = self.ramps.get(route)
        return stored if stored is not None and stored.ramp.live else None

    def judged(self, route: Route, *, ahead: bool = True) -> Judgement:
        rule, stored = self.governed.rules.get(route.id), self.live(route.id)
        guard = (rule.guard if rule else None) or self.governed.defaults
        margin = stored.ramp.margin if stored else MARGIN
        terms = Terms(self.governed.table.planned(route), guard, margin, ahead)
        sample = self.samples.get(route.id, Sample())
        around = Around(self.sightings, sample, self.now, self.breakers.get(route.id, {}))
        return judge(self.ledger, route.id, terms, around)


@dataclass(slots=True)
class Looker:
    """Looks again and again; what does not change any more is kept."""

    store: Store
    read: Reader
    ledger: Ledger = field(default_factory=Ledger)
    _samples: Samples = field(default_factory=dict)
    _sampled_at: float = 0.0  # when, by the store's clock
    _unreadable: set[str] = field(default_factory=set)  # routes whose ramps newer code has written

    def look(self) -> Look | None:
        """None while there is no plan. Raises StoreUnavailable, PlanRefused."""
        store, ledger = self.store, self.ledger
        current = store.versions.current()
        if current is None:
            return None
        standings, now = store.standings.all(), store.evidence.now()
        ledger.standing(standings)
        ledger.update(store.evidence.rows(ledger.wanted), int(now // HOUR))
        workers = [worker for worker in store.workers.all() if worker.alive]
        if abs(now - self._sampled_at) >= _SAMPLES_EVERY:
            self._samples, self._sampled_at = merged(map(_sampled, workers)), now
        return Look(
            self.read(current.document),
            current.version,
            ledger,
            standings,
            self._ramps(),
            workers,
            store.evidence.sightings(),
            self._samples,
            breakers_by_route(workers),
            now,
        )

    def _ramps(self) -> Mapping[str, Stored]:
        kept = self.store.ramps.all()
        found = readable(kept)
        unreadable = {one.route for one in kept} - found.keys()
        for route in sorted(unreadable - self._unreadable):
            _log.error("ramp.unreadable", route=route, why="newer code has written it")
        self._unreadable = unreadable
        return found


def breakers_by_route(workers: Iterable[Worker]) -> dict[str, dict[str, str]]:
    """Those that are not closed: route → worker → state and why."""
    found: dict[str, dict[str, str]] = {}
    for worker in workers:
        for route, text in _breakers(worker).items():
            found.setdefault(route, {})[f"{worker.host}:{worker.pid}"] = text
    return found


def _breakers(worker: Worker) -> dict[str, str]:
    try:
        told = json.loads(worker.breakers)
        return {route: f"{one['state']}: {one['why']}" for route, one in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError):  # other code has written it
        return {}


def _sampled(worker: Worker) -> Samples:
    try:
        return read_samples(json.loads(worker.recent))
    except ValueError:  # other code has written it
        return {}
