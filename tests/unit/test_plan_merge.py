"""The operator's file and the plan in force become one plan; nobody's change is lost unseen."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plan.document import PlanRefused, parse
from gateway.plan.edit import with_kill_switch, with_phase, with_rule, without_rule
from gateway.plan.merge import Merged, merge
from tests.plans import changed, same_plan, specs, texts

FILE = """\
# Ours. Ask before you touch it.
phase: gradual  # since May
defaults: {modern: 0, cohort: migration}
routes:
  # money
  - route: GET /balances
    modern: 5   # slowly
  - {route: POST /orders, modern: 0}
"""
quick = settings(max_examples=15, deadline=None)


@st.composite
def three(draw: st.DrawFn) -> tuple[str, str, str]:
    """A text and two that were made of it, apart from each other."""
    spec = draw(specs)
    file, current = draw(changed(spec)), draw(changed(spec))
    return draw(texts(spec)), draw(texts(file)), draw(texts(current))


@quick
@given(three())
def test_a_file_that_did_not_change_means_the_plan_in_force(plans: tuple[str, str, str]) -> None:
    base, _, current = plans
    merged = merge(base, base, current)
    assert same_plan(current, merged.text)
    assert merged.overruled == ()


@quick
@given(three())
def test_a_plan_in_force_that_did_not_change_means_the_file(plans: tuple[str, str, str]) -> None:
    base, file, _ = plans
    assert merge(base, file, base) == Merged(file)


@quick
@given(three())
def test_what_both_changed_alike_overrules_nobody(plans: tuple[str, str, str]) -> None:
    base, file, _ = plans
    assert merge(base, file, file) == Merged(file)


@quick
@given(three())
def test_merging_once_more_changes_nothing(plans: tuple[str, str, str]) -> None:
    base, file, current = plans
    once = merge(base, file, current).text
    assert same_plan(once, merge(file, file, once).text)


@quick
@given(three())
def test_each_place_is_that_of_the_side_that_changed_it(plans: tuple[str, str, str]) -> None:
    base, file, current = plans
    merged = merge(base, file, current)
    b, f, c, m = (_places(text) for text in (base, file, current, merged.text))
    for place in {*b, *f, *c, *m}:
        unchanged = b.get(place) == f.get(place)
        assert m.get(place) == (c if unchanged else f).get(place)
        assert (place in merged.kept) == (unchanged and c.get(place) != f.get(place))
        both = not unchanged and c.get(place) not in (b.get(place), f.get(place))
        assert (place in merged.overruled) == both


def _places(text: str) -> dict[str, Any]:
    plan = parse(text).plan
    return {
        "phase": plan.phase,
        "kill_switch": plan.kill_switch,
        **{f"defaults.{name}": value for name, value in plan.defaults},
        **{rule.route: rule for rule in plan.routes},
    }


def test_the_text_is_the_files_with_what_was_kept_edited_in() -> None:
    current = with_rule(FILE, "GET /balances", {"modern": 50})
    current = with_rule(current, "GET /new/{id}", {"modern": 1, "cohort": "x"})
    file = FILE.replace("Ask before", "Ask us before").replace("cohort: migration", "cohort: other")
    assert merge(FILE, file, current) == Merged(
        file.replace("modern: 5 ", "modern: 50 ")
        + "  - route: GET /new/{id}\n    modern: 1\n    cohort: x\n",
        kept=("GET /balances", "GET /new/{id}"),
    )


def test_a_rule_is_kept_as_a_whole() -> None:
    current = without_rule(FILE, "POST /orders")
    current = with_rule(current, "POST /orders", {"modern": 3, "failover": "never"})
    base = with_rule(FILE, "POST /orders", {"cohort": "x"})
    assert merge(base, base, current).text == base.replace(
        "modern: 0, cohort: x}", "modern: 3, failover: never}"
    )


def test_a_rule_is_overruled_as_a_whole() -> None:
    current = with_rule(FILE, "GET /balances", {"cohort": "x"})
    file = FILE.replace("modern: 5 ", "modern: 6 ")
    assert merge(FILE, file, current) == Merged(file, overruled=("GET /balances",))


def test_a_rule_that_the_file_removed_goes_even_if_it_was_changed_since() -> None:
    current = with_rule(FILE, "GET /balances", {"modern": 50})
    file = without_rule(FILE, "GET /balances")
    assert merge(FILE, file, current) == Merged(file, overruled=("GET /balances",))


def test_a_rule_that_was_removed_since_stays_away() -> None:
    current = without_rule(FILE, "GET /balances")
    file = with_phase(FILE, "full")
    merged = merge(FILE, file, current)
    assert merged == Merged(without_rule(file, "GET /balances"), kept=("GET /balances",))


def test_other_names_of_variables_are_no_change_and_the_files_are_kept() -> None:
    base = FILE.replace("/balances", "/balances/{id}")
    file = base.replace("{id}", "{name}")
    current = with_rule(base, "GET /balances/{id}", {"modern": 50})
    merged = merge(base, file, current)
    assert merged == Merged(
        file.replace("modern: 5 ", "modern: 50 "), kept=("GET /balances/{name}",)
    )


def test_fields_of_the_plan_and_of_its_defaults_are_kept_one_by_one() -> None:
    current = with_kill_switch(FILE, True).replace("{modern: 0,", "{modern: 5,")
    file = FILE.replace("phase: gradual", "phase: parallel").replace("migration", "other")
    assert merge(FILE, file, current) == Merged(
        with_kill_switch(file, True).replace("{modern: 0, c", "{modern: 5, c"),
        kept=("kill_switch", "defaults.modern"),
    )


@pytest.mark.parametrize("base", ["", "phase: gradual\nold_field: 1\n", "- ["])
def test_without_a_base_all_that_the_file_says_counts_as_changed(base: str) -> None:
    current = with_rule(with_kill_switch(FILE, True), "GET /balances", {"modern": 50})
    current = with_rule(current, "GET /new", {"modern": 1})
    merged = merge(base, FILE, current)
    assert merged == Merged(
        with_rule(FILE, "GET /new", {"modern": 1}),
        kept=("GET /new",),
        overruled=("kill_switch", "GET /balances"),
    )


def test_a_file_that_is_no_plan_is_refused() -> None:
    with pytest.raises(PlanRefused):
        merge(FILE, "phase: [", with_phase(FILE, "full"))
