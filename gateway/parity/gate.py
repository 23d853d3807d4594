"""The gate of plan validation, from what is on disk: the last parity run and the last accepted plan."""

from gateway.endpoints import Inventory
from gateway.parity.report import report_path, standing
from gateway.plan.compile import compile_plan
from gateway.plan.document import PlanRefused, parse
from gateway.plan.file import LastGood
from gateway.plan.gate import Gate
from gateway.routing import RouteTable
from gateway.settings import Settings


def gate_of(settings: Settings, inventory: Inventory) -> Gate | None:
    """None where nothing stands: no run, or nothing unexplained."""
    found = standing(report_path(settings.var))
    if not found:
        return None
    named = {route: [f"{one.path} {one.kind}" for one in some] for route, some in found.items()}
    return Gate(named, _in_force(settings, inventory))


def _in_force(settings: Settings, inventory: Inventory) -> RouteTable | None:
    last = LastGood(settings.last_good_path).read()
    try:
        if last is None:
            return None
        return compile_plan(
            parse(last.text), inventory, version=last.version, secret=settings.secret_bytes()
        )
    except PlanRefused:  # the apps have changed since it was accepted
        return None
