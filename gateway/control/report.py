"""Side by side: every route, who serves it, and what each stack did on it, as the workers tell it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import inf

from pydantic import BaseModel

from gateway.judge.look import breakers_by_route
from gateway.judge.ramp import Ramp
from gateway.listing import Kind, Listed, Where
from gateway.observe.traffic import BOUNDS, Seen, StackTraffic
from gateway.parity.report import report_path, standing
from gateway.plan.numbers import percent_of
from gateway.routes import SPACE
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.store.standings import Standing
from gateway.store.workers import Past, Worker
from gateway.words import Phase, Stack


class StackReport(BaseModel):
    """What one stack did on one route since the workers that run were started."""

    requests: int = 0
    errors: int = 0  # status 5xx
    error_rate: float | None = None  # share of requests, 0 to 1; null without requests
    p50: float | None = None  # seconds, interpolated in the histogram's bucket
    p95: float | None = None
    total: int = 0  # requests since the migration began, over all starts
    last: float | None = None  # when it was last asked, in seconds since 1970, over all starts


class NoteReport(BaseModel):
    """What to know before the route is moved; `mended` says what already takes care of it."""

    kind: Kind
    text: str
    mended: str = ""


class RouteReport(BaseModel):
    """A route, its split, and both stacks."""

    route: str
    served: Where | None = None  # null: it is no route of either app
    split: float | None = None  # percent for modern; null: only one stack serves it
    legacy: StackReport = StackReport()
    modern: StackReport = StackReport()
    rescued: int = 0  # failing answers of modern that legacy's replaced; modern's errors count them
    notes: list[NoteReport] = []
    unexplained: int = 0  # differences of the last `banyan parity` that stand
    latch: str = ""  # why it was rolled back, while nobody has acknowledged that
    ramp: str = ""  # what its ramp does, while it has one
    breakers: dict[str, str] = {}  # worker → open or half-open, and why


class PlanReport(BaseModel):
    """The plan in force; `refused` is what keeps a worker, or the file's text, from it."""

    version: int  # 0: there is none yet
    running: int | None  # of the worker furthest behind; null: none tells
    actor: str
    reason: str
    phase: Phase
    kill_switch: bool
    file: str
    refused: list[str]


class RoutesReport(BaseModel):
    """Everything `banyan status` shows."""

    plan: PlanReport
    workers: int  # that live
    kit: list[str] = []  # behaviours of the kit that modern has
    routes: list[RouteReport]


class WorkerOut(BaseModel):
    """One worker of one host."""

    id: str
    host: str
    pid: int
    started: float  # seconds since 1970
    age: float  # seconds since its last heartbeat
    alive: bool
    version: int  # of the plan it runs
    listening: bool  # false: it finds new versions by looking, once a second
    problems: list[str]


class WorkersOut(BaseModel):
    """All workers, the living first."""

    version: int  # the newest
    alive: int
    current: int  # of them, on the newest version
    secrets: int  # different BANYAN_SECRETs among the living; more than one: clients flip
    leader: bool  # this control plane leads
    items: list[WorkerOut]


def report(
    table: RouteTable,
    seen: Seen,
    listed: Sequence[Listed] = (),
    differences: Mapping[str, int] | None = None,
) -> list[RouteReport]:
    """One row for every route that an app serves, then one per other label that has traffic."""
    differences = differences or {}
    splits = {
        route.id: route.split * 100 / SPACE
        for route in table.routes
        if route.legacy and route.modern
    }
    known = {one.endpoint.id: one for one in listed}
    labels = dict.fromkeys([*known, *splits, *sorted(seen)])
    return [
        RouteReport(
            route=label,
            served=known[label].where if label in known else None,
            split=splits.get(label),
            legacy=_stack_report(seen.get(label, {}).get(Stack.LEGACY)),
            modern=_stack_report(seen.get(label, {}).get(Stack.MODERN)),
            rescued=sum(one.rescued for one in seen.get(label, {}).values()),
            notes=_notes(known[label]) if label in known else [],
            unexplained=differences.get(label, 0),
        )
        for label in labels
    ]


def with_history(rows: list[RouteReport], now: Seen, past: Iterable[Past]) -> list[RouteReport]:
    """The rows with what earlier starts saw as well; and one for each label that only they saw."""
    total: dict[tuple[str, str], tuple[int, float]] = {}
    found = [(one.route, one.stack, one.requests, one.last) for one in past]
    found += [
        (route, stack.value, one.requests, one.last)
        for route, stacks in now.items()
        for stack, one in stacks.items()
    ]
    for route, name, requests, last in found:
        before, at = total.get((route, name), (0, 0.0))
        total[route, name] = before + requests, max(at, last)
    known = {row.route for row in rows}
    rows = rows + [RouteReport(route=one) for one in sorted({r for r, _ in total} - known)]
    for row in rows:
        for report, stack in ((row.legacy, Stack.LEGACY), (row.modern, Stack.MODERN)):
            requests, last = total.get((row.route, stack.value), (0, 0.0))
            report.total, report.last = requests, last or None
    return rows


def with_judging(
    rows: list[RouteReport],
    standings: Iterable[Standing],
    ramps: Iterable[Ramp],
    workers: Iterable[Worker],
) -> list[RouteReport]:
    """The rows with what keeps their splits from being shifted, and what does not reach modern now."""
    known = {row.route: row for row in rows}
    for one in standings:
        if one.latched and one.route in known:
            known[one.route].latch = one.why
    for ramp in ramps:
        if ramp.live and ramp.route in known:
            known[ramp.route].ramp = f"{ramp.state} at {percent_of(ramp.split):g} %: {ramp.why}"
    for route, breakers in breakers_by_route(workers).items():
        if route in known:
            known[route].breakers = breakers
    return rows


def unexplained(settings: Settings) -> dict[str, int]:
    """How many differences of the last `banyan parity` stand on each route."""
    found = standing(report_path(settings.var))
    return {route: len(findings) for route, findings in found.items()}


def quantile(q: float, buckets: dict[float, int]) -> float | None:
    """The q-quantile of a cumulative histogram, linear inside a bucket, as Prometheus computes it.

    In the last, open bucket it is that bucket's lower bound. None without observations.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0
    if not total:
        return None
    below, lower = 0, 0.0
    for upper in bounds:
        if buckets[upper] >= q * total:
            if upper == float("inf"):
                return lower
            return lower + (upper - lower) * (q * total - below) / (buckets[upper] - below)
        below, lower = buckets[upper], upper
    return lower


def _notes(listed: Listed) -> list[NoteReport]:
    return [NoteReport(kind=n.kind, text=n.text, mended=n.mended) for n in listed.notes]


def _stack_report(seen: StackTraffic | None) -> StackReport:
    if seen is None:
        return StackReport()
    cumulative = dict(zip((*BOUNDS, inf), accumulate(seen.bins), strict=True))
    return StackReport(
        requests=seen.requests,
        errors=seen.errors,
        error_rate=seen.errors / seen.requests if seen.requests else None,
        p50=quantile(0.50, cumulative),
        p95=quantile(0.95, cumulative),
    )
