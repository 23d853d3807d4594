"""Side by side: every route, who serves it, and what each stack did on it, from the metrics."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import Metric
from pydantic import BaseModel

from gateway.control.traffic import Seen, Traffic
from gateway.listing import Kind, Listed, Where
from gateway.parity.report import report_path, standing
from gateway.routes import SPACE
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.words import Stack


class StackReport(BaseModel):
    """What one stack did on one route since the start."""

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


@dataclass(slots=True)
class _Seen:
    """One stack on one route, as the samples add up."""

    requests: int = 0
    errors: int = 0
    buckets: dict[float, int] = field(default_factory=lambda: defaultdict(int))  # cumulative


def report(
    table: RouteTable,
    metrics: Iterable[Metric],
    listed: Sequence[Listed] = (),
    differences: Mapping[str, int] | None = None,
) -> list[RouteReport]:
    """One row for every route that an app serves, then one per other label that has traffic."""
    metrics, differences = list(metrics), differences or {}
    seen, rescued = _collect(metrics), _rescued(metrics)
    splits = {
        route.id: route.split * 100 / SPACE
        for route in table.routes
        if route.legacy and route.modern
    }
    known = {one.endpoint.id: one for one in listed}
    labels = dict.fromkeys([*known, *splits, *sorted(label for label, _ in seen)])
    return [
        RouteReport(
            route=label,
            served=known[label].where if label in known else None,
            split=splits.get(label),
            legacy=_stack_report(seen.get((label, Stack.LEGACY), _Seen())),
            modern=_stack_report(seen.get((label, Stack.MODERN), _Seen())),
            rescued=rescued.get(label, 0),
            notes=_notes(known[label]) if label in known else [],
            unexplained=differences.get(label, 0),
        )
        for label in labels
    ]


def with_history(rows: list[RouteReport], seen: Seen) -> list[RouteReport]:
    """The rows with what earlier starts saw as well; and one for each label that only they saw."""
    known = {row.route for row in rows}
    rows = rows + [RouteReport(route=label) for label in sorted(seen) if label not in known]
    for row in rows:
        for stack, one in ((row.legacy, Stack.LEGACY), (row.modern, Stack.MODERN)):
            traffic = seen.get(row.route, {}).get(one, Traffic())
            stack.total, stack.last = traffic.requests, traffic.last or None
    return rows


def unexplained(settings: Settings) -> dict[str, int]:
    """How many differences of the last `banyan parity` stand on each route."""
    found = standing(report_path(settings.var))
    return {route: len(findings) for route, findings in found.items()}


def _notes(listed: Listed) -> list[NoteReport]:
    return [NoteReport(kind=n.kind, text=n.text, mended=n.mended) for n in listed.notes]


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


def _collect(metrics: Iterable[Metric]) -> dict[tuple[str, str], _Seen]:
    seen: dict[tuple[str, str], _Seen] = defaultdict(_Seen)
    for metric in metrics:
        for name, labels, value, *_ in metric.samples:
            if name == "gateway_requests_total":
                row = seen[labels["route"], labels["stack"]]
                row.requests += int(value)
                row.errors += int(value) if labels["status"] >= "500" else 0
            elif name == "gateway_request_duration_seconds_bucket":
                row = seen[labels["route"], labels["stack"]]
                row.buckets[float(labels["le"])] += int(value)
    return seen


def _rescued(metrics: Iterable[Metric]) -> dict[str, int]:
    return {
        labels["route"]: int(value)
        for metric in metrics
        for name, labels, value, *_ in metric.samples
        if name == "gateway_failovers_total" and labels["outcome"] == "rescued"
    }


def _stack_report(seen: _Seen) -> StackReport:
    return StackReport(
        requests=seen.requests,
        errors=seen.errors,
        error_rate=seen.errors / seen.requests if seen.requests else None,
        p50=quantile(0.50, seen.buckets),
        p95=quantile(0.95, seen.buckets),
    )
