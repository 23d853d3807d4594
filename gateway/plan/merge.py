"""Three-way merge of the operator's file with the plan in force: nobody's change is lost unseen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.endpoints import Shape
from gateway.plan.diff import rule_key
from gateway.plan.document import PlanRefused, parse
from gateway.plan.edit import Edit, data_of, edited
from gateway.plan.model import Plan

_PLAN: Final = "plan"  # no method: what a rule names begins with one
_DEFAULTS: Final = "defaults"

Data = Mapping[str, Any]  # a plan as it is written


@dataclass(frozen=True, slots=True)
class Merged:
    """The text to apply; `kept` and `overruled` name places: `phase`, `defaults.modern`, a rule's route.

    kept: the plan in force says something else than the file, and stays. overruled: both had
    changed it, and the file wins.
    """

    text: str
    kept: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()


def merge(base: str, file: str, current: str) -> Merged:
    """`base` is the text last applied from the file, `current` the plan in force.

    A rule is taken or kept as a whole. Where `base` is no plan to this version of the code, all
    that the file says counts as changed. Raises PlanRefused if `file` or `current` is no valid plan.
    """
    if current in {base, file}:
        return Merged(file)
    plans = (_base(base), parse(current).plan, parse(file).plan)
    old, now, new = (_parts(plan) for plan in plans)
    apart = [place for place in {**new, **now, **old} if now.get(place) != new.get(place)]
    kept = [place for place in apart if old.get(place) == new.get(place)]
    overruled = [place for place in apart if now.get(place) != old.get(place) != new.get(place)]
    text = edited(file, _keeping(kept, data_of(file), data_of(current))) if kept else file
    names = {rule_key(rule.route): rule.route for plan in plans if plan for rule in plan.routes}
    return Merged(text, _named(kept, names), _named(overruled, names))


def _base(text: str) -> Plan | None:
    try:
        return parse(text).plan
    except PlanRefused:
        return None


def _parts(plan: Plan | None) -> dict[Shape, object]:
    """What is taken or kept as one: each field of the plan and of its defaults, and each rule."""
    if plan is None:
        return {}
    parts: dict[Shape, object] = {}
    for name, value in plan.model_dump(exclude={"defaults", "routes"}).items():
        parts[_PLAN, name] = value
    for name, value in plan.defaults.model_dump().items():
        parts[_DEFAULTS, name] = value
    for rule in plan.routes:
        parts[rule_key(rule.route)] = rule.model_dump(exclude={"route"})
    return parts


def _keeping(kept: Sequence[Shape], file: Data, current: Data) -> Edit:
    """Gives the file what `current` has in these places, as it is written there."""
    theirs, ours = _rules(current), _rules(file)
    defaults = current.get("defaults") or {}
    rules: dict[str, Mapping[str, object] | None] = {}
    for place in kept:
        if place in theirs:
            rule = {**dict.fromkeys(ours.get(place, ())), **theirs[place]}
            rules[rule.pop("route")] = rule
        elif place in ours:
            rules[ours[place]["route"]] = None
    return Edit(
        {name: current.get(name) for kind, name in kept if kind == _PLAN},
        {name: defaults.get(name) for kind, name in kept if kind == _DEFAULTS},
        rules,
    )


def _rules(data: Data) -> dict[Shape, dict[str, Any]]:
    return {rule_key(rule["route"]): rule for rule in data.get("routes") or ()}


def _named(places: Sequence[Shape], routes: Mapping[Shape, str]) -> tuple[str, ...]:
    def named(place: Shape) -> str:
        kind, name = place
        return routes.get(place) or (name if kind == _PLAN else f"{kind}.{name}")

    return tuple(named(place) for place in places)
