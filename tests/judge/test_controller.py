"""The leading control plane and its ramps: what holds one, what lets it go on, and what is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from gateway.endpoints import Inventory
from gateway.judge.controller import TOLERATED
from gateway.judge.judgement import LAG_COUNTS
from gateway.judge.ramp import SILENCE, RampState
from gateway.observe.recent import Sample
from gateway.plan.desk import Mandate
from gateway.plan.document import PlanRefused
from gateway.plan.edit import with_kill_switch, with_phase, with_rule, without_rule
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import HOUR
from gateway.store.ramps import Kept
from gateway.words import Stack
from tests.judge.judging import HOLD, PERCENT, PERSON, SERVED, A, B, Bench, meanwhile

MODERN, LEGACY = Stack.MODERN, Stack.LEGACY


@pytest.fixture
def due(bench: Bench) -> Bench:
    """A's step of 5 % has all it takes: the next look takes the next one, unless something holds it."""
    bench.planned({A: 5})
    bench.ramps(A)
    bench.looks()
    bench.clock.passes(HOLD)
    bench.is_well(A)
    return bench


def test_a_step_is_taken_as_one_version_with_an_audit_line_and_a_notice(either: Bench) -> None:
    either.planned({A: 5})
    either.ramps(A)
    either.is_well(A)
    either.looks()
    assert either.ramp(A).why == "held for 1 s of 30 min"
    either.looks(every=HOLD)
    assert either.steps(A) == [5, 25]
    reason = "GET /a, 5 % -> 25 %: no error in 1000 requests of this step"
    (line,) = either.lines("ramp")
    assert (line.action, line.subject, line.version) == ("ramp.advance", A, 2)
    version = either.store.versions.history(1)[0]
    assert (version.actor, version.reason) == ("ramp", line.reason) == ("ramp", reason)
    (notice,) = either.notices("ramp")
    told = {"action": "ramp.advance", "state": "running", "by": "ramp", "reason": reason}
    assert notice.document == {**told, "step": 25, "version": 2}
    ramp = either.ramp(A)
    assert (ramp.split, ramp.version, ramp.held) == (25 * PERCENT, 2, 0.0)


def test_the_last_step_ends_the_ramp_with_an_audit_line_and_a_notice(bench: Bench) -> None:
    bench.planned({A: 100})
    bench.ramps(A)
    bench.looks()
    bench.looks(every=HOLD)
    ramp = bench.ramp(A)
    assert (ramp.state, ramp.why) == (RampState.DONE, "the last step was held for 30 min")
    (line,) = bench.lines("ramp")
    assert (line.action, line.reason) == ("ramp.done", ramp.why)
    told = {"action": "ramp.done", "state": "done", "by": "ramp", "reason": ramp.why}
    assert [one.document for one in bench.notices("ramp")] == [{**told, "step": 100}]
    bench.looks(3)
    assert (bench.ramp(A), len(bench.notices("ramp"))) == (ramp, 1)


def test_requests_before_the_step_are_none_of_it(bench: Bench) -> None:
    bench.planned({A: 1})
    bench.ramps(A)
    bench.is_well(A, 5000)
    bench.looks()
    bench.looks(every=HOLD)
    bench.looks(every=HOLD)
    assert bench.steps(A) == [1, 5]
    assert bench.ramp(A).why == "0 of 500 requests to modern in this step"


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda b: b.fails(A, signal="slow"), "modern is worse on slow: E = "),
        (lambda b: b.sees(A, MODERN, "KeyError at shop.cart"), "new on modern: KeyError at "),
        (lambda b: b.sees(A, MODERN, "shop.cart.total", "lag"), "modern held the event loop up: "),
        (lambda b: b.edits(with_kill_switch(b.text, on=True)), "the kill switch is on"),
        (lambda b: b.edits(with_phase(b.text, "parallel")), "the phase is parallel"),
    ],
    ids=["slow", "new_fingerprint", "lag", "kill switch", "parallel"],
)
def test_what_speaks_against_a_step_holds_the_ramp_and_moves_nothing(
    due: Bench, act: Callable[[Bench], object], why: str
) -> None:
    act(due)
    due.looks(3)
    ramp = due.ramp(A)
    assert ramp.why.startswith(why)
    assert ramp.state is RampState.RUNNING
    assert due.steps(A) == [5]
    assert due.lines("guard") == []


@pytest.mark.parametrize(
    ("holds", "releases"),
    [
        (lambda b: b.fails(A, signal="slow"), lambda b: b.looks(every=2 * HOUR)),
        (lambda b: b.sees(A, MODERN, "shop", "lag"), lambda b: b.looks(every=LAG_COUNTS)),
        (
            lambda b: b.sees(A, MODERN, "KeyError at shop.cart"),
            lambda b: b.sees(B, LEGACY, "KeyError at shop.cart"),
        ),
        (
            lambda b: b.edits(with_kill_switch(b.text, on=True)),
            lambda b: b.edits(with_kill_switch(b.text, on=False)),
        ),
    ],
    ids=["slow", "lag", "new_fingerprint", "kill switch"],
)
def test_when_that_is_over_the_ramp_goes_on(
    due: Bench, holds: Callable[[Bench], object], releases: Callable[[Bench], object]
) -> None:
    holds(due)
    due.looks(3)
    releases(due)
    due.looks()
    assert due.steps(A) == [5, 25]


def test_an_acknowledged_exception_holds_nothing_any_more(due: Bench) -> None:
    due.sees(A, MODERN, "KeyError at shop.cart")
    due.looks()
    due.acknowledges(A)
    due.is_well(A)
    due.looks()
    assert due.steps(A) == [5, 25]


def test_a_ramp_goes_on_where_it_was_when_the_phase_is_gradual_again(due: Bench) -> None:
    due.edits(with_phase(due.text, "parallel"))
    due.looks(3)
    due.edits(with_phase(due.text, "gradual"))
    due.looks()
    assert due.steps(A) == [5, 25]


@pytest.mark.parametrize("signal", ["slow", "client_error", "error"])
def test_events_that_the_plan_ignores_hold_nothing(due: Bench, signal: str) -> None:
    due.edits(with_rule(due.text, A, {"guard": {"signals": {signal: "ignore"}}}))
    due.changes(A, approved={str(25 * PERCENT): "cli:ann"})
    due.fails(A, signal=signal)
    due.looks()
    assert due.steps(A) == [5, 25]


@pytest.mark.parametrize(("signal", "kind"), [("new_fingerprint", "exception"), ("lag", "lag")])
def test_sightings_that_the_plan_ignores_hold_nothing(due: Bench, signal: str, kind: str) -> None:
    due.edits(with_rule(due.text, A, {"guard": {"signals": {signal: "ignore"}}}))
    due.sees(A, MODERN, "shop.cart", kind)
    due.looks()
    assert due.steps(A) == [5, 25]


def test_clients_that_are_not_split_as_planned_hold_the_ramp(due: Bench) -> None:
    due.controller._looker._samples = {A: Sample(tuple(range(0, 5000, 5)))}
    due.controller._looker._sampled_at = due.clock.store  # they are read every ten seconds
    due.looks()
    assert due.ramp(A).why == "clients are not split as planned (5 %)"
    assert due.steps(A) == [5]


def test_the_first_reason_that_is_found_is_said(due: Bench) -> None:
    due.sees(A, MODERN, "KeyError at shop.cart")
    due.edits(with_kill_switch(due.text, on=True))
    due.looks()
    assert due.ramp(A).why == "the kill switch is on"


def test_silence_holds_a_ramp_also_when_requests_and_time_are_there(due: Bench) -> None:
    due.clock.passes(SILENCE + HOUR)
    due.looks()
    assert due.ramp(A).why == "modern was not asked for 24 h"
    due.is_well(A, 1)
    due.looks()
    assert due.steps(A) == [5, 25]


def test_a_paused_ramp_waits_and_is_not_written(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.is_well(A)
    bench.looks(2, every=HOLD / 2 - 1)
    bench.pauses(A)
    revision = bench.stored(A).revision
    bench.looks(5, every=60.0)
    assert bench.stored(A).revision == revision
    assert bench.steps(A) == [5]
    bench.resumes(A)
    bench.looks(2)
    assert bench.steps(A) == [5, 25]


def test_a_pause_is_no_time_of_the_step(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.is_well(A)
    bench.looks(2, every=HOLD / 4)
    bench.pauses(A)
    bench.looks(2, every=HOLD)
    bench.resumes(A)
    bench.looks(every=HOLD / 4)
    bench.is_well(A)
    assert bench.ramp(A).why == "held for 22.5 min of 30 min"
    bench.looks(every=HOLD / 4 - 1)
    assert bench.steps(A) == [5]
    bench.looks()
    assert bench.steps(A) == [5, 25]


def test_a_pause_over_a_takeover_is_no_time_of_the_step_either(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.looks(2, every=HOLD / 4)
    bench.pauses(A)
    bench.takes_over()
    bench.looks(2, every=HOLD)
    bench.takes_over()
    bench.resumes(A)
    bench.is_well(A)
    bench.looks(every=HOLD / 2 - 1)
    assert bench.steps(A) == [5]
    bench.looks()
    assert bench.steps(A) == [5, 25]


def test_an_approval_takes_the_step_that_was_undecided(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.counts(A, MODERN, 1000, 1)
    bench.counts(A, LEGACY, 19_000, 19)
    bench.looks()
    bench.looks(every=HOLD)
    assert bench.ramp(A).why.startswith("undecided: about ")
    bench.changes(A, approved={str(25 * PERCENT): "cli:bob"})
    bench.looks()
    assert bench.lines("ramp")[0].reason == "GET /a, 5 % -> 25 %: approved by cli:bob"


def test_a_step_that_needs_a_person_is_not_taken_without_one(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.ramps(A, approve=(25 * PERCENT,))
    bench.is_well(A)
    bench.looks()
    bench.looks(3, every=HOLD)
    assert bench.ramp(A).why == "25 % needs a person: banyan ramp approve"
    assert bench.steps(A) == [5]


@pytest.mark.parametrize("percent", [0, 3, 25])
def test_a_ramp_ends_when_somebody_else_moves_its_route(due: Bench, percent: float) -> None:
    def edit(text: str) -> str:
        return with_rule(text, A, {"modern": percent})

    due.desk.change(edit, PERSON, mandate=Mandate.RAMP)  # by hand the desk refuses it
    due.looks(3)
    ramp = due.ramp(A)
    assert (ramp.state, ramp.why) == (
        RampState.STOPPED,
        f"the split was moved to {percent} % elsewhere",
    )
    assert due.steps(A) == [5, percent]
    assert len(due.notices("ramp")) == len(due.lines("ramp")) == 1


def test_a_step_is_not_taken_from_a_split_that_is_not_there_any_more(due: Bench) -> None:
    edit = partial(with_rule, route=A, fields={"modern": 3})
    meanwhile(due, lambda: due.desk.change(edit, PERSON, mandate=Mandate.RAMP))
    due.looks()
    assert due.steps(A) == [5, 3]
    assert due.ramp(A).state is RampState.RUNNING
    due.looks()
    assert due.ramp(A).state is RampState.STOPPED


def test_what_a_ramp_has_in_hand_no_person_moves(due: Bench) -> None:
    with pytest.raises(PlanRefused, match=r"GET /a is ramping .* banyan ramp abort 'GET /a'"):
        due.shifts(A, 1)


def test_a_plan_s_new_steps_are_those_of_the_next_ramp(due: Bench) -> None:
    due.edits(with_rule(due.text, A, {"ramp": {"steps": [1, 5, 6], "hold": "1s"}}))
    due.looks()
    assert due.steps(A) == [5, 25]


def test_a_ramp_ends_when_its_route_is_gone(due: Bench) -> None:
    due.desk.change(partial(without_rule, route=A), PERSON, mandate=Mandate.RAMP)
    due.inventories = [Inventory(SERVED[1:], SERVED[1:])]
    due.looks(2)
    ramp = due.ramp(A)
    assert (ramp.state, ramp.why) == (RampState.STOPPED, "neither stack serves it any more")
    assert len(due.notices("ramp")) == 1


def test_a_ramp_that_newer_code_has_written_is_left_alone(due: Bench) -> None:
    kept = due.store.ramps.get(A)
    assert kept is not None
    due.store.ramps.keep(replace(kept, document='{"route": "GET /a", "shape": "s-curve"}'))
    due.store.ramps.keep(Kept(B, 0, "[]"))
    due.looks(2)
    assert due.steps(A) == [5]
    due.fails(A)
    due.looks()
    assert due.steps(A) == [5, 0]


def test_four_looks_without_a_worker_are_tolerated_the_fifth_holds(due: Bench) -> None:
    due.changes(A, hold=HOLD * 10)
    due.workers = False
    due.looks(TOLERATED)
    assert due.ramp(A).why.startswith("held for ")
    due.looks()
    assert due.ramp(A).why == "no worker has reported for 5 looks"
    due.workers = True
    due.looks()
    assert due.ramp(A).why.startswith("held for ")


def test_a_store_outage_is_no_evidence_and_takes_no_step(due: Bench) -> None:
    with unreachable():
        for _ in range(TOLERATED + 2):
            with pytest.raises(StoreUnavailable):
                due.controller.step()
    due.looks()
    assert due.steps(A) == [5, 25]


def test_a_waiting_ramp_is_written_down_every_ten_seconds_only(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.looks()
    revision = bench.stored(A).revision
    bench.looks(100)
    assert 9 <= bench.stored(A).revision - revision <= 11


def test_without_a_plan_there_is_nothing_to_look_at(bench: Bench) -> None:
    bench.looks(3)
    assert bench.store.versions.newest() == 0


@contextmanager
def unreachable() -> Iterator[None]:
    """The store answers no statement."""

    def refuse(*_: object) -> None:
        raise StoreUnavailable("the store is away")

    sa.event.listen(sa.Engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", refuse)
