"""What may not be done to a route now, whoever asks: a rollback has latched it, or a ramp has it in hand."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.plan.document import Problem
from gateway.routes import SPACE, Route
from gateway.routing import RouteTable


@dataclass(frozen=True, slots=True)
class Bar:
    """One route's."""

    route: str
    ramping: bool  # else latched
    why: str  # and since when, for people


def barred(bars: Iterable[Bar], before: RouteTable, after: RouteTable) -> Iterator[Problem]:
    """What a plan does that it may not do."""
    old = {route.id: route for route in before.routes}
    new = {route.id: route for route in after.routes}
    for bar in bars:
        here, there = old.get(bar.route), new.get(bar.route)
        if here is None or there is None:
            continue
        rises = after.planned(there) > before.planned(here)
        if bar.ramping and (rises or here.split != there.split):
            yield Problem(
                f"{bar.route} is ramping ({bar.why}), and {_moves(here, there)}; "
                f"to take over: banyan ramp abort '{bar.route}'"
            )
        elif not bar.ramping and rises:
            yield Problem(
                f"{bar.route} was rolled back ({bar.why}), and {_moves(here, there)}; "
                f"once that is mended: banyan ack '{bar.route}'"
            )


def _moves(here: Route, there: Route) -> str:
    if here.split == there.split:
        return "the phase would move it"
    return f"this would move it from {_percent(here)} to {_percent(there)}"


def _percent(route: Route) -> str:
    return f"{route.split * 100 / SPACE:g} %"
