"""Takes ramps from step to step. A step and its plan version are written together or not at all, so that
a controller may be killed at any moment: no step is taken twice, and none is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from socket import gethostname
from time import monotonic
from typing import Final

import sqlalchemy as sa
import structlog

from gateway.errors import BanyanError
from gateway.judge.edits import with_split
from gateway.judge.guard import LONGEST, Read
from gateway.judge.kept import Stored
from gateway.judge.ramp import Advance, End, Facts, Ramp, RampState, Wait, following
from gateway.plan.desk import PlanDesk
from gateway.plan.numbers import percent_of
from gateway.store.audit import Act
from gateway.store.errors import RampConflict
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
        if known is None or known.revision != stored.revision:
            known = _Held(stored.revision, ramp.passed(now), at)
        passed = at - known.at if ramp.state is RampState.RUNNING else 0.0
        seconds = known.seconds + passed
        self._held[ramp.route] = _Held(stored.revision, seconds, at)
        return seconds

    def act(self, stored: Stored, facts: Facts, now: float) -> None:
        """Does what follows. Raises StoreUnavailable."""
        after = following(stored.ramp, facts)
        try:
            match after:
                case Advance(split, why):
                    self._advance(stored, split, why)
                case End(state, why):
                    ended = replace(stored.ramp, state=state, why=why, held=facts.held, looked=now)
                    self._end(stored, ended)
                case Wait(why):
                    self._wait(stored, replace(stored.ramp, held=facts.held, looked=now, why=why))
        except RampConflict:
            return  # a person was faster; what it says now is read next time
        except BanyanError as error:  # the plan refuses the step: a gate, a stack that is gone
            why = f"the plan refuses {percent_of(_split(after)):g} %: {error}"[:LONGEST]
            self._wait(stored, replace(stored.ramp, held=facts.held, looked=now, why=why))

    def _advance(self, stored: Stored, split: int, why: str) -> None:
        ramp = stored.ramp
        move = f"{percent_of(ramp.split):g} % -> {percent_of(split):g} %"
        reason = f"{ramp.route}, {move}: {why}"[:LONGEST]

        def edit(text: str) -> str:
            governed = self.read(text)
            known = {one.id: one for one in governed.table.routes}
            if ramp.route not in known or governed.table.planned(known[ramp.route]) != ramp.split:
                return text  # moved by somebody else: the next look ends the ramp
            return with_split(text, ramp.route, split, governed.rules.get(ramp.route))

        act = Act(ACTOR, gethostname(), "ramp.advance", ramp.route, reason)
        self.desk.change(edit, act, along=self._begun(stored, split, reason), free=True)

    def _begun(self, stored: Stored, split: int, why: str) -> Callable[[sa.Connection, int], None]:
        def write(connection: sa.Connection, version: int) -> None:
            now = self.store.database.now(connection)
            put(connection, stored.kept(stored.ramp.on(split, version, now)))
            document = {"step": percent_of(split), "reason": why, "version": version}
            self.store.notices.write(connection, "ramp", stored.ramp.route, document)

        return write

    def _end(self, stored: Stored, ended: Ramp) -> None:
        act = Act(ACTOR, gethostname(), f"ramp.{ended.state}", ended.route, ended.why)
        document = {"state": ended.state.value, "reason": ended.why}
        tell = self.store.notices.write
        self.store.ramps.keep(
            stored.kept(ended), act, lambda c: tell(c, "ramp", ended.route, document)
        )
        self._held.pop(ended.route, None)

    def _wait(self, stored: Stored, waiting: Ramp) -> None:
        """What it waits for is written down when that changes, and every few seconds."""
        ramp = stored.ramp
        changed = _without_numbers(waiting.why) != _without_numbers(ramp.why)
        if not changed and waiting.looked - ramp.looked < _KEEP_EVERY:
            return
        if not ramp.live:
            return
        kept = self.store.ramps.keep(stored.kept(waiting))
        known = self._held.get(ramp.route)
        if known is not None:
            known.revision = kept.revision


def _split(after: Advance | Wait | End) -> int:
    return after.split if isinstance(after, Advance) else 0


def _without_numbers(why: str) -> str:
    return "".join(letter for letter in why if not letter.isdigit())
