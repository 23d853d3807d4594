"""The guard: a route whose evidence is against modern goes back, and stays there until somebody says so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.endpoints import Inventory
from gateway.judge.ramp import RampState
from gateway.plan.desk import Edit, Outcome, PlanDesk
from gateway.plan.document import PlanRefused, Problem
from gateway.plan.edit import with_kill_switch, with_phase
from gateway.store.audit import Act
from gateway.words import Stack
from tests.judge.judging import SERVED, WHOLE, A, B, Bench, C, meanwhile, plan

MODERN, LEGACY = Stack.MODERN, Stack.LEGACY


def test_a_route_that_is_worse_goes_back_to_its_last_good_split(either: Bench) -> None:
    either.planned({A: 1, B: 50})
    either.is_well(A)
    either.shifts(A, 5)
    either.fails(A)
    either.looks()
    assert either.steps(A) == [1, 5, 1]
    assert either.percent(B) == 50


def test_where_there_was_no_smaller_split_the_route_goes_back_to_nothing(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.fails(A)
    bench.looks()
    assert bench.steps(A) == [5, 0]


def test_a_larger_split_is_no_way_back(bench: Bench) -> None:
    bench.planned({A: 1})
    for percent in (50, 5):
        bench.is_well(A)
        bench.shifts(A, percent)
    bench.fails(A)
    bench.looks()
    assert bench.steps(A) == [1, 50, 5, 1]


def test_a_rollback_is_one_version_with_the_numbers_in_its_reason(either: Bench) -> None:
    either.planned({A: 5})
    either.fails(A, events=30)
    either.looks()
    (line,) = either.lines("guard")
    version = either.store.versions.history(1)[0]
    assert (version.version, version.actor, version.reason) == (2, "guard", line.reason)
    assert (line.action, line.subject, line.version) == ("plan.roll_back", A, 2)
    assert line.reason.startswith(
        "GET /a, 5 % -> 0 %: error: modern 30 events in 1000 requests; "
        "legacy 0 events in 19000 requests; E = "
    )
    found, _, needed = line.reason.rpartition("E = ")[2].partition(" >= ")
    assert float(found) >= float(needed) >= 100


def test_a_rollback_latches_the_route_and_writes_a_notice(either: Bench) -> None:
    either.planned({A: 5})
    either.fails(A)
    either.looks()
    standing = either.store.standings.all()[A]
    assert (standing.latched, standing.since, standing.actor) == (True, 2, "guard")
    (notice,) = either.notices("rollback")
    assert notice.route == A
    told = dict(notice.document)
    assert told.pop("reason") == standing.why == either.lines("guard")[0].reason
    assert told == {"from": 5, "to": 0, "signals": ["error"], "version": 2}


def test_a_latched_route_may_fall_and_may_not_rise(bench: Bench) -> None:
    bench.planned({A: 10})
    bench.is_well(A)
    bench.shifts(A, 50)
    bench.fails(A)
    bench.looks()
    assert bench.steps(A) == [10, 50, 10]
    with pytest.raises(PlanRefused, match=r"GET /a was rolled back .* banyan ack 'GET /a'"):
        bench.shifts(A, 11)
    bench.shifts(B, 30)
    bench.shifts(A, 5)
    with pytest.raises(PlanRefused, match="from 5 % to 10 %"):
        bench.shifts(A, 10)


def test_once_acknowledged_a_route_may_rise_and_its_evidence_begins_anew(either: Bench) -> None:
    either.planned({A: 5})
    either.fails(A)
    either.looks()
    either.acknowledges(A)
    either.shifts(A, 5)
    either.looks(5)
    assert either.steps(A) == [5, 0, 5]
    either.fails(A)
    either.looks()
    assert either.steps(A) == [5, 0, 5, 0]
    assert "modern 30 events in 1000 requests" in either.lines("guard")[-1].reason
    assert either.store.standings.all()[A].latched


def test_what_was_counted_before_a_rollback_does_not_count_after_it(bench: Bench) -> None:
    bench.planned({A: 1})
    bench.is_well(A)
    bench.shifts(A, 5)
    bench.fails(A)
    bench.looks(20)
    assert bench.steps(A) == [1, 5, 1]
    bench.is_well(A)
    bench.looks(20)
    assert bench.steps(A) == [1, 5, 1]


def test_a_route_that_fails_on_after_a_rollback_goes_back_again(bench: Bench) -> None:
    bench.planned({A: 1})
    for percent in (5, 25):
        bench.is_well(A)
        bench.shifts(A, percent)
    for _ in range(4):
        bench.fails(A)
        bench.looks()
    assert bench.steps(A) == [1, 5, 25, 5, 1, 0]


def test_a_modern_that_answers_alone_is_held_against_legacys_last_rate(bench: Bench) -> None:
    bench.planned({A: 50})
    bench.is_well(A, 10_000)
    bench.shifts(A, 100)
    bench.counts(A, MODERN, 1000, 1)
    bench.looks()
    assert bench.steps(A) == [50, 100]
    bench.counts(A, MODERN, 1000, 30)
    bench.looks()
    assert bench.steps(A) == [50, 100, 50]
    assert "against legacy's last rate" in bench.lines("guard")[0].reason


def test_validation_that_became_stricter_goes_back_too(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.fails(A, signal="client_error")
    bench.looks()
    assert bench.steps(A) == [5, 0]
    assert bench.notices("rollback")[0].document["signals"] == ["client_error"]


def test_all_signals_that_are_against_modern_are_named(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.fails(A, signal="client_error")
    bench.fails(A)
    bench.looks()
    assert bench.notices("rollback")[0].document["signals"] == ["error", "client_error"]


def held_back(bench: Bench) -> None:
    """Modern fails, and nothing must follow."""
    before = bench.text
    bench.fails(A)
    bench.looks(10)
    assert bench.text == before
    assert bench.lines("guard") == []
    assert bench.store.standings.all() == {}


@pytest.mark.parametrize("action", ["hold", "ignore"])
def test_a_plan_may_say_that_an_error_is_no_reason_to_go_back(bench: Bench, action: str) -> None:
    bench.edits(
        f"phase: gradual\nroutes: [{{route: {A}, modern: 5, guard: {{signals: {{error: {action}}}}}}}]\n"
    )
    held_back(bench)


def test_an_alpha_of_the_plan_decides_how_sure_the_guard_must_be(bench: Bench) -> None:
    bench.edits(f"phase: gradual\ndefaults: {{guard: {{alpha: 1e-6}}}}\n{rules({A: 5, B: 5})}")
    bench.fails(A, events=4)
    bench.fails(B, events=12)
    bench.looks()
    assert (bench.percent(A), bench.percent(B)) == (5, 0)
    assert float(bench.lines("guard")[0].reason.rpartition(" >= ")[2]) >= 1e6


@pytest.mark.parametrize("signal", ["slow"])
def test_a_slower_modern_does_not_go_back(bench: Bench, signal: str) -> None:
    bench.planned({A: 5})
    bench.fails(A, signal=signal)
    bench.looks(10)
    assert bench.steps(A) == [5]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: with_kill_switch(text, on=True),
        lambda text: with_phase(text, "parallel"),
        lambda text: with_phase(text, "full"),
    ],
    ids=["kill switch", "parallel", "full"],
)
def test_where_no_split_decides_there_is_nothing_to_take_back(
    bench: Bench, change: Callable[[str], str]
) -> None:
    bench.planned({A: 5})
    bench.fails(A, signal="client_error")
    bench.edits(change(bench.text))
    held_back(bench)


def test_the_evidence_outlasts_a_kill_switch(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.edits(with_kill_switch(bench.text, on=True))
    held_back(bench)
    bench.edits(with_kill_switch(bench.text, on=False))
    bench.looks()
    assert bench.steps(A) == [5, 0]


def test_a_route_without_a_share_has_none_to_lose(bench: Bench) -> None:
    bench.planned({A: 0})
    held_back(bench)


def test_two_routes_that_fail_at_once_both_go_back(either: Bench) -> None:
    either.planned({A: 5, B: 25, C: 50})
    for route in (A, B):
        either.fails(route)
    either.looks()
    assert [either.percent(route) for route in (A, B, C)] == [0, 0, 50]
    assert [line.subject for line in either.lines("guard")] == [A, B]


@pytest.mark.parametrize("state", [RampState.RUNNING, RampState.PAUSED])
def test_a_rollback_ends_the_route_s_ramp_also_a_paused_one(
    either: Bench, state: RampState
) -> None:
    either.planned({A: 1})
    either.is_well(A)
    either.shifts(A, 5)
    either.ramps(A, state=state)
    either.fails(A)
    either.looks()
    ramp = either.ramp(A)
    assert (ramp.state, ramp.why) == (RampState.STOPPED, either.lines("guard")[0].reason)
    assert either.steps(A) == [1, 5, 1]
    either.looks(5)
    assert either.ramp(A) == ramp


def test_a_person_who_moved_the_route_meanwhile_wins(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.fails(A)
    meanwhile(bench, lambda: bench.shifts(A, 3))
    bench.looks()
    assert bench.steps(A) == [5, 3]
    assert bench.lines("guard") == []
    bench.looks()
    assert bench.steps(A) == [5, 3, 0]


def test_a_person_who_moved_another_route_meanwhile_keeps_nothing_back(bench: Bench) -> None:
    bench.planned({A: 5, B: 1})
    bench.fails(A)
    meanwhile(bench, lambda: bench.shifts(B, 2))
    bench.looks()
    assert (bench.percent(A), bench.percent(B)) == (0, 2)


def test_a_person_who_paused_the_ramp_meanwhile_delays_a_rollback_by_one_look(
    bench: Bench,
) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.fails(A)
    meanwhile(bench, lambda: bench.pauses(A))
    bench.looks()
    assert bench.steps(A) == [5]
    assert bench.store.standings.all() == {}
    bench.looks()
    assert bench.steps(A) == [5, 0]
    assert bench.ramp(A).state is RampState.STOPPED


def test_a_person_s_lower_split_that_is_worse_as_well_is_judged_by_itself(bench: Bench) -> None:
    bench.planned({A: 1})
    bench.is_well(A)
    bench.shifts(A, 50)
    bench.fails(A)
    meanwhile(bench, lambda: bench.shifts(A, 0))
    bench.looks(3)
    assert bench.steps(A) == [1, 50, 0]


def test_a_guard_that_cannot_act_says_so_once_and_lets_others_be_judged(bench: Bench) -> None:
    bench.planned({A: 5, B: 5})
    bench.ramps(A)
    for route in (A, B):
        bench.fails(route)
    guard = bench.controller._guard
    bench.controller._guard = replace(guard, desk=Stubborn(bench))
    with capture_logs() as logs:
        bench.looks(3)
    failed = [line["route"] for line in logs if line["event"] == "guard.failed"]
    assert failed == [A]
    assert (bench.percent(A), bench.percent(B)) == (5, 0)
    assert bench.ramp(A).why.startswith("modern is worse on error: E = ")
    bench.controller._guard = guard
    bench.looks()
    assert bench.percent(A) == 0


def test_a_deploy_that_drops_another_route_does_not_keep_this_one_from_going_back(
    bench: Bench,
) -> None:
    bench.planned({A: 5, C: 5})
    bench.fails(A)
    bench.inventories = [WHOLE, Inventory(SERVED, SERVED[:2])]  # the new workers' modern has no C
    bench.looks()
    assert bench.percent(A) == 0


def test_a_deploy_that_drops_a_route_does_not_make_the_judge_blind(bench: Bench) -> None:
    bench.planned({A: 5, C: 5})
    bench.fails(A)
    bench.inventories = [Inventory(SERVED, SERVED[:2]), WHOLE]
    bench.looks()
    assert bench.percent(A) == 0


class Stubborn(PlanDesk):
    """Refuses whatever would change the route A."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench.store.versions, bench.settings, lambda: bench.inventories)

    def change(self, edit: Edit, act: Act, *more: Any, **named: Any) -> Outcome:
        if act.subject == A:
            raise PlanRefused([Problem("not this one")])
        return super().change(edit, act, *more, **named)


def rules(modern: dict[str, float]) -> str:
    return plan(modern).partition("\n")[2]
