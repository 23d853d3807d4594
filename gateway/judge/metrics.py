"""The judge's metrics, of the control plane that leads. docs/metrics.md lists them."""

from typing import Final

from prometheus_client import Counter, Gauge

LAST_LOOK: Final = Gauge(
    "gateway_judge_last_look_timestamp_seconds",
    "When the judge last saw all it goes by, in seconds since 1970.",
    multiprocess_mode="max",
)
ROLLBACKS: Final = Counter("gateway_rollbacks_total", "Routes the guard rolled back.", ("route",))
LATCHED: Final = Gauge(
    "gateway_latched_routes",
    "Routes that were rolled back and that nobody has acknowledged.",
    multiprocess_mode="livemax",
)
GIVEN_UP: Final = Counter(
    "gateway_notices_given_up_total", "Notices that a channel did not take in time.", ("channel",)
)
