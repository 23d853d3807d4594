"""An edit changes what it says and not one byte else, however the plan is written."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plan.diff import changes
from gateway.plan.document import PlanRefused, parse
from gateway.plan.edit import (
    Edit,
    NoSuchRule,
    edited,
    with_kill_switch,
    with_phase,
    with_rule,
    without_rule,
)
from gateway.words import Phase
from tests.plans import NUMBERS, ROUTES, specs, texts

PLAN = """\
# Ours. Ask before you touch it.
phase:   gradual   # since May
defaults: { modern: 0 }  # nobody

routes:
    # money
    - route: 'GET /balances/{id}'
      modern: 5   # slowly
      # not yet: cohort
    # orders
    -   {route: POST /orders , modern: 0.50}   # sold
    - modern: 100
      route: "* /x/**"
# the end"""

quick = settings(max_examples=20, deadline=None)
a_route = st.sampled_from([*ROUTES, "GET /api/orders/{other}", "DELETE /new/{id}"])
a_rule = st.fixed_dictionaries(
    {"modern": st.sampled_from(NUMBERS)},
    optional={
        "cohort": st.sampled_from([None, "x", "true", "Ä # b"]),
        "failover": st.sampled_from([None, "never"]),
    },
)


@quick
@given(texts(), a_route, a_rule)
def test_an_edit_changes_its_rule_only_and_twice_is_once(
    text: str, route: str, fields: dict[str, object]
) -> None:
    outcome = with_rule(text, route, fields)
    was = {rule.route for rule in parse(text).plan.routes}
    now = {change.place for change in changes(parse(text).plan, parse(outcome).plan)}
    assert len(now) <= 1
    assert now <= {route, *was}
    assert with_rule(outcome, route, fields) == outcome


@quick
@given(specs.filter(lambda spec: spec["rules"]).flatmap(lambda spec: texts(spec, lines=True)))
def test_a_rule_that_comes_and_goes_leaves_no_trace_in_a_plan_in_blocks(text: str) -> None:
    added = with_rule(text, "DELETE /new/{id}", {"modern": Decimal("2.5"), "cohort": "x"})
    after = without_rule(added, "DELETE /new/{other}")
    assert after == text


@quick
@given(st.data())
def test_every_rule_can_go_and_the_others_stay(data: st.DataObject) -> None:
    spec = data.draw(specs)
    text = data.draw(texts(spec))
    doomed = data.draw(st.permutations(list(spec["rules"])))
    for index, route in enumerate(doomed):
        text = without_rule(text, route)
        left = {rule.route for rule in parse(text).plan.routes}
        assert left == set(doomed[index + 1 :])


@quick
@given(texts(), st.sampled_from(["parallel", "gradual", "full"]), st.booleans())
def test_phase_and_kill_switch_are_set_and_nothing_else(text: str, phase: str, on: bool) -> None:
    outcome = with_kill_switch(with_phase(text, phase), on)
    plan = parse(outcome).plan
    assert (plan.phase, plan.kill_switch) == (phase, on)
    now = {change.place for change in changes(parse(text).plan, plan)}
    assert now <= {"phase", "kill_switch"}
    assert with_kill_switch(with_phase(outcome, phase), on) == outcome


@pytest.mark.parametrize(
    ("route", "fields", "before", "after"),
    [
        ("GET /balances/{any}", {"modern": 25}, "modern: 5   #", "modern: 25   #"),
        ("POST /orders", {"modern": Decimal("2.5E+1")}, "modern: 0.50}", "modern: 25}"),
        ("POST /orders", {"cohort": "{x}"}, "0.50}", '0.50, cohort: "{x}"}'),
        ("POST /orders", {"cohort": "x"}, "0.50}", "0.50, cohort: x}"),
        ("* /x/**", {"modern": 0.1 + 0.2}, "modern: 100", "modern: 0.3"),
        ("* /x/**", {"modern": Decimal("0.005")}, "modern: 100", "modern: 0.005"),
        ("* /x/**", {"failover": "never"}, '/x/**"\n', '/x/**"\n      failover: never\n'),
        ("* /x/**", {"modern": 100.0}, "", ""),
        ("* /x/**", {"cohort": None}, "", ""),
        (
            "GET /x/{a:int}",
            {"modern": 1},
            "# the",
            "    - route: GET /x/{a:int}\n      modern: 1\n# the",
        ),
        ("* /x", {"modern": 1}, "# the", '    - route: "* /x"\n      modern: 1\n# the'),
    ],
)
def test_one_place_of_a_plan_changes(
    route: str, fields: dict[str, object], before: str, after: str
) -> None:
    outcome = with_rule(PLAN, route, fields)
    assert outcome == PLAN.replace(before, after, 1)


@pytest.mark.parametrize(
    ("route", "lines"),
    [
        ("GET /balances/{id}", slice(6, 9)),
        ("POST /orders", slice(10, 11)),
        ("* /x/**", slice(11, 13)),
    ],
)
def test_a_rule_goes_with_what_stands_in_it_and_nothing_else(route: str, lines: slice) -> None:
    left = PLAN.split("\n")
    del left[lines]
    if route == "GET /balances/{id}":
        left.insert(6, "      # not yet: cohort")  # below its last field: it may belong to the next
    assert without_rule(PLAN, route) == "\n".join(left)


ONE = "  - route: GET /x\n    modern: 1"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("phase: full", f"phase: full\nroutes:\n{ONE}"),
        ("phase: full\nroutes:\n", f"phase: full\nroutes:\n{ONE}\n"),
        ("routes: ~ # c\nphase: full", f"routes: # c\n{ONE}\nphase: full"),
        ("routes:\nphase: full\n", f"routes:\n{ONE}\nphase: full\n"),
        ("routes: []  # c\nphase: full", f"routes:  # c\n{ONE}\nphase: full"),
        ("routes:\n  # c\n  []\nphase: full", f"routes:\n  # c\n{ONE}\nphase: full"),
        ("{phase: full}", "{phase: full, routes: [{route: GET /x, modern: 1}]}"),
        ('{"phase": "full", "routes": []}', '{"phase": "full", "routes": [{route: GET /x, modern: 1}]}'),
        ("phase: full\nroutes: [\n  {route: GET /a, modern: 2}, # a\n]\n",
         "phase: full\nroutes: [\n  {route: GET /a, modern: 2},\n  {route: GET /x, modern: 1}, # a\n]\n"),
        ("\ufeffphase: full\r\nroutes:\r\n- route: GET /a\r\n  modern: 2 #\tt\r\n",
         "\ufeffphase: full\r\nroutes:\r\n- route: GET /a\r\n  modern: 2 #\tt\r\n- route: GET /x\r\n  modern: 1\r\n"),
        ("---\nphase: full\n...\n", f"---\nphase: full\nroutes:\n{ONE}\n...\n"),
    ],
)  # fmt: skip
def test_a_first_rule_is_added_however_the_routes_are_written(text: str, outcome: str) -> None:
    assert with_rule(text, "GET /x", {"modern": 1}) == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (f"routes: # c\n{ONE}\n# d\nphase: full\n", "routes: [] # c\n# d\nphase: full\n"),
        (f"phase: full\nroutes:\n{ONE}", "phase: full\nroutes: []"),
        ("{phase: full, routes: [{route: GET /x, modern: 1}]}", "{phase: full, routes: []}"),
    ],
)
def test_the_last_rule_leaves_an_empty_list(text: str, outcome: str) -> None:
    assert without_rule(text, "GET /x") == outcome


def test_a_first_field_goes_and_the_dash_stays() -> None:
    text = "phase: full\nroutes:\n- cohort: x # c\n  route: GET /x\n  modern: 1\n"
    outcome = with_rule(text, "GET /x", {"cohort": None})
    assert outcome == "phase: full\nroutes:\n- route: GET /x\n  modern: 1\n"


def test_a_list_in_lines_is_replaced_by_one_line_and_comments_between_stay() -> None:
    text = "phase: full\ndefaults:\n  unit: # who\n  # first\n  - client # a\n  modern: 5\n"
    outcome = edited(text, Edit(defaults={"unit": ("cookie:sid", "client")}))
    assert outcome == (
        "phase: full\ndefaults:\n  unit: [cookie:sid, client] # who\n  # first\n  modern: 5\n"
    )


@pytest.mark.parametrize(
    ("defaults", "outcome"),
    [
        ("", "defaults: {modern: 5}\n"),
        ("defaults: {}\n", "defaults: {modern: 5}\n"),
        ("defaults: # c\n  cohort: x\n", "defaults: # c\n  cohort: x\n  modern: 5\n"),
        ("defaults: {cohort: x,}\n", "defaults: {cohort: x, modern: 5,}\n"),
    ],
)
def test_a_default_is_set_however_the_defaults_are_written(defaults: str, outcome: str) -> None:
    plan = "phase: full\n{}routes: []\n"
    assert edited(plan.format(defaults), Edit(defaults={"modern": 5})) == plan.format(outcome)


def test_defaults_that_lose_their_last_field_are_an_empty_mapping() -> None:
    text = "phase: full\ndefaults:\n  modern: 5 # c\n"
    assert edited(text, Edit(defaults={"modern": None})) == "phase: full\ndefaults: {}\n"


def test_the_kill_switch_is_added_below_the_phase() -> None:
    assert with_kill_switch(PLAN, True) == PLAN.replace("May\n", "May\nkill_switch: true\n")


def test_a_kill_switch_that_was_never_there_stays_away_when_it_is_put_off() -> None:
    assert with_kill_switch(PLAN, False) == PLAN


def test_a_phase_is_a_word_of_ours() -> None:
    assert with_phase(PLAN, Phase.FULL) == PLAN.replace("gradual", "full", 1)


@pytest.mark.parametrize(
    ("route", "fields", "message"),
    [
        ("* /x/**", {"modern": 250}, "line 12: routes[2].modern: 250 is outside 0 to 100; nearest: 100"),
        ("* /x/**", {"modern": 0.0005}, "finer than 0.001"),
        ("* /x/**", {"modern": Decimal("NaN")}, "'NaN' is no percentage"),
        ("GET /new", {"cohort": "x"}, "`modern` is missing"),
        ("get /new", {"modern": 1}, "'get' is no method"),
        ("* /x/**", {"cohorte": "x"}, "unknown field; nearest: cohort"),
    ],
)  # fmt: skip
def test_an_outcome_that_is_no_plan_is_refused(
    route: str, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(PlanRefused) as caught:
        with_rule(PLAN, route, fields)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "{}", "- a", "a: [", "phase: full\nroutes: 5", "routes: [5]"])
def test_a_text_that_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(PlanRefused):
        with_rule(text, "GET /x", {"modern": 1})


def test_a_way_of_writing_that_no_edit_can_follow_is_refused_as_such() -> None:
    text = "phase: full\nroutes:\n  - {route: GET /x, modern: 1, <<: {cohort: x}}\n"
    with pytest.raises(PlanRefused, match="no edit can follow"):
        with_rule(text, "GET /x", {"cohort": None})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAN, "no rule names GET /balance/{id}; nearest: GET /balances/{id}"),
        ("phase: full", "no rule names GET /balance/{id}; the plan has no rules"),
    ],
)
def test_a_rule_that_is_not_there_is_told_with_the_nearest(text: str, message: str) -> None:
    with pytest.raises(NoSuchRule) as caught:
        without_rule(text, "GET /balance/{id}")
    assert str(caught.value) == message


def test_a_value_that_no_plan_has_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="cannot be written into a plan"):
        with_rule(PLAN, "* /x/**", {"modern": object()})
