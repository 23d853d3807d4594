"""The judge's edits of the plan: whatever governs a route, it alone moves; and the gate decides what rises."""

import pytest

from gateway.endpoints import Inventory
from gateway.plan.document import parse
from gateway.words import Stack
from tests.judge.judging import HOLD, PERCENT, A, B, Bench, C

MODERN, LEGACY = Stack.MODERN, Stack.LEGACY


def test_a_route_under_a_pattern_gets_a_rule_of_its_own_that_says_the_same(bench: Bench) -> None:
    bench.edits(
        "phase: gradual\nroutes:\n"
        "  - {route: 'GET /**', modern: 5, cohort: early, failover: never, guard: {alpha: 0.05}}\n"
    )
    bench.fails(A)
    bench.looks()
    others, own = parse(bench.text).plan.routes
    assert [others.route, others.modern] == ["GET /**", 5]
    assert [own.route, own.modern] == [A, 0]
    same = ("cohort", "failover", "guard")
    assert [getattr(own, name) for name in same] == [getattr(others, name) for name in same]


def test_the_last_route_under_a_pattern_goes_back_with_the_pattern(bench: Bench) -> None:
    bench.edits("phase: gradual\nroutes: [{route: 'GET /**', modern: 5}]\n")
    for route in (A, B):
        bench.fails(route)
    bench.looks()
    found = {rule.route: rule.modern for rule in parse(bench.text).plan.routes}
    assert found == {"GET /**": 0, A: 0}
    assert [line.subject for line in bench.lines("guard")] == [A, B]


def test_a_pattern_over_apps_that_do_not_tell_goes_back_as_the_route_it_is(bench: Bench) -> None:
    bench.known = Inventory(None, None)
    bench.inventories = [bench.known]
    bench.edits(
        "phase: gradual\nroutes: [{route: 'GET /**', modern: 5}, {route: '* /x', modern: 5}]\n"
    )
    for route in ("GET /{rest:path}", "* /x"):
        bench.fails(route)
    bench.looks()
    found = {rule.route: rule.modern for rule in parse(bench.text).plan.routes}
    assert found == {"GET /**": 0, "* /x": 0}


def test_such_a_pattern_ramps_as_the_route_it_is(bench: Bench) -> None:
    bench.known = Inventory(None, None)
    bench.inventories = [bench.known]
    bench.edits("phase: gradual\nroutes: [{route: 'GET /**', modern: 5}]\n")
    ready(bench, "GET /{rest:path}")
    bench.looks()
    assert [(one.route, one.split) for one in parse(bench.text).plan.routes] == [
        ("GET /**", 25 * PERCENT)
    ]


def test_the_last_route_under_a_pattern_ramps_with_the_pattern(bench: Bench) -> None:
    bench.edits("phase: gradual\nroutes: [{route: 'POST /**', modern: 5}]\n")
    ready(bench, C)
    bench.looks()
    assert [(one.route, one.split) for one in parse(bench.text).plan.routes] == [
        ("POST /**", 25 * PERCENT)
    ]


def test_a_route_under_the_defaults_gets_a_rule(bench: Bench) -> None:
    bench.edits("phase: gradual\ndefaults: {modern: 5}\n")
    bench.fails(A)
    bench.looks()
    assert {rule.route: rule.modern for rule in parse(bench.text).plan.routes} == {A: 0}


def test_a_route_left_to_modern_s_routing_is_taken_back_from_it(bench: Bench) -> None:
    bench.edits(
        f"phase: gradual\nroutes:\n  - {{route: {A}, modern: 100, front_door: modern}}  # ours\n"
    )
    bench.counts(A, LEGACY, 100_000)
    bench.counts(A, MODERN, 1000, 30)
    bench.looks()
    (rule,) = parse(bench.text).plan.routes
    assert [rule.modern, rule.front_door] == [0, "legacy"]
    assert "# ours" in bench.text


def test_a_rule_keeps_all_that_the_guard_does_not_judge(bench: Bench) -> None:
    bench.edits(
        f"# mine\nphase: gradual\nroutes:\n"
        f"  - route: {A}  # the busy one\n    modern: 5\n    cohort: early\n"
        f"    ramp: {{steps: [1, 5]}}\n"
    )
    bench.fails(A)
    bench.looks()
    assert bench.text == (
        f"# mine\nphase: gradual\nroutes:\n"
        f"  - route: {A}  # the busy one\n    modern: 0\n    cohort: early\n"
        f"    ramp: {{steps: [1, 5]}}\n"
    )


def test_the_parity_gate_holds_a_ramp(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.planned({A: 5})
    ready(bench)
    standing = "gateway.parity.gate.standing"
    unexplained = {A: [Standing("/price", "type")]}
    with monkeypatch.context() as patch:
        patch.setattr(standing, lambda *_: unexplained)
        bench.looks(2)
        assert bench.ramp(A).why.startswith("the plan refuses 25 %: line 3: ")
        assert "a difference stands unexplained on GET /a (/price type)" in bench.ramp(A).why
        assert bench.steps(A) == [5]
    bench.looks()
    assert bench.steps(A) == [5, 25]


def test_the_parity_gate_does_not_keep_a_route_from_going_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.planned({A: 5})
    ready(bench)
    unexplained = {A: [Standing("/price", "type")], B: [Standing("/price", "type")]}
    monkeypatch.setattr("gateway.parity.gate.standing", lambda *_: unexplained)
    bench.fails(A)
    bench.looks()
    assert bench.steps(A) == [5, 0]


def ready(bench: Bench, route: str = A) -> None:
    """A ramp has all that its step from 5 to 25 % takes."""
    bench.ramps(route)
    bench.looks()
    bench.clock.passes(HOLD)
    bench.is_well(route)


class Standing:
    """A difference that nobody has explained."""

    def __init__(self, path: str, kind: str) -> None:
        self.path, self.kind = path, kind
