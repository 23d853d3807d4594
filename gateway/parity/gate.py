"""The gate of plan validation, from the last parity run on disk and the plan in force."""

from dataclasses import replace
from datetime import date

from gateway.endpoints import Inventory
from gateway.parity.report import report_path, standing
from gateway.plan.compile import compile_plan
from gateway.plan.document import Document, PlanRefused, parse
from gateway.plan.gate import Gate
from gateway.routing import RouteTable
from gateway.settings import Settings


def gate_of(
    settings: Settings, inventory: Inventory, before: str | None, today: date | None = None
) -> Gate | None:
    """None where nothing stands today: no run, or nothing unexplained. `before` is the plan in force."""
    found = standing(report_path(settings.var), today)
    if not found:
        return None
    named = {route: [f"{one.path} {one.kind}" for one in some] for route, some in found.items()}
    return Gate(named, _in_force(settings, inventory, before))


def _in_force(settings: Settings, inventory: Inventory, text: str | None) -> RouteTable | None:
    """The plan in force, less the rules for routes that the apps have dropped since."""
    if text is None:
        return None
    secret = settings.secret_bytes()
    try:
        document = parse(text)
        try:
            return compile_plan(document, inventory, version=0, secret=secret)
        except PlanRefused as refusal:
            kept = _without(document, {problem.place for problem in refusal.problems})
            return compile_plan(kept, inventory, version=0, secret=secret)
    except PlanRefused:
        return None


def _without(document: Document, places: set[str]) -> Document:
    kept = [n for n in range(len(document.plan.routes)) if f"routes[{n}].route" not in places]
    plan = document.plan.model_copy(update={"routes": tuple(document.plan.routes[n] for n in kept)})
    return replace(document, plan=plan, rule_lines=tuple(document.rule_lines[n] for n in kept))
