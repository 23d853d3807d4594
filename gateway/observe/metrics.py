"""The data plane's metrics. docs/metrics.md lists them; labels are routes, never raw paths.

In several processes prometheus-client keeps its values in files below PROMETHEUS_MULTIPROC_DIR, which
must be set before this module is imported: the launcher does that (`gateway.cli.launch`).
"""

from collections.abc import Sequence
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from gateway.exchange import Exchange
from gateway.observe.batches import BOUNDS, Batches, Counting, Group
from gateway.words import Reason, Stack

Labels = tuple[str, str, Stack, Reason, int]
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class BatchHistogram(Histogram):
    """A histogram that takes many observations at once."""

    def observe_all(self, bins: Sequence[int], total: float) -> None:
        """`bins`: how many there are up to each bound and above all; `total`: their sum in seconds."""
        self._sum.inc(total)
        for bucket, count in zip(self._buckets, bins, strict=True):
            if count:
                bucket.inc(count)


REQUESTS = Counter(
    "gateway_requests_total",
    "Requests by what answered them.",
    ("route", "method", "stack", "reason", "status"),
)
DURATION = BatchHistogram(
    "gateway_request_duration_seconds",
    "Seconds from the request's head to the last byte of its answer.",
    ("route", "stack"),
    buckets=BOUNDS,
)
LAST_REQUEST = Gauge(
    "gateway_last_request_timestamp_seconds",
    "When a stack last answered a request of the route, in seconds since 1970.",
    ("route", "stack"),
    multiprocess_mode="max",
)
IN_FLIGHT = Gauge(
    "gateway_requests_in_flight",
    "Requests that a stack is answering.",
    ("stack",),
    multiprocess_mode="livesum",
)
PLAN_VERSION = Gauge(
    "gateway_plan_version",
    "Version of the plan; of several workers the one furthest behind.",
    multiprocess_mode="livemin",
)
PLAN_REJECTIONS = Counter("gateway_plan_rejections_total", "Plans that were refused.")
READY = Gauge(
    "gateway_workers_ready",
    "Workers that take requests.",
    multiprocess_mode="livesum",
)
WSGI_BUSY = Gauge(
    "gateway_wsgi_threads_busy",
    "Threads that run the Flask app.",
    multiprocess_mode="livesum",
)
WSGI_QUEUE = BatchHistogram(
    "gateway_wsgi_queue_seconds", "Seconds a request waited for a thread.", buckets=BOUNDS
)
FAILOVERS = Counter(
    "gateway_failovers_total",
    "Failing answers of modern, by what legacy did: rescued, failed too, or was over the budget.",
    ("route", "outcome"),
)
EVENTS = Counter(
    "gateway_events_total",
    "Events for the judge: of a route, client and kind one a minute.",
    ("route", "stack", "signal"),
)
EVIDENCE_DROPPED = Counter(
    "gateway_evidence_dropped_total",
    "Events and sightings that no store took and no memory could hold.",
)
SHADOWS = Counter(
    "gateway_shadow_total",
    "Requests that the other stack was asked too, by what came of it.",
    ("route", "outcome"),
)
SHADOWS_DROPPED = Counter(
    "gateway_shadow_dropped_total",
    "Requests of the sample that the other stack was not asked.",
    ("reason",),
)
FINDINGS = Counter(
    "gateway_findings_total",
    "Shadows that differed, by the classes of their differences.",
    ("route", "class"),
)
BREAKER_STATE = Gauge(
    "gateway_breaker_state",
    "A route's breaker: 0 closed, 1 half-open, 2 open; of several workers the worst.",
    ("route",),
    multiprocess_mode="livemax",
)
EVENT_LOOP_LAG = Gauge(
    "gateway_event_loop_lag_seconds",
    "The longest the event loop was late in the last second; of several workers the worst.",
    multiprocess_mode="livemax",
)
LOOP_BLOCKED = Counter(
    "gateway_event_loop_blocked_seconds_total",
    "Seconds without a beat of the event loop, by the stack whose request ran then; `none`: nobody's.",
    ("stack",),
)
THREADS_WAITED_FOR = Gauge(
    "gateway_threads_waited_for",
    "Requests that wait for a thread: of Flask's pool, or of those that run sync handlers of modern; "
    "of a stack in this process.",
    ("stack",),
    multiprocess_mode="livesum",
)
HEADERS_DROPPED = Counter(
    "gateway_request_headers_dropped_total",
    "Request headers that no stack gets: names with an underscore, and X-Banyan-*.",
    ("reason",),
)
SLOW_CLIENTS_CUT = Counter(
    "gateway_slow_clients_cut_total",
    "Answers of Flask that were cut because their clients took nothing while others waited.",
)
ABORTED_UPLOADS = Counter(
    "gateway_aborted_uploads_total", "Request bodies that ended early; no app was called."
)
ACCESS_LINES_DROPPED = Counter(
    "gateway_access_lines_dropped_total", "Access lines that could not be written in time."
)
OVERRIDES_IGNORED = Counter(
    "gateway_overrides_ignored_total",
    "X-Banyan-Stack headers that were unsigned, wrong or expired.",
)


def _outcome(exchange: Exchange) -> str:
    if exchange.over_budget:
        return "over_budget"
    return "rescued" if exchange.status < 500 else "failed"


class Metrics(Counting):
    """The children of a set of labels are looked up once and kept together."""

    def __init__(self, batches: Batches | None = None) -> None:
        super().__init__(batches)
        self._kept: dict[Labels, tuple[Counter, BatchHistogram]] = {}
        self._last: dict[tuple[str, Stack], tuple[Gauge, float]] = {}

    def count(self, groups: Sequence[Group]) -> None:
        for group in groups:
            one = group.first
            stack, reason, _ = one.decision
            # What the decided stack did: a rescued answer counts against modern.
            labels = (one.route, one.method, stack, reason, one.failed or one.status)
            requests, durations = self._kept.get(labels) or self._children(labels)
            requests.inc(len(group.exchanges))
            durations.observe_all(group.bins, sum(group.seconds))
            self._asked(one.route, stack, group.last)
            if one.failed or one.over_budget:
                FAILOVERS.labels(one.route, _outcome(one)).inc(len(group.exchanges))
            if one.failed:
                self._asked(one.route, Stack.LEGACY, group.last)

    def _asked(self, route: str, stack: Stack, at: float) -> None:
        """Groups do not come in the order of time."""
        gauge, last = self._last.get((route, stack)) or (LAST_REQUEST.labels(route, stack), 0.0)
        if at > last:
            gauge.set(at)
            self._last[route, stack] = gauge, at

    def _children(self, labels: Labels) -> tuple[Counter, BatchHistogram]:
        route, method, stack, reason, status = labels
        if method not in _METHODS:  # a client may send any word: nothing is kept for it
            labels = (route, "other", stack, reason, status)
            return REQUESTS.labels(*labels), DURATION.labels(route, stack)
        children = self._kept[labels] = REQUESTS.labels(*labels), DURATION.labels(route, stack)
        return children
