"""What if a split were another: which of the clients that were seen move. Pure.

Who was seen is told by the workers (`gateway.observe.recent`) or by an access log (`read_log`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Final

from gateway.observe.recent import ROUTES, Sample, Samples, union
from gateway.routes import SPACE

_NAMES: Final = frozenset(
    {
        "at", "request_id", "method", "path", "route", "stack", "reason", "bucket", "plan_version",
        "status", "ms",
    }
)  # fmt: skip
_LONGEST: Final = 1 << 20  # characters of a line; a path of 64 kB has 400 000, all escaped
_LATEST: Final = 1e11  # seconds since 1970: the year 5138
_cohort = attrgetter("cohort")


@dataclass(frozen=True, slots=True)
class Change:
    """A route's split, before and after, in buckets."""

    route: str
    cohort: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change does to the clients that were seen on its route."""

    route: str
    before: int  # buckets
    after: int
    clients: int  # seen on the route
    to_modern: int  # of them
    to_legacy: int
    exact: bool  # every client seen is counted; False: they are estimated from a sample


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What several changes do together."""

    routes: tuple[Moved, ...]
    clients: int  # seen on one of the routes; one who is in two cohorts counts twice
    moved: int  # of them, on one route at least
    exact: bool


def moved(change: Change, sample: Sample) -> Moved:
    """A raised split moves the buckets [before, after) to modern, a lowered one [after, before) back."""
    low, high = sorted((change.before, change.after))
    clients = sample.clients(low, high)
    raised = change.after > change.before
    return Moved(
        change.route,
        change.before,
        change.after,
        clients=sample.clients(),
        to_modern=clients if raised else 0,
        to_legacy=0 if raised else clients,
        exact=sample.exact,
    )


def what_if(changes: Iterable[Change], samples: Mapping[str, Sample]) -> WhatIf:
    """Each route by itself, and all together; a route without a sample was seen by nobody."""
    changes = list(changes)
    clients, touched = 0, 0
    for _, cohort in groupby(sorted(changes, key=_cohort), _cohort):
        # In one cohort a client has the same bucket on all routes; in two, buckets have nothing in common.
        same = list(cohort)
        seen = union(samples.get(change.route, Sample()) for change in same)
        clients += seen.clients()
        touched += round(len(_moving(same, samples, seen)) * seen.weight)
    return WhatIf(
        tuple(moved(change, samples.get(change.route, Sample())) for change in changes),
        clients,
        touched,
        all(samples[change.route].exact for change in changes if change.route in samples),
    )


def _moving(changes: list[Change], samples: Mapping[str, Sample], seen: Sample) -> set[int]:
    """The buckets of `seen` that a change moves on a route where they were seen."""
    found: set[int] = set()
    for change in changes:
        low, high = sorted((change.before, change.after))
        sample = samples.get(change.route, Sample())
        found.update(bucket for bucket in sample.buckets if low <= bucket < high)
    return found.intersection(seen.buckets)


@dataclass(slots=True)
class Asked:
    """What a log says about one route. 100 000 clients take 8 MB."""

    first: float  # seconds since 1970
    last: float
    requests: dict[int, int] = field(default_factory=dict)  # by bucket

    def between(self, low: int = 0, high: int = SPACE) -> int:
        """Requests of the buckets [low, high)."""
        return sum(count for bucket, count in self.requests.items() if low <= bucket < high)

    def sample(self) -> Sample:
        """Every bucket: a log leaves none out."""
        return Sample(tuple(sorted(self.requests)))


@dataclass(slots=True)
class Seen:
    """What a log says, and how many of its lines say nothing."""

    routes: dict[str, Asked] = field(default_factory=dict)
    requests: int = 0
    earlier: int = 0  # requests before the time asked for
    left_out: int = 0  # requests on further routes, where there are more than ROUTES
    other: int = 0  # lines that are none of the access log

    def samples(self) -> Samples:
        """As the workers would tell it, had they seen these requests."""
        return {route: asked.sample() for route, asked in self.routes.items()}


def read_log(lines: Iterable[str], since: float = 0.0) -> Seen:
    """Reads the access log from `since` (seconds since 1970) on; it fails for no line.

    A client keeps its bucket until the plan gives the route another cohort or counts units by something
    else: what is older than that says nothing.
    """
    seen = Seen()
    for line in lines:
        entry = _entry(line)
        if entry is None:
            seen.other += 1
        elif entry[0] < since:
            seen.earlier += 1
        else:
            _count(seen, *entry)
    return seen


def _entry(line: str) -> tuple[float, str, int] | None:
    """When, on which route, and the bucket; None for a line that `AccessLog` did not write."""
    if len(line) > _LONGEST or not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not found.keys() >= _NAMES:
        return None
    match found["at"], found["route"], found["bucket"]:
        case float(at), str(route), int(bucket) if (
            0 <= at < _LATEST and type(bucket) is int and 0 <= bucket < SPACE
        ):
            return at, route, bucket
        case _:
            return None


def _count(seen: Seen, at: float, route: str, bucket: int) -> None:
    asked = seen.routes.get(route)
    if asked is None:
        if len(seen.routes) >= ROUTES:
            seen.left_out += 1
            return
        asked = seen.routes[route] = Asked(at, at)
    seen.requests += 1
    asked.first, asked.last = min(asked.first, at), max(asked.last, at)
    asked.requests[bucket] = asked.requests.get(bucket, 0) + 1
