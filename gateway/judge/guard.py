"""Rolls a route back: one plan version with the numbers in its reason, and a latch. It never goes forward."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from socket import gethostname
from typing import Any, Final

import sqlalchemy as sa

from gateway.judge.edits import with_split
from gateway.judge.judgement import Judgement, numbers
from gateway.judge.kept import Stored
from gateway.judge.ledger import Ledger
from gateway.judge.ramp import RampState
from gateway.plan.compile import Governed
from gateway.plan.desk import Mandate, Outcome, PlanDesk
from gateway.plan.numbers import percent_of
from gateway.store.audit import Act
from gateway.store.opening import Store
from gateway.store.ramps import put
from gateway.words import Action, Phase

ACTOR: Final = "guard"
LONGEST: Final = 480  # characters of a reason, as everywhere
Read = Callable[[str], Governed]  # a plan's text → what it means for what the stacks serve


@dataclass(frozen=True, slots=True)
class Guard:
    """Acts on one store."""

    store: Store
    desk: PlanDesk
    read: Read

    def act(self, judgement: Judgement, ledger: Ledger, ramp: Stored | None) -> Outcome | None:
        """Rolls the route back if the evidence says so, and ends its ramp.

        Raises PlanRefused, RampConflict and StoreUnavailable.
        """
        signals = judgement.against(Action.ROLL_BACK)
        if not signals or judgement.split == 0:
            return None
        route, split = judgement.route, judgement.split
        to = ledger.last_good(route, split)
        found = "; ".join(numbers(ledger, judgement, signal) for signal in signals)
        move = f"{percent_of(split):g} % -> {percent_of(to):g} %"
        why = f"{route}, {move}: {found}"[:LONGEST]
        named = [signal.value for signal in signals]
        document = {"from": percent_of(split), "to": percent_of(to), "signals": named}
        along = self._along(route, {**document, "reason": why}, ramp)

        def edit(text: str) -> str:
            governed = self.read(text)
            if _in_force(governed, route) != split:
                return text  # somebody was faster: that split is not in force any more
            return with_split(text, route, to, governed.rules)

        act = Act(ACTOR, gethostname(), "plan.roll_back", route, why)
        outcome = self.desk.change(edit, act, along=along, mandate=Mandate.GUARD)
        return outcome if outcome.changed else None

    def _along(
        self, route: str, document: dict[str, Any], ramp: Stored | None
    ) -> Callable[[sa.Connection, int], None]:
        """What is written with the version, or not at all."""
        latch = self.store.standings.latch(route, ACTOR, document["reason"])

        def write(connection: sa.Connection, version: int) -> None:
            latch(connection, version)
            if ramp is not None:
                ended = replace(ramp.ramp, state=RampState.STOPPED, why=document["reason"])
                put(connection, ramp.kept(ended))
            self.store.notices.write(
                connection, "rollback", route, {**document, "version": version}
            )

        return write


def _in_force(governed: Governed, route: str) -> int | None:
    """The split that decides now, in buckets; None where none does."""
    table = governed.table
    known = {one.id: one for one in table.routes}
    if table.phase is not Phase.GRADUAL or route not in known:
        return None
    return table.share(known[route])
