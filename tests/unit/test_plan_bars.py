"""A latched route may not rise, a ramping one is moved by nobody else; all else is free."""

import pytest

from gateway.endpoints import Inventory, parse_endpoint
from gateway.plan.bars import Bar, barred
from gateway.plan.compile import compile_plan
from gateway.plan.document import parse
from gateway.plan.edit import with_kill_switch

A, B, X, N = "GET /a", "GET /b", "GET /x/{id}", "GET /x/{n:int}/y"
SERVED = tuple(map(parse_endpoint, (A, B, X, N)))
WHOLE, UNTOLD = Inventory(SERVED, SERVED), Inventory(None, None)
LATCH = Bar(A, False, "GET /a, 5 % -> 1 %")
RAMP = Bar(A, True, "running, by cli:ann")


def plan(phase: str = "gradual", defaults: str = "{}", **modern: float) -> str:
    """A percentage for each route: `a=5`."""
    rules = "".join(f"  - {{route: GET /{name}, modern: {m}}}\n" for name, m in modern.items())
    head = f"phase: {phase}\ndefaults: {defaults}\n"
    return head + (f"routes:\n{rules}" if rules else "")


def told(
    before: str, after: str, *bars: Bar, inventory: Inventory = WHOLE, kill: bool = False
) -> list[str]:
    if kill:
        before, after = with_kill_switch(before, True), with_kill_switch(after, True)
    tables = [
        compile_plan(parse(text), inventory, version=1, secret=b"s") for text in (before, after)
    ]
    return [problem.message for problem in barred(bars, *tables)]


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.parametrize(("now", "allowed"), [(0, True), (4.999, True), (5, True), (5.001, False)])
def test_a_latched_route_may_fall_and_may_not_rise(now: float, allowed: bool, kill: bool) -> None:
    found = told(plan(a=5), plan(a=now), LATCH, kill=kill)
    assert (found == []) is allowed


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.parametrize(("now", "allowed"), [(0, False), (5, True), (5.001, False), (100, False)])
def test_a_ramping_route_is_moved_neither_up_nor_down(
    now: float, allowed: bool, kill: bool
) -> None:
    found = told(plan(a=5), plan(a=now), RAMP, kill=kill)
    assert (found == []) is allowed


def test_the_refusal_says_what_is_barred_and_the_next_step() -> None:
    assert told(plan(a=1), plan(a=25), LATCH) == [
        (
            "GET /a was rolled back (GET /a, 5 % -> 1 %), and this would move it from 1 % to 25 %; "
            "once that is mended: banyan ack 'GET /a'"
        )
    ]
    assert told(plan(a=5), plan(a=0), RAMP) == [
        (
            "GET /a is ramping (running, by cli:ann), and this would move it from 5 % to 0 %; "
            "to take over: banyan ramp abort 'GET /a'"
        )
    ]
    assert told(plan(a=5), plan("full", a=5), LATCH) == [
        (
            "GET /a was rolled back (GET /a, 5 % -> 1 %), and the phase would move it; "
            "once that is mended: banyan ack 'GET /a'"
        )
    ]


def test_a_ramping_route_keeps_its_clients_too() -> None:
    before, after = plan(a=5), plan(a=5, defaults="{cohort: beta}")
    assert told(before, after, RAMP) == [
        (
            "GET /a is ramping (running, by cli:ann), and cohort `beta` has other clients than "
            "`migration`; to take over: banyan ramp abort 'GET /a'"
        )
    ]
    assert told(before, after, LATCH) == []


@pytest.mark.parametrize("bar", [LATCH, RAMP], ids=["latched", "ramping"])
@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("gradual", "parallel", True),
        ("parallel", "gradual", True),
        ("gradual", "full", False),
        ("parallel", "full", False),
        ("full", "gradual", True),
        ("full", "parallel", True),
        ("full", "full", True),
    ],
)
def test_a_phase_may_take_a_split_away_and_give_it_back_and_no_more(
    bar: Bar, before: str, after: str, allowed: bool
) -> None:
    assert (told(plan(before, a=5), plan(after, a=5), bar) == []) is allowed


@pytest.mark.parametrize("bar", [LATCH, RAMP], ids=["latched", "ramping"])
def test_a_rise_that_a_phase_hides_is_barred_too(bar: Bar) -> None:
    assert len(told(plan("parallel", a=5), plan("parallel", a=6), bar)) == 1


@pytest.mark.parametrize("bar", [LATCH, RAMP], ids=["latched", "ramping"])
@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_the_kill_switch_is_free(bar: Bar, on: bool) -> None:
    before, after = (with_kill_switch(plan(a=5), one) for one in (not on, on))
    assert told(before, after, bar) == []


@pytest.mark.parametrize("edit", ["failover: never", "guard: {alpha: 0.1}", "ramp: {steps: [9]}"])
def test_what_moves_nobody_up_or_down_is_free(edit: str) -> None:
    after = f"phase: gradual\nroutes:\n  - {{route: GET /a, modern: 5, {edit}}}\n"
    assert told(plan(a=5), after, LATCH, RAMP) == []


def test_another_route_is_free() -> None:
    assert told(plan(a=5, b=5), plan(a=5, b=90), LATCH, RAMP) == []


def test_each_route_that_is_barred_is_named() -> None:
    bars = LATCH, Bar(B, True, "paused, by cli:bob"), Bar(X, False, "of yesterday")
    found = told(plan(a=1, b=1), plan(a=2, b=2), *bars)
    assert [one.partition(" (")[0] for one in found] == [
        "GET /a was rolled back",
        "GET /b is ramping",
    ]


@pytest.mark.parametrize(
    "after",
    [
        plan(defaults="{modern: 25}"),
        "phase: gradual\nroutes:\n  - {route: 'GET /**', modern: 25}\n",
        "phase: gradual\nroutes:\n  - {route: '* /a', modern: 25}\n",
    ],
    ids=["defaults", "a pattern", "any method"],
)
@pytest.mark.parametrize("bar", [LATCH, RAMP], ids=["latched", "ramping"])
def test_a_route_does_not_rise_by_what_is_left_when_its_rule_goes(after: str, bar: Bar) -> None:
    assert len(told(plan(a=5), after, bar)) == 1


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        (plan(a=5), plan(b=5), True),
        (plan(b=5), plan(a=5, b=5), False),
        (plan(a=5), "phase: gradual\nroutes:\n  - {route: 'GET /**', modern: 25}\n", False),
        (plan(a=5), "phase: gradual\nroutes:\n  - {route: 'GET /**', modern: 4}\n", True),
    ],
    ids=["falls to none", "comes back", "rises under a pattern", "falls under a pattern"],
)
def test_over_apps_that_do_not_tell_a_latch_outlasts_its_rule(
    before: str, after: str, allowed: bool
) -> None:
    """There only rules make routes: to take one away and to write it anew must not open the latch."""
    assert (told(before, after, LATCH, inventory=UNTOLD) == []) is allowed


def test_over_apps_that_do_not_tell_a_ramping_rule_does_not_go() -> None:
    assert len(told(plan(a=5), plan(b=5), RAMP, inventory=UNTOLD)) == 1


@pytest.mark.parametrize("inventory", [WHOLE, UNTOLD], ids=["told", "untold"])
@pytest.mark.parametrize("ramping", [False, True], ids=["latched", "ramping"])
@pytest.mark.parametrize(("route", "other"), [(X, "GET /x/{z}"), (N, "GET /x/{m:int}/y")])
def test_another_name_of_a_variable_opens_nothing(
    inventory: Inventory, ramping: bool, route: str, other: str
) -> None:
    before = f"phase: gradual\nroutes:\n  - {{route: '{route}', modern: 5}}\n"
    after = before.replace(route, other)
    bar = Bar(route, ramping, "why")
    assert told(before, after, bar, inventory=inventory) == []
    assert len(told(before, after.replace(": 5", ": 25"), bar, inventory=inventory)) == 1


def test_a_route_that_nobody_serves_any_more_bars_nothing() -> None:
    assert told(plan(a=5), plan(a=25), Bar("GET /gone", False, "long ago")) == []
