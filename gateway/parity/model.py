"""The values of a parity run: what is asked of whom, and what was found. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from gateway.shadow.difference import Asked, Difference, Kind

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
UNSAFE: Final = ("PATCH", "PUT", "DELETE", "POST")
ORIGIN: Final = "http://localhost"
Headers = tuple[tuple[str, str], ...]


class Verdict(StrEnum):
    """What a run says about one route."""

    EQUAL = "equal"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    NOT_PROBED = "not probed"


@dataclass(frozen=True, slots=True)
class Probe:
    """One request, made for `route`; `target` is path and query as they stand on the request line."""

    route: str
    what: str  # `query limit: blank`
    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    @property
    def asked(self) -> Asked:
        return Asked(self.method, ORIGIN + self.target)

    @property
    def is_own(self) -> bool:
        """With the route's own method, not another on the same path."""
        return self.route.startswith(f"{self.method} ")

    @property
    def line(self) -> str:
        """How a reader finds the request again."""
        return f"{self.method} {self.target} ({self.what})"

    @property
    def sent(self) -> tuple[object, ...]:
        """What goes over the wire: two probes of which it is equal ask the same."""
        return self.method, self.target, self.headers, self.body


@dataclass(slots=True)
class Evidence:
    """What the probes of one route showed."""

    route: str
    seen: list[tuple[Probe, tuple[Difference, ...]]] = field(default_factory=list)
    noise: set[tuple[str, Kind]] = field(default_factory=set)  # where legacy differs from itself
    left_out: int = 0  # probes beyond the budget, of requests or of time
    reached: bool = False  # legacy's view has answered with success at least once
    why: str = ""  # why there is no probe, or no more


@dataclass(frozen=True, slots=True)
class Finding:
    """Differences of one route at one path and of one kind, over all its probes.

    `explained` says by what; by a rule, it holds up to and with the day `until`. The values are
    redacted unless the run was told to keep them.
    """

    path: str
    kind: Kind
    count: int  # probes that show it
    probe: str  # the first of them
    expected: str
    got: str
    explained: str = ""
    until: date | None = None

    def stands(self, today: date) -> bool:
        """Nothing explains it, or nothing does so any more."""
        return not self.explained or (self.until is not None and self.until < today)


@dataclass(frozen=True, slots=True)
class RouteReport:
    """A route, and what its probes found; `note` is what weakens the verdict, or why there was no probe."""

    route: str
    verdict: Verdict
    at: str  # ISO time
    probes: int = 0
    note: str = ""
    findings: tuple[Finding, ...] = ()

    def standing(self, today: date) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.stands(today))


@dataclass(frozen=True, slots=True)
class Report:
    """The last word on every route. The digests are those of what each stack served then."""

    at: str
    legacy: str
    modern: str
    routes: Mapping[str, RouteReport] = field(default_factory=dict)
