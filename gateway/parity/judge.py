"""From what the probes showed to a verdict on each route. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from gateway.parity.model import Evidence, Finding, Probe, RouteReport, Verdict
from gateway.parity.rules import Rule
from gateway.shadow.difference import Absent, Difference, Kind, Shown
from gateway.shadow.formats import redacted
from gateway.shadow.noise import NOISY

_NOISE: Final = "noise: legacy differs from itself here"
_OPEN: Final = frozenset({Kind.STATUS, Kind.CONTENT_TYPE})  # nobody's secrets
_SHOWN: Final = 200  # characters of a value that is kept


@dataclass(frozen=True, slots=True)
class Judge:
    """How a run is judged; `values`: keep what the apps said, not only its type and length."""

    rules: Sequence[Rule]
    today: date
    at: str
    values: bool = False

    def report(self, evidence: Evidence) -> RouteReport:
        """The verdict on one route."""
        findings = tuple(self._explained(one, evidence) for one in self._findings(evidence))
        report = RouteReport(
            evidence.route,
            Verdict.NOT_PROBED,
            self.at,
            len(evidence.seen),
            _note(evidence),
            findings,
        )
        return judged(report, self.today) if evidence.seen else report

    def _findings(self, evidence: Evidence) -> list[Finding]:
        found: dict[tuple[str, Kind], Finding] = {}
        for probe, differences in evidence.seen:
            for difference in differences:
                place = difference.path, difference.kind
                one = found.get(place) or self._finding(difference, probe)
                found[place] = replace(one, count=one.count + 1)
        return [found[place] for place in sorted(found)]

    def _finding(self, difference: Difference, probe: Probe) -> Finding:
        show = shown if self.values or difference.kind in _OPEN else redacted
        return Finding(
            difference.path,
            difference.kind,
            0,
            probe.line,
            show(difference.expected),
            show(difference.got),
        )

    def _explained(self, finding: Finding, evidence: Evidence) -> Finding:
        rule = next((r for r in self.rules if rule_hides(r, evidence.route, finding)), None)
        if rule is not None and rule.holds(self.today):
            return explained_by(finding, rule)
        if finding.kind in NOISY and (finding.path, finding.kind) in evidence.noise:
            return replace(finding, explained=_NOISE)
        return finding


def rule_hides(rule: Rule, route: str, finding: Finding) -> bool:
    return rule.names(route) and rule.hides(Difference(finding.path, finding.kind))


def explained_by(finding: Finding, rule: Rule) -> Finding:
    return replace(finding, explained=rule.reason, until=rule.until)


def judged(report: RouteReport, today: date) -> RouteReport:
    """With the verdict that its findings give it on a day."""
    if report.standing(today):
        return replace(report, verdict=Verdict.UNEXPLAINED)
    return replace(report, verdict=Verdict.EXPLAINED if report.findings else Verdict.EQUAL)


def complaints(rules: Iterable[Rule], reports: Iterable[RouteReport], today: date) -> list[str]:
    """The rules that are over, and those that hide nothing on the routes that were probed."""
    probed = [report for report in reports if report.verdict is not Verdict.NOT_PROBED]
    found = []
    for rule in rules:
        named = [report for report in probed if rule.names(report.route)]
        hidden = [one for r in named for one in r.findings if rule_hides(rule, r.route, one)]
        if not rule.holds(today):
            found.append(f"expired, explains nothing: {rule}")
        elif named and not hidden:
            found.append(f"hides nothing any more: {rule}")
    return found


def shown(value: Shown) -> str:
    """The value itself, cut."""
    if isinstance(value, Absent):
        return "absent"
    return json.dumps(value, ensure_ascii=False)[:_SHOWN]


def _note(evidence: Evidence) -> str:
    notes = [evidence.why] if evidence.why else []
    if evidence.seen and not evidence.reached:
        notes.append("legacy answered no probe with success: give an example")
    if evidence.left_out:
        notes.append(f"{evidence.left_out} probes beyond the budget")
    return "; ".join(notes)
