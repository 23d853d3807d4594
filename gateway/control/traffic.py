"""What each stack has answered since the migration began: metrics begin anew with each start, this does not.

A route is done when legacy has not been asked for it for long enough, which is a matter of weeks.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
import structlog
from anyio import to_thread
from prometheus_client import Metric
from pydantic import TypeAdapter, ValidationError

from gateway.atomic import replace_file
from gateway.control.scrape import registry

INTERVAL: Final = 15.0  # seconds between two writes; a kill loses so much


@dataclass(slots=True)
class Traffic:
    """One stack on one route."""

    requests: int = 0
    last: float = 0.0  # when it was last asked, in seconds since 1970; 0: never


_log = structlog.get_logger()

Seen = dict[str, dict[str, Traffic]]  # route → stack → traffic
_FILE: Final = TypeAdapter(Seen)


@dataclass(slots=True)
class TrafficLog:
    """The traffic of earlier runs, from a file, and what this run adds to it."""

    path: Path
    before: Seen = field(default_factory=dict)

    def open(self) -> None:
        """Reads what earlier runs left; one that cannot be read is begun anew."""
        try:
            self.before = _FILE.validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            self.before = {}

    def total(self, metrics: Iterable[Metric]) -> Seen:
        """Earlier runs and this one."""
        found: Seen = defaultdict(lambda: defaultdict(Traffic))
        for route, stacks in self.before.items():
            for stack, traffic in stacks.items():
                found[route][stack] = Traffic(traffic.requests, traffic.last)
        for metric in metrics:
            for name, labels, value, *_ in metric.samples:
                if name == "gateway_requests_total":
                    found[labels["route"]][labels["stack"]].requests += int(value)
                elif name == "gateway_last_request_timestamp_seconds":
                    traffic = found[labels["route"]][labels["stack"]]
                    traffic.last = max(traffic.last, value)
        return found

    def write(self) -> None:
        """Raises OSError."""
        seen = self.total(registry().collect())
        replace_file(self.path, _FILE.dump_json(seen, indent=1) + b"\n")

    async def keep(self) -> None:
        """Writes again and again until cancelled."""
        while True:
            await anyio.sleep(INTERVAL)
            await to_thread.run_sync(self.try_to_write)

    def try_to_write(self) -> None:
        """What cannot be written is lost to the burn-down, and to nothing else."""
        try:
            self.write()
        except OSError as error:
            _log.error("traffic.not_kept", error=str(error))
