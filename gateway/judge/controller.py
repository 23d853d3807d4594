"""The judge at work: once a second, in the control plane that leads.

evidence of all workers ──► ledger ──► judgement ──► guard: a route goes back
                                           └───────► driver: a ramp goes on, or waits
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import structlog

from gateway.errors import BanyanError
from gateway.judge import metrics
from gateway.judge.driver import Driver
from gateway.judge.evidence import Verdict
from gateway.judge.guard import Guard
from gateway.judge.judgement import Judgement, numbers
from gateway.judge.kept import Stored
from gateway.judge.look import Look, Looker, Reader
from gateway.judge.ramp import Facts
from gateway.plan.desk import PlanDesk
from gateway.routes import Route
from gateway.store.errors import RampConflict
from gateway.store.opening import Store
from gateway.words import Phase, Signal, Stack

TOLERATED: Final = 4  # looks in a row without data, before ramps are held
_log = structlog.get_logger()


@dataclass(slots=True)
class Controller:
    """One control plane's; `step` is called in a thread while it leads."""

    store: Store
    desk: PlanDesk
    read: Reader
    clock: Callable[[], float] = monotonic
    missing: int = 0  # looks in a row without data
    _looker: Looker = field(init=False)
    _guard: Guard = field(init=False)
    _driver: Driver = field(init=False)
    _told: dict[tuple[str, Signal], Verdict] = field(default_factory=dict)
    _failed: dict[str, str] = field(default_factory=dict)  # by route: why it could not be acted on

    def __post_init__(self) -> None:
        self._looker = Looker(self.store, self.read)
        self._guard = Guard(self.store, self.desk, self.read)
        self._driver = Driver(self.store, self.desk, self.read, self.clock)

    def step(self) -> None:
        """One look at everything, and what follows. Raises StoreUnavailable, PlanRefused."""
        self.missing += 1  # until all has been read
        look = self._looker.look()
        if look is None:
            return
        if look.workers:
            self.missing = 0
        metrics.LAST_LOOK.set_to_current_time()
        metrics.LATCHED.set(sum(standing.latched for standing in look.standings.values()))
        for route in look.governed.table.routes:
            stored = look.live(route.id)
            if not route.split and stored is None:
                continue
            judgement = look.judged(route, ahead=stored is not None)
            self._tell(judgement)
            if not self._rolled_back(look, judgement, stored) and stored is not None:
                self._driver.act(stored, self._facts(look, route, judgement, stored), look.now)
        self._end_of_routes_that_are_gone(look)

    def _end_of_routes_that_are_gone(self, look: Look) -> None:
        if look.governed.table.kill_switch:  # it lets a plan pass that does not fit the apps
            return
        routes = {route.id for route in look.governed.table.routes}
        for stored in look.ramps.values():
            if stored.ramp.live and stored.ramp.route not in routes:
                self._driver.end(stored, "neither stack serves it any more", look.now)

    def _rolled_back(self, look: Look, judgement: Judgement, stored: Stored | None) -> bool:
        route = judgement.route
        try:
            outcome = self._guard.act(judgement, look.ledger, stored)
        except RampConflict:
            return True  # a person was faster with the ramp; the next look acts
        except BanyanError as error:
            if self._failed.get(route) != str(error):
                _log.error("guard.failed", route=route, error=str(error))
            self._failed[route] = str(error)
            return False  # its ramp says what holds it
        self._failed.pop(route, None)
        if outcome is None:
            return False
        metrics.ROLLBACKS.labels(route).inc()
        _log.warning("guard.rolled_back", route=route, reason=outcome.after.reason)
        return True

    def _facts(self, look: Look, route: Route, judgement: Judgement, stored: Stored) -> Facts:
        ramp, table = stored.ramp, look.governed.table
        counted = look.ledger.totals(ramp.route, since=ramp.version)[Stack.MODERN]
        holds = judgement.holds()
        if self.missing > TOLERATED:
            holds.insert(0, f"no worker has reported for {self.missing} looks")
        if table.kill_switch:
            holds.insert(0, "the kill switch is on")
        gradual = table.phase is Phase.GRADUAL
        if not gradual:
            holds.insert(0, f"the phase is {table.phase}")
        return Facts(
            split=judgement.split if gradual else route.split,  # which a phase does not change
            held=self._driver.held(stored, look.now),
            requests=counted["requests"],
            events=counted["error"],
            silent=look.now - look.ledger.last_asked(ramp.route, Stack.MODERN),
            proven=judgement.proof.verdict is Verdict.NOT_WORSE,
            needed=judgement.proof.needed,
            holds=holds,
        )

    def _tell(self, judgement: Judgement) -> None:
        """A verdict that has changed is news; what is undecided is not."""
        for signal, worse in judgement.signals.items():
            verdict = judgement.verdict if signal is Signal.ERROR else worse.verdict
            key = judgement.route, signal
            if key not in self._told and self._was_told(judgement.route, signal, verdict):
                self._told[key] = verdict
            before = self._told.get(key, Verdict.UNDECIDED)
            if verdict is Verdict.UNDECIDED and before is Verdict.NOT_WORSE:
                continue  # a few events to and fro about the line are no news
            self._told[key] = verdict
            if verdict in {before, Verdict.UNDECIDED}:
                continue
            found = numbers(self._looker.ledger, judgement, signal)
            document = {"verdict": verdict.value, "signal": signal.value, "reason": found}
            self.store.notices.add("verdict", judgement.route, document)

    def _was_told(self, route: str, signal: Signal, verdict: Verdict) -> bool:
        """By the controller before this one: a restart is no news."""
        if verdict is Verdict.UNDECIDED:
            return False
        told = self.store.notices.newest("verdict", route)
        last = next((one for one in told if one["signal"] == signal), None)
        return last is not None and last["verdict"] == verdict
