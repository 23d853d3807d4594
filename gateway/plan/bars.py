"""What may not be done to a route now, whoever asks: a rollback has latched it, or a ramp has it in hand."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.endpoints import parse_endpoint
from gateway.plan.diff import rule_key
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
    for bar in bars:
        here, there = _found(before, bar.route), _found(after, bar.route)
        rises = _reach(after, there) > _reach(before, here)
        if bar.ramping and (rises or _split(here) != _split(there) or _redrawn(here, there)):
            yield Problem(
                f"{bar.route} is ramping ({bar.why}), and {_moves(here, there)}; "
                f"to take over: banyan ramp abort '{bar.route}'"
            )
        elif not bar.ramping and rises:
            yield Problem(
                f"{bar.route} was rolled back ({bar.why}), and {_moves(here, there)}; "
                f"once that is mended: banyan ack '{bar.route}'"
            )


def _found(table: RouteTable, route: str) -> Route | None:
    """What answers for it. Where the stacks do not tell what they serve, only rules make routes: without
    its rule a route is under a pattern or under none, and another name of a variable is another id.
    """
    known = {one.id: one for one in table.routes}
    alike = {rule_key(one): one for one in known}
    found = route if route in known else alike.get(rule_key(route))
    if found is not None:
        return known[found]
    matched = table.match(*parse_endpoint(route))
    return matched.route if matched else None


def _reach(table: RouteTable, route: Route | None) -> int:
    """Its split, or more where the phase gives more; one that gives less can be taken back."""
    return max(table.planned(route), route.split) if route else 0


def _redrawn(here: Route | None, there: Route | None) -> bool:
    """As many clients, but others."""
    return here is not None and there is not None and here.cohort != there.cohort


def _split(route: Route | None) -> int:
    return route.split if route else 0


def _moves(here: Route | None, there: Route | None) -> str:
    if _split(here) != _split(there):
        return f"this would move it from {_percent(here)} to {_percent(there)}"
    if here and there and _redrawn(here, there):
        return f"cohort `{there.cohort}` has other clients than `{here.cohort}`"
    return "the phase would move it"


def _percent(route: Route | None) -> str:
    return f"{_split(route) * 100 / SPACE:g} %"
