"""The plan as the control plane sees it: what the file says now, and what the workers run."""

from dataclasses import dataclass

from gateway.endpoints import Inventory
from gateway.inventory import read_inventory
from gateway.parity.gate import gate_of
from gateway.plan.compile import compile_plan
from gateway.plan.document import PlanRefused, parse
from gateway.plan.file import LastGood, read_plan
from gateway.plan.gate import Gate
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.words import Phase


@dataclass(frozen=True, slots=True)
class PlanView:
    """The plan that is in force, and why the file's text is not, if it is not."""

    table: RouteTable
    refusal: PlanRefused | None
    inventory: Inventory


def view(settings: Settings) -> PlanView:
    """Reads both anew on each call: the control plane keeps no copy that could be stale."""
    inventory = read_inventory(settings.inventory_path) or Inventory(None, None)
    last = LastGood(settings.last_good_path).read()
    refusal: PlanRefused | None = None
    table = RouteTable((), phase=Phase.PARALLEL)
    try:
        if last is not None:  # the stacks may have changed since it was accepted
            table = _compile(settings, inventory, last.text, last.version)
        _compile(settings, inventory, read_plan(settings.plan), 0, gate_of(settings, inventory))
    except PlanRefused as refused:
        refusal = refused
    return PlanView(table, refusal, inventory)


def _compile(
    settings: Settings, inventory: Inventory, text: str, version: int, gate: Gate | None = None
) -> RouteTable:
    return compile_plan(
        parse(text), inventory, version=version, secret=settings.secret_bytes(), gate=gate
    )
