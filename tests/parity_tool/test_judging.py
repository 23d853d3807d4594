"""Verdicts, rules that explain, and what the plan's gate reads."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.endpoints import Endpoint, Inventory
from gateway.parity.accept import NothingStands, Selector, Signature
from gateway.parity.command import Usage, accepted, signature
from gateway.parity.files import FileRefused
from gateway.parity.judge import Judge, complaints
from gateway.parity.model import Evidence, Probe, RouteReport, Verdict
from gateway.parity.report import merged, report_path, standing, write_report
from gateway.parity.rules import Rule, read_rules
from gateway.parity.run import Wanted
from gateway.settings import Settings
from gateway.shadow.difference import Difference, Kind

TODAY = date(2026, 11, 25)
ROUTE = "GET /orders"
PROBE = Probe(ROUTE, "plain", "GET", "/orders")
PRICE = Difference("/*/price", Kind.TYPE, 1.5, "1.5")
CLOCK = Difference("/*/at", Kind.VALUE, 1, 2)
INVENTORY = Inventory((Endpoint("GET", "/orders"),), (Endpoint("GET", "/orders"),))


def rule(until: date = TODAY, path: str = "/*/price", kind: Kind | None = Kind.TYPE) -> Rule:
    return Rule(route=ROUTE, path=path, kind=kind, reason="agreed", until=until)


def verdict(*differences: Difference, rules: tuple[Rule, ...] = ()) -> RouteReport:
    evidence = Evidence(ROUTE, [(PROBE, differences), (PROBE, differences)], reached=True)
    evidence.noise = {(CLOCK.path, CLOCK.kind), (PRICE.path, PRICE.kind)}
    return Judge(rules, TODAY, "now").report(evidence)


def test_no_difference_is_equal() -> None:
    assert verdict().verdict is Verdict.EQUAL


def test_a_value_that_legacy_changes_itself_is_noise() -> None:
    assert verdict(CLOCK).verdict is Verdict.EXPLAINED


@pytest.mark.parametrize(
    "kind",
    [
        Kind.STATUS,
        Kind.TYPE,
        Kind.FORMAT,
        Kind.MISSING,
        Kind.EXTRA,
        Kind.NULL,
        Kind.CONTENT_TYPE,
        Kind.LENGTH,
    ],
)
def test_only_values_are_ever_noise(kind: Kind) -> None:
    evidence = Evidence(ROUTE, [(PROBE, (Difference("/a", kind),))], noise={("/a", kind)})
    assert Judge((), TODAY, "now").report(evidence).verdict is Verdict.UNEXPLAINED


def test_a_rule_explains_up_to_its_last_day() -> None:
    assert verdict(PRICE, rules=(rule(),)).verdict is Verdict.EXPLAINED
    over = rule(TODAY - timedelta(days=1))
    assert verdict(PRICE, rules=(over,)).verdict is Verdict.UNEXPLAINED
    (named,) = complaints([over], [verdict(PRICE)], TODAY)
    assert named.startswith("expired, explains nothing: GET /orders")


def test_a_rule_for_another_class_explains_nothing() -> None:
    assert verdict(PRICE, rules=(rule(kind=Kind.VALUE),)).verdict is Verdict.UNEXPLAINED


def test_a_rule_that_hides_nothing_any_more_is_named() -> None:
    (named,) = complaints([rule()], [verdict(CLOCK)], TODAY)
    assert named.startswith("hides nothing any more: GET /orders /*/price type")
    assert complaints([rule()], [verdict(PRICE)], TODAY) == []


def test_a_finding_counts_its_probes_and_keeps_no_value() -> None:
    (finding,) = verdict(PRICE).findings
    assert finding.count == 2
    assert (finding.expected, finding.got) == ("float", "string of 3")


def test_a_status_is_nobodys_secret() -> None:
    (finding,) = verdict(Difference("status", Kind.STATUS, 400, 422)).findings
    assert (finding.expected, finding.got) == ("400", "422")


@pytest.mark.parametrize(
    ("legacy", "elsewhere"),
    [("app:app", False), ("process:app:app", False), ("http://h:1", True), ("unix:/s", True)],
)
def test_a_stack_that_others_run_counts_as_elsewhere(legacy: str, elsewhere: bool) -> None:
    assert Wanted(Settings(), legacy, "app:app").elsewhere is elsewhere


def test_a_route_on_which_legacy_never_succeeds_says_so() -> None:
    evidence = Evidence(ROUTE, [(PROBE, ())])
    report = Judge((), TODAY, "now").report(evidence)
    assert report.note == "legacy answered no probe with success: give an example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """With the report of a run that found PRICE and CLOCK."""
    found = Settings(plan=tmp_path / "traffic.yaml", var=tmp_path)
    routes = {ROUTE: verdict(PRICE, CLOCK)}
    write_report(report_path(tmp_path), merged(None, INVENTORY, "now", routes))
    return found


def sign(until: date = TODAY) -> Signature:
    return Signature("the client reads both", "ann", TODAY, until)


def test_what_is_accepted_stands_no_more_until_it_expires(settings: Settings) -> None:
    rules = settings.var / "parity.yaml"
    accepted(settings, rules, Selector(ROUTE), sign())
    path = report_path(settings.var)
    assert standing(path, TODAY) == {}
    tomorrow = standing(path, TODAY + timedelta(days=1))
    assert [(one.path, one.kind) for one in tomorrow[ROUTE]] == [("/*/price", Kind.TYPE)]


def test_an_acceptance_is_signed_dated_and_read_back(settings: Settings) -> None:
    rules = settings.var / "parity.yaml"
    accepted(settings, rules, Selector(ROUTE, "/*/price", Kind.TYPE), sign())
    (read,) = read_rules(rules)
    assert (read.by, read.at, read.until) == ("ann", TODAY, TODAY)
    assert verdict(PRICE, rules=(read,)).verdict is Verdict.EXPLAINED


def test_accepting_keeps_the_comments_of_the_file(settings: Settings) -> None:
    rules = settings.var / "parity.yaml"
    kept = "# agreed with the app team\nignore:\n- route: GET /x # see the wiki\n"
    rules.write_text(f"{kept}  path: /a\n  reason: old\n  until: 2027-01-01\n")
    accepted(settings, rules, Selector(ROUTE), sign())
    assert rules.read_text().startswith(kept)
    assert len(read_rules(rules)) == 2


@pytest.mark.parametrize(
    "selector",
    [
        Selector("GET /order"),
        Selector(ROUTE, "/*/prices"),
        Selector(ROUTE, "/*/price", Kind.VALUE),
        Selector(ROUTE, "/*/at"),
    ],
)
def test_what_does_not_stand_cannot_be_accepted(selector: Selector, settings: Settings) -> None:
    with pytest.raises(NothingStands, match=r"nearest: GET /orders /\*/price type"):
        accepted(settings, settings.var / "parity.yaml", selector, sign())
    assert not (settings.var / "parity.yaml").exists()


@pytest.mark.parametrize(
    ("reason", "until"), [("", None), (" ", None), ("why", date(2026, 11, 24))]
)
def test_an_acceptance_has_a_reason_and_an_end_to_come(reason: str, until: date | None) -> None:
    with pytest.raises(Usage):
        signature(reason, until, TODAY)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ignore: [{route: GET /x, path: /a, until: 2027-01-01}]", r"ignore\[0\].reason"),
        ("ignore: [{route: GET /x, path: /a, reason: why}]", r"ignore\[0\].until"),
        ("ignore: [{route: GET /x, path: /a, reason: why, until: soon}]", r"ignore\[0\].until"),
        ("ignored: []", "ignored"),
    ],
)
def test_a_rule_without_reason_or_end_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "parity.yaml").write_text(text)
    with pytest.raises(FileRefused, match=problem):
        read_rules(tmp_path / "parity.yaml")


def test_a_stack_that_serves_something_else_makes_the_old_word_void() -> None:
    old = merged(None, INVENTORY, "then", {ROUTE: verdict(PRICE)})
    other = Inventory(INVENTORY.legacy, ())
    assert merged(old, INVENTORY, "now", {}).routes.keys() == {ROUTE}
    assert merged(old, other, "now", {}).routes == {}


def test_where_no_run_has_been_nothing_stands(tmp_path: Path) -> None:
    assert standing(tmp_path / "parity.json", TODAY) == {}
