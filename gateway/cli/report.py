"""The routes report where no control plane gives it: listed from the apps, traffic added if one is up."""

from gateway.cli.explain import known_inventory
from gateway.cli.status import NoControlPlane, fetch
from gateway.control.app import PlanReport, RoutesReport
from gateway.control.report import RouteReport, report, unexplained
from gateway.endpoints import Inventory
from gateway.listing import listing
from gateway.plan.compile import compile_plan
from gateway.plan.document import PlanRefused, parse
from gateway.plan.file import read_plan
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.words import Phase


def routes_report(settings: Settings) -> RoutesReport:
    """What the settings' apps serve, under the plan in the file, with the traffic of the one that runs.

    Raises NoInventory and StackNotFound.
    """
    inventory = known_inventory(settings)
    table, refused = _table(settings, inventory)
    rows = report(table, (), listing(inventory), unexplained(settings))
    try:
        running = fetch(settings)
    except NoControlPlane:
        running = None
    seen = {row.route: row for row in running.routes} if running else {}
    listed = {row.route for row in rows}
    others = [row for row in seen.values() if row.route not in listed and row.served is None]
    plan = PlanReport(
        version=table.version,
        running=None,
        phase=table.phase,
        kill_switch=table.kill_switch,
        file=str(settings.plan),
        refused=refused,
    )
    return RoutesReport(
        plan=running.plan if running else plan,
        workers=running.workers if running else 0,
        kit=list(inventory.kit),
        routes=[*(_with_traffic(row, seen.get(row.route)) for row in rows), *others],
    )


def _table(settings: Settings, inventory: Inventory) -> tuple[RouteTable, list[str]]:
    nothing = RouteTable((), phase=Phase.PARALLEL)
    if not settings.plan.exists():
        return nothing, []
    try:
        document = parse(read_plan(settings.plan))
        secret = settings.secret_bytes()
        return compile_plan(document, inventory, version=0, secret=secret), []
    except PlanRefused as refusal:
        return nothing, [str(problem) for problem in refusal.problems]


def _with_traffic(row: RouteReport, seen: RouteReport | None) -> RouteReport:
    if seen is None:
        return row
    traffic = {name: getattr(seen, name) for name in ("split", "legacy", "modern", "rescued")}
    return row.model_copy(update=traffic)
