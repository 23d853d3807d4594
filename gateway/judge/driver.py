"""Takes ramps from step to step. A step and its plan version are written together or not at all, so that
a controller may be killed at any moment: no step is taken twice, and none is left out.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf
from socket import gethostname
from time import monotonic
from typing import Final

import sqlalchemy as sa
import structlog

from gateway.errors import BanyanError
from gateway.judge.edits import with_split
from gateway.judge.guard import LONGEST, Read
from gateway.judge.kept import Stored, notice_of
from gateway.judge.ramp import Advance, End, Facts, Ramp, RampState, Wait, following
from gateway.plan.desk import Mandate, PlanDesk
from gateway.plan.numbers import percent_of
from gateway.store.audit import Act
from gateway.store.errors import RampConflict, StoreUnavailable
from gateway.store.opening import Store
from gateway.store.ramps import put

ACTOR: Final = "ramp"
_KEEP_EVERY: Final = 10.0  # seconds between two times that a waiting ramp is written down
_log = structlog.get_logger()


@dataclass(slots=True)
class _Held:
    """How long a step was held, by a clock that does not jump."""

    revision: int
    seconds: float
    at: float


@dataclass(slots=True)
class Driver:
    """Acts on one store."""

    store: Store
    desk: PlanDesk
    read: Read
    clock: Callable[[], float] = monotonic
    _held: dict[str, _Held] = field(default_factory=dict)

    def held(self, stored: Stored, now: float) -> float:
        """Seconds of the ramp's step. The store's clock counts for what nobody was there to see."""
        ramp, at = stored.ramp, self.clock()
        known = self._held.get(ramp.route)
        if known is None or known.revision != stored.revision:  # written since we looked last
            unseen = inf if known is None else at - known.at
            known = _Held(stored.revision, ramp.passed(now, unseen), at)
        passed = at - known.at if ramp.state is RampState.RUNNING else 0.0
        seconds = known.seconds + passed
        self._held[ramp.route] = _Held(stored.revision, seconds, at)
        return seconds

    def act(self, stored: Stored, facts: Facts, now: float) -> None:
        """Does what follows. Raises StoreUnavailable."""
        after = following(stored.ramp, facts)
        ramp = replace(stored.ramp, held=facts.held, looked=now)
        with suppress(RampConflict):  # a person was faster; what it says now is read next time
            match after:
                case Advance(split, why):
                    refused = self._advance(stored, split, why)
                    if refused:
                        self._wait(stored, replace(ramp, why=refused))
                case End(state, why):
                    self._end(stored, replace(ramp, state=state, why=why))
                case Wait(why):
                    self._wait(stored, replace(ramp, why=why))

    def end(self, stored: Stored, why: str, now: float) -> None:
        """Stops a ramp of which there is nothing left to know. Raises StoreUnavailable."""
        held = self.held(stored, now)
        ended = replace(stored.ramp, held=held, looked=now, state=RampState.STOPPED, why=why)
        with suppress(RampConflict):
            self._end(stored, ended)

    def _advance(self, stored: Stored, split: int, why: str) -> str:
        """Why the plan does not take the step, if it does not: a gate, a stack that is gone."""
        ramp = stored.ramp
        move = f"{percent_of(ramp.split):g} % -> {percent_of(split):g} %"
        reason = f"{ramp.route}, {move}: {why}"[:LONGEST]

        def edit(text: str) -> str:
            governed = self.read(text)
            known = {one.id: one for one in governed.table.routes}
            if ramp.route not in known or governed.table.planned(known[ramp.route]) != ramp.split:
                return text  # moved by somebody else: the next look ends the ramp
            return with_split(text, ramp.route, split, governed.rules)

        act = Act(ACTOR, gethostname(), "ramp.advance", ramp.route, reason)
        try:
            self.desk.change(edit, act, along=self._begun(stored, split, act), mandate=Mandate.RAMP)
        except (StoreUnavailable, RampConflict):
            raise
        except BanyanError as error:
            return f"the plan refuses {percent_of(split):g} %: {error}"[:LONGEST]
        return ""

    def _begun(self, stored: Stored, split: int, act: Act) -> Callable[[sa.Connection, int], None]:
        def write(connection: sa.Connection, version: int) -> None:
            begun = stored.ramp.on(split, version, self.store.database.now(connection))
            put(connection, stored.kept(begun))
            self.store.notices.write(connection, *notice_of(begun, act, version=version))

        return write

    def _end(self, stored: Stored, ended: Ramp) -> None:
        act = Act(ACTOR, gethostname(), f"ramp.{ended.state}", ended.route, ended.why)
        tell = self.store.notices.write
        self.store.ramps.keep(stored.kept(ended), act, lambda c: tell(c, *notice_of(ended, act)))
        self._held.pop(ended.route, None)

    def _wait(self, stored: Stored, waiting: Ramp) -> None:
        """What it waits for is written down when that changes, and every few seconds."""
        ramp = stored.ramp
        changed = _without_numbers(waiting.why) != _without_numbers(ramp.why)
        # By its amount: a clock that was set back must not keep it from being written for hours
        recent = abs(waiting.looked - ramp.looked) < _KEEP_EVERY
        if ramp.state is not RampState.RUNNING or (recent and not changed):
            return
        kept = self.store.ramps.keep(stored.kept(waiting))
        known = self._held.get(ramp.route)
        if known is not None:
            known.revision = kept.revision


def _without_numbers(why: str) -> str:
    return "".join(letter for letter in why if not letter.isdigit())
