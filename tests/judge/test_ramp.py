"""What follows for a ramp: time, and enough requests, and proof or a person's word."""

from dataclasses import replace

import pytest

from gateway.judge.ramp import (
    SILENCE,
    Advance,
    End,
    Facts,
    Ramp,
    RampState,
    Wait,
    following,
)
from gateway.routes import SPACE
from tests.judge.judging import HOLD, PERCENT, a_ramp

RAMP = a_ramp()  # 1, 5, 25, 50, 100 %, 30 min and 500 requests each
LAST = replace(RAMP, split=SPACE)
DUE = Facts(
    split=PERCENT, held=HOLD, requests=500, events=0, silent=0.0, proven=True, needed=0
)  # all that a step takes
UNDECIDED = replace(DUE, proven=False, events=1, needed=40)
STEP = 5 * PERCENT


def approved(ramp: Ramp = RAMP, step: int = STEP) -> Ramp:
    return replace(ramp, approved={str(step): "cli:bob"})


def test_a_step_is_taken_when_time_and_requests_and_proof_are_there() -> None:
    proof = "modern is not 2 times as bad as legacy"
    assert following(RAMP, DUE) == Advance(STEP, proof)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (replace(DUE, held=0.0), "held for 0 s of 30 min"),
        (replace(DUE, held=90.0), "held for 90 s of 30 min"),
        (replace(DUE, held=HOLD - 0.001), "held for 30 min of 30 min"),
        (replace(DUE, requests=0), "0 of 500 requests to modern in this step"),
        (replace(DUE, requests=499), "499 of 500 requests to modern in this step"),
        (UNDECIDED, "undecided: about 40 more events needed, or banyan ramp approve"),
        (
            replace(UNDECIDED, needed=None),
            "undecided: too many more events needed, or banyan ramp approve",
        ),
    ],
)
def test_each_of_the_three_is_waited_for(facts: Facts, why: str) -> None:
    assert following(RAMP, facts) == Wait(why)


@pytest.mark.parametrize(("requests", "taken"), [(298, False), (299, True), (100_000, True)])
def test_many_requests_without_an_error_are_proof_too(requests: int, taken: bool) -> None:
    ramp = replace(RAMP, minimum=1)
    clean = replace(DUE, proven=False, needed=None, requests=requests)
    after = following(ramp, clean)
    assert isinstance(after, Advance) is taken
    if taken:
        assert after == Advance(STEP, f"no error in {requests} requests of this step")
    assert isinstance(following(ramp, replace(clean, events=1)), Wait)


@pytest.mark.parametrize(
    ("requests", "left"), [(100, "199 requests"), (297, "2 requests"), (298, "1 request")]
)
def test_while_there_is_no_error_the_shorter_way_is_named_too(requests: int, left: str) -> None:
    facts = replace(DUE, proven=False, needed=97, requests=requests)
    why = f"undecided: about 97 more events or {left} without one needed, or banyan ramp approve"
    assert following(replace(RAMP, minimum=1), facts) == Wait(why)


def test_a_person_s_word_is_as_good_as_proof() -> None:
    assert following(approved(), UNDECIDED) == Advance(STEP, "approved by cli:bob")


@pytest.mark.parametrize("missing", [{"held": 60.0}, {"requests": 499}, {"silent": SILENCE + 1}])
def test_a_person_s_word_is_no_time_and_no_requests(missing: dict[str, float]) -> None:
    facts = replace(UNDECIDED, **missing)  # type: ignore[arg-type]  # numbers, all of them
    assert isinstance(following(approved(), facts), Wait)


def test_an_approval_of_another_step_says_nothing_of_this_one() -> None:
    assert isinstance(following(approved(step=25 * PERCENT), UNDECIDED), Wait)


def test_a_step_that_needs_a_person_waits_for_one_whatever_is_proven() -> None:
    ramp = replace(RAMP, approve=(STEP,))
    assert following(ramp, DUE) == Wait("5 % needs a person: banyan ramp approve")
    assert following(approved(ramp), DUE) == Advance(STEP, "approved by cli:bob")
    assert isinstance(following(replace(RAMP, approve=(SPACE,)), DUE), Advance)


@pytest.mark.parametrize("facts", [DUE, UNDECIDED, replace(DUE, proven=False, requests=10**6)])
def test_silence_takes_no_step(facts: Facts) -> None:
    silent = Wait("modern was not asked for 24 h")
    assert following(RAMP, replace(facts, silent=SILENCE + 1)) == silent
    assert following(RAMP, replace(facts, silent=SILENCE)) != silent


def test_what_speaks_against_a_step_holds_it_and_the_first_of_it_is_said() -> None:
    held = replace(DUE, holds=["the kill switch is on", "modern is worse on slow"])
    for ramp in (RAMP, approved(), LAST):
        facts = replace(held, split=ramp.split)
        assert following(ramp, facts) == Wait("the kill switch is on")


def test_the_last_step_is_over_when_its_time_is() -> None:
    facts = replace(DUE, split=SPACE, requests=0, proven=False, silent=2 * SILENCE)
    done = End(RampState.DONE, "the last step was held for 30 min")
    assert following(LAST, facts) == done
    assert following(LAST, replace(facts, held=60.0)) == Wait("held for 60 s of 30 min")


@pytest.mark.parametrize("state", [RampState.RUNNING, RampState.PAUSED])
@pytest.mark.parametrize(("split", "percent"), [(0, "0"), (STEP, "5"), (1, "0.001")])
def test_a_split_that_somebody_else_has_moved_ends_the_ramp(
    state: RampState, split: int, percent: str
) -> None:
    ended = End(RampState.STOPPED, f"the split was moved to {percent} % elsewhere")
    facts = replace(DUE, split=split, holds=["the phase is parallel"])
    assert following(replace(RAMP, state=state), facts) == ended


@pytest.mark.parametrize("facts", [DUE, UNDECIDED, replace(DUE, holds=["lag"])])
def test_a_paused_ramp_waits_for_who_paused_it(facts: Facts) -> None:
    paused = replace(RAMP, state=RampState.PAUSED, why="paused by cli:ann: lunch")
    assert following(paused, facts) == Wait("paused by cli:ann: lunch")


@pytest.mark.parametrize(
    ("split", "step"),
    [(0, 1), (1, 1000), (999, 1000), (1000, 5000), (1001, 5000), (50_000, SPACE), (SPACE, None)],
)
def test_the_next_step_is_the_first_above_the_split(split: int, step: int | None) -> None:
    ramp = replace(RAMP, steps=(1, *RAMP.steps), split=split)
    assert ramp.following == step


def test_a_ramp_that_jumped_goes_on_from_there() -> None:
    jumped = RAMP.on(50 * PERCENT, 9, 1000.0)
    assert following(jumped, replace(DUE, split=50 * PERCENT)) == Advance(
        SPACE, "modern is not 2 times as bad as legacy"
    )


def test_a_step_begins_with_nothing_held_and_nothing_said() -> None:
    ramp = replace(RAMP, held=99.0, why="undecided", approved={str(STEP): "cli:bob"})
    on = ramp.on(STEP, 7, 1234.0)
    assert (on.split, on.version, on.began, on.looked) == (STEP, 7, 1234.0, 1234.0)
    assert (on.held, on.why, on.approver) == (0.0, "", None)


@pytest.mark.parametrize(
    ("now", "at_most", "passed"),
    [
        (1000.0, 60.0, 100.0),
        (1030.0, 60.0, 130.0),
        (2000.0, 60.0, 160.0),
        (87_400.0, 86_400.0, 86_500.0),
        (0.0, 60.0, 100.0),  # a clock that was set back takes nothing away
    ],
)
def test_what_nobody_wrote_down_counts_up_to_a_limit(
    now: float, at_most: float, passed: float
) -> None:
    ramp = replace(RAMP, held=100.0, looked=1000.0)
    assert ramp.passed(now, at_most) == passed
    assert replace(ramp, state=RampState.PAUSED).passed(now, at_most) == 100.0


@pytest.mark.parametrize("state", list(RampState))
def test_a_ramp_lives_while_it_runs_or_is_paused(state: RampState) -> None:
    live = state in {RampState.RUNNING, RampState.PAUSED}
    assert replace(RAMP, state=state).live is live
