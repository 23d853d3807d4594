"""Every route: who serves it, its split, and what both stacks did on it."""

import json
from collections.abc import Iterable

from anyio import to_thread
from fastapi import APIRouter

from gateway.control.auth import Viewer
from gateway.control.context import Context, Control
from gateway.control.problems import responses
from gateway.control.report import report, unexplained, with_history, with_judging
from gateway.control.shown import PlanReport, RoutesReport
from gateway.judge.kept import readable
from gateway.listing import listing
from gateway.observe.seen import Seen, merged, read_traffic
from gateway.plan.compile import compile_plan
from gateway.plan.desk import NoPlan
from gateway.plan.document import PlanRefused, parse
from gateway.routing import RouteTable
from gateway.store.versions import Version
from gateway.store.workers import Worker
from gateway.words import Phase

router = APIRouter(prefix="/routes", tags=["routes"], responses=responses(401, 403, 503))


@router.get("", summary="Side by side")
async def routes(_caller: Viewer, control: Control) -> RoutesReport:
    """Everything `banyan status` shows. Figures are at most a second old."""
    return await to_thread.run_sync(routes_report, control)


def routes_report(control: Context) -> RoutesReport:
    """Of the workers that run, and what others like them counted before they were replaced."""
    current, unreadable = _in_force(control)
    workers = control.store.workers.all()
    living = [worker for worker in workers if worker.alive]
    inventory = control.inventories()[0]
    table, refused = _table(control, current)
    launches = {worker.launch for worker in living}
    running = traffic_of(worker for worker in workers if worker.launch in launches)
    rows = report(table, running, listing(inventory), unexplained(control.settings))
    standings = control.store.standings.all().values()
    ramps = [one.ramp for one in readable(control.store.ramps.all()).values()]
    rows = with_judging(rows, standings, ramps, living)
    return RoutesReport(
        plan=PlanReport(
            version=current.version if current else 0,
            running=min((worker.version for worker in living), default=None),
            actor=current.actor if current else "",
            reason=current.reason if current else "",
            phase=table.phase,
            kill_switch=table.kill_switch,
            file=str(control.settings.plan),
            refused=[*unreadable, *refused, *_problems(living)],
        ),
        workers=len(living),
        kit=list(inventory.kit),
        routes=with_history(rows, traffic_of(workers), control.store.workers.past()),
    )


def _in_force(control: Context) -> tuple[Version | None, list[str]]:
    """And why the plan file cannot be read, where there is nothing else."""
    try:
        return control.desk.in_force(), []
    except NoPlan:
        return None, []
    except PlanRefused as refusal:
        return None, [str(problem) for problem in refusal.problems]


def _table(control: Context, current: Version | None) -> tuple[RouteTable, list[str]]:
    """Of the plan in force; an empty one, and why, where it does not compile for what the apps serve now."""
    if current is None:
        return RouteTable((), phase=Phase.PARALLEL), []
    secret, version = control.settings.secret_bytes(), current.version
    inventory = control.inventories()[0]
    try:
        document = parse(current.document)
        return compile_plan(document, inventory, version=version, secret=secret), []
    except PlanRefused as refusal:
        nothing = RouteTable((), phase=Phase.PARALLEL, version=version)
        return nothing, [str(problem) for problem in refusal.problems]


def traffic_of(workers: Iterable[Worker]) -> Seen:
    return merged(map(_seen, workers))


def _seen(worker: Worker) -> Seen:
    try:
        return read_traffic(json.loads(worker.traffic))
    except ValueError:  # other code has written it
        return {}


def _problems(workers: Iterable[Worker]) -> list[str]:
    told = [problem for worker in workers for problem in json.loads(worker.problems)]
    return list(dict.fromkeys(told))
