"""Side by side: every route, who serves it, and what each stack did on it, as the workers tell it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import inf

from gateway.control.shown import NoteReport, RouteReport, StackReport
from gateway.judge.look import breakers_by_route
from gateway.judge.ramp import Ramp
from gateway.listing import Listed
from gateway.observe.batches import BOUNDS
from gateway.observe.seen import Seen, StackTraffic
from gateway.parity.report import report_path, standing
from gateway.plan.numbers import percent_of
from gateway.routes import SPACE
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.store.standings import Standing
from gateway.store.workers import Past, Worker
from gateway.words import Stack


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
