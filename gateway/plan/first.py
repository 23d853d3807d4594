"""The plan that the first start writes: every route that both stacks serve, at 0 %."""

from pathlib import Path

from gateway.endpoints import Inventory

_HEAD = """\
# The traffic plan. Save it, and within a second every worker runs it; a plan that is wrong changes
# nothing and `banyan status` says why. `banyan validate {name}` checks without applying.
#
#   phase    parallel: legacy answers everything · gradual: the splits below · full: modern does
#   modern   percent of the clients that modern answers, in steps of 0.001
#
phase: gradual
defaults:
  modern: 0  # for every route that both stacks serve and that is not named below
  cohort: migration  # one cohort: 5 % on twenty routes are the same 5 % of the clients
  unit: [header:x-api-key, header:authorization, client]  # who a client is: the first that is there
routes:
"""


def first_plan(name: str, inventory: Inventory) -> str:
    """The text of a plan that changes nothing yet."""
    modern = {endpoint.shape for endpoint in inventory.modern or ()}
    both = {endpoint for endpoint in inventory.legacy or () if endpoint.shape in modern}
    ordered = sorted(both, key=lambda endpoint: (endpoint.template, endpoint.method))
    rules = "".join(f"  - route: {endpoint.id}\n    modern: 0\n" for endpoint in ordered)
    return _HEAD.format(name=name) + (rules or "  []\n")


def write_first_plan(path: Path, inventory: Inventory) -> bool:
    """Writes the first plan unless there is a file already; says whether it did."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(first_plan(path.name, inventory))
    except FileExistsError:
        return False
    return True
