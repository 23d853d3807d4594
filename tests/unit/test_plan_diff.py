"""What differs between two plans, as rows and as one line."""

from decimal import Decimal

import pytest

from gateway.plan.diff import Change, changes, rule_key, summary
from gateway.plan.document import parse
from gateway.plan.judging import RampRule
from gateway.plan.model import Plan, RouteRule
from gateway.words import Phase


def plan(routes: str = "", top: str = "phase: gradual") -> Plan:
    return parse(f"{top}\nroutes: [{routes}]\n").plan


def rows(before: Plan | None, after: Plan) -> list[tuple[str, str, str | None, str | None]]:
    return [(c.place, c.field, c.before, c.after) for c in changes(before, after)]


def test_rows_come_as_plan_defaults_rules_of_the_newer_plan_and_removed_rules() -> None:
    before = plan(
        "{route: GET /gone, modern: 7}, {route: GET /b, modern: 0}, {route: GET /a, modern: 25}",
        "phase: parallel\ndefaults: {modern: 1}",
    )
    after = plan(
        "{route: GET /new, modern: 0.5}, {route: GET /a, modern: 25, cohort: x}, {route: GET /b, modern: 5}",
        "phase: gradual\nkill_switch: true\ndefaults: {failover: never, unit: [client]}",
    )
    assert rows(before, after) == [
        ("phase", "", "parallel", "gradual"),
        ("kill_switch", "", "false", "true"),
        ("defaults", "modern", "1", "0"),
        ("defaults", "failover", "safe", "never"),
        (
            "defaults",
            "unit",
            '["header:x-api-key","header:authorization","client"]',
            '["client"]',
        ),
        ("GET /new", "modern", None, "0.5"),
        ("GET /a", "cohort", None, "x"),
        ("GET /b", "modern", "0", "5"),
        ("GET /gone", "modern", "7", None),
    ]


def test_the_first_plan_is_all_that_it_sets() -> None:
    assert rows(None, plan("{route: GET /a, modern: 0}", "phase: full\ndefaults: {cohort: x}")) == [
        ("phase", "", None, "full"),
        ("defaults", "cohort", None, "x"),
        ("GET /a", "modern", None, "0"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{route: GET /a, modern: 25}", "{route: GET /a, modern: 25.000}"),
        ("{route: 'GET /a/{id}', modern: 1}", "{route: 'GET /a/{other}', modern: 1}"),
        ("{route: GET /a, modern: 1}", "{route: GET /a, modern: 1, front_door: legacy, cohort: }"),
        (
            "{route: GET /a, modern: 1}, {route: GET /b, modern: 2}",
            "{route: GET /b, modern: 2}, {route: GET /a, modern: 1}",
        ),
    ],
    ids=["spelling of numbers", "names of variables", "defaults said", "order"],
)
def test_what_means_the_same_is_no_change(before: str, after: str) -> None:
    assert changes(plan(before), plan(after)) == ()


def test_a_route_is_spelt_as_in_the_newer_plan() -> None:
    old, new = (
        plan("{route: 'GET /a/{id}', modern: 1}"),
        plan("{route: 'GET /a/{other}', modern: 2}"),
    )
    assert rows(old, new) == [("GET /a/{other}", "modern", "1", "2")]


def test_patterns_are_one_rule_only_as_text() -> None:
    assert rule_key("GET /a/{b}") == rule_key("GET /a/{c}")
    assert rule_key("* /a/{b}") != rule_key("* /a/{c}")
    assert rule_key("GET /a/{b}/**") != rule_key("GET /a/{c}/**")


def test_fields_of_several_values_are_shown_as_compact_json() -> None:
    def ramped(ramp: RampRule | None) -> Plan:
        rule = RouteRule(route="GET /a", modern=Decimal(1), ramp=ramp)
        return Plan(phase=Phase.GRADUAL, routes=(rule,))

    five = ramped(RampRule(steps=(Decimal("0.50"), Decimal(5))))
    shown = '{"steps":[0.5,5],"hold":"30m","minimum":500,"margin":2.0,"approve":[]}'
    assert rows(ramped(None), five) == [("GET /a", "ramp", None, shown)]
    assert changes(five, ramped(RampRule(steps=(Decimal("0.5"), Decimal("5.0"))))) == ()


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ([], "no change"),
        ([Change("phase", "", "parallel", "gradual")], "phase parallel → gradual"),
        ([Change("phase", "", None, "full")], "phase full"),
        ([Change("defaults", "modern", None, "5")], "defaults modern 5"),
        (
            [Change("GET /a", "modern", "0", "25"), Change("GET /a", "cohort", None, "x")],
            "GET /a modern 0 → 25, cohort x",
        ),
        ([Change("GET /a", "cohort", "x", None)], "GET /a cohort x removed"),
        (
            [Change("POST /x", "modern", None, "5"), Change("POST /x", "cohort", None, "y")],
            "new rule POST /x modern 5, cohort y",
        ),
        ([Change("POST /x", "modern", "5", None)], "removed rule POST /x modern 5"),
        (
            [Change(f"GET /{n}", "modern", "0", "1") for n in range(17)],
            "; ".join(f"GET /{n} modern 0 → 1" for n in range(5)) + "; and 12 more",
        ),
    ],
)
def test_a_summary_is_one_line(found: list[Change], line: str) -> None:
    assert summary(found) == line
