"""The data plane's metrics. docs/metrics.md lists them; labels are routes, never raw paths.

In several processes prometheus-client keeps its values in files below PROMETHEUS_MULTIPROC_DIR, which
must be set before this module is imported: the launcher does that (`gateway.cli.launch`).
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from gateway.exchange import Exchange
from gateway.words import Reason, Stack

_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
Labels = tuple[str, str, Stack, Reason, int]
_BATCH: Final = 64  # exchanges
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter(
    "gateway_requests_total",
    "Requests by what answered them.",
    ("route", "method", "stack", "reason", "status"),
)
DURATION = Histogram(
    "gateway_request_duration_seconds",
    "Seconds from the request's head to the last byte of its answer.",
    ("route", "stack"),
    buckets=_BUCKETS,
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
WSGI_QUEUE = Histogram(
    "gateway_wsgi_queue_seconds", "Seconds a request waited for a thread.", buckets=_BUCKETS
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


class Metrics:
    """Counts exchanges, 64 at a time: side by side they cost half of what they cost one by one.

    The children of a set of labels are looked up once and kept together.
    """

    def __init__(self) -> None:
        self._kept: dict[Labels, tuple[Counter, Histogram]] = {}
        self._exchanges: list[Exchange] = []

    def observe(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        if len(self._exchanges) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Counts what waits; the worker calls it each second and at its end."""
        exchanges, self._exchanges = self._exchanges, []
        last: dict[tuple[str, Stack], float] = {}
        for exchange in exchanges:
            stack, reason, _ = exchange.decision
            # What the decided stack did: a rescued answer counts against modern.
            status = exchange.failed or exchange.status
            labels = (exchange.route, exchange.method, stack, reason, status)
            if exchange.failed or exchange.over_budget:
                FAILOVERS.labels(exchange.route, _outcome(exchange)).inc()
            requests, duration = self._kept.get(labels) or self._children(labels)
            requests.inc()
            duration.observe(exchange.seconds)
            # They come in the order of their ends, not of their beginnings.
            last[exchange.route, stack] = max(exchange.at, last.get((exchange.route, stack), 0.0))
            if exchange.failed:
                last[exchange.route, Stack.LEGACY] = exchange.at
        for (route, stack), at in last.items():
            LAST_REQUEST.labels(route, stack).set(at)

    def _children(self, labels: Labels) -> tuple[Counter, Histogram]:
        route, method, stack, reason, status = labels
        if method not in _METHODS:  # a client may send any word: nothing is kept for it
            return REQUESTS.labels(route, "other", stack, reason, status), DURATION.labels(
                route, stack
            )
        children = REQUESTS.labels(*labels), DURATION.labels(route, stack)
        self._kept[labels] = children
        return children
