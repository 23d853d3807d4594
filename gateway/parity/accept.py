"""Accepting what stands: a rule for each difference that was named, and no more."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches

from gateway.endpoints import parse_endpoint
from gateway.errors import BanyanError
from gateway.parity.judge import explained_by, judged, rule_hides
from gateway.parity.model import Finding, Report
from gateway.parity.rules import Rule
from gateway.plan.patterns import matches
from gateway.shadow.difference import Kind, path_matches


class NothingStands(BanyanError):
    """What should be accepted is no difference that stands; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which differences: those of a route or a pattern, all of them or one path, one class."""

    route: str
    path: str | None = None
    kind: Kind | None = None

    def takes(self, route: str, finding: Finding) -> bool:
        return (
            matches(self.route, parse_endpoint(route))
            and (self.path is None or path_matches(self.path, finding.path))
            and self.kind in {None, finding.kind}
        )


@dataclass(frozen=True, slots=True)
class Signature:
    """Who accepts, when, why, and for how long."""

    reason: str
    by: str
    at: date
    until: date


def rules_for(report: Report, selector: Selector, signature: Signature) -> list[Rule]:
    """One rule for each difference that stands. Raises NothingStands."""
    all_standing = list(_standing(report, signature.at))
    taken = [(route, one) for route, one in all_standing if selector.takes(route, one)]
    if not taken:
        raise NothingStands(_message(selector, all_standing))
    return [
        Rule(
            route=route,
            path=finding.path,
            kind=finding.kind,
            reason=signature.reason,
            by=signature.by,
            at=signature.at,
            until=signature.until,
        )
        for route, finding in taken
    ]


def with_rules(report: Report, rules: list[Rule], today: date) -> Report:
    """The report as it is with these acceptances: the plan's gate reads it before the next run."""
    routes = {}
    for route, one in report.routes.items():
        findings = tuple(_accepted(finding, route, rules, today) for finding in one.findings)
        changed = replace(one, findings=findings)
        routes[route] = one if findings == one.findings else judged(changed, today)
    return replace(report, routes=routes)


def _accepted(finding: Finding, route: str, rules: list[Rule], today: date) -> Finding:
    """Only what stands is accepted: what is noise stays noise."""
    rule = next((rule for rule in rules if rule_hides(rule, route, finding)), None)
    return explained_by(finding, rule) if rule and finding.stands(today) else finding


def _standing(report: Report, today: date) -> Iterator[tuple[str, Finding]]:
    for route, one in report.routes.items():
        yield from ((route, finding) for finding in one.standing(today))


def _message(selector: Selector, standing: list[tuple[str, Finding]]) -> str:
    names = [f"{route} {finding.path} {finding.kind}" for route, finding in standing]
    asked = " ".join(filter(None, (selector.route, selector.path, selector.kind)))
    near = get_close_matches(asked, names, 1, cutoff=0.0)
    return f"no difference stands at {asked}" + (f"; nearest: {near[0]}" if near else "")
