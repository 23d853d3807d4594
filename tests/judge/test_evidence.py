"""The judge's arithmetic, against numbers that were worked out by hand or by simulation elsewhere."""

from dataclasses import replace
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judge.evidence import (
    BROKEN,
    Segment,
    Verdict,
    Watch,
    clean_bound,
    clean_requests,
    interval,
    log_ratio_broken,
    not_worse,
    worse,
    worse_alone,
)

FIVE = Segment(0.05, 1900, 100, 0, 0)


def split(share: float, modern_events: int = 0, legacy_events: int = 0) -> Segment:
    requests = 10_000
    modern = round(share * requests)
    return Segment(share, requests - modern, modern, legacy_events, modern_events)


def test_without_an_event_nothing_is_decided() -> None:
    assert worse([]).verdict is Verdict.UNDECIDED
    assert worse([FIVE]).log_e == pytest.approx(0.0, abs=0.2)


def test_one_event_is_worth_what_the_formula_says() -> None:
    gains = [r / (1 - 0.05 + r * 0.05) for r in (1.5, 2, 3, 5, 10, 30)]
    assert worse([replace(FIVE, modern_events=1)]).log_e == pytest.approx(
        log(5 / 6 * sum(gains) / 6)
    )


@pytest.mark.parametrize(
    ("share", "events"), [(0.001, 2), (0.01, 3), (0.05, 3), (0.25, 5), (0.5, 9), (0.9, 57)]
)
def test_so_many_events_of_modern_alone_are_enough(share: float, events: int) -> None:
    assert worse([split(share, events)]).verdict is Verdict.WORSE
    assert worse([split(share, events - 1)]).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_a_baseline_no_event_counts(share: float) -> None:
    segments = [split(share, modern_events=500, legacy_events=0)]
    assert worse(segments).log_e <= 0.0
    assert not_worse(segments, 2.0).log_e == pytest.approx(0.0)
    assert not_worse(segments, 2.0).needed is None


def test_a_share_of_requests_above_the_split_speaks_for_modern() -> None:
    """One busy client of modern's makes half of the requests, and so half of the errors."""
    busy = Segment(0.05, 1000, 1000, 5, 5)
    quiet = Segment(0.05, 1900, 100, 5, 5)
    assert busy.high == pytest.approx(0.48, abs=0.01)
    assert worse([busy]).log_e < 0 < worse([quiet]).log_e


def test_a_busy_client_of_legacys_does_not_make_modern_look_worse() -> None:
    """Its requests are most of them all; its errors, once a minute, are not."""
    segment = Segment(0.05, 100_000, 100, 10, 1)
    assert segment.high == 0.05
    assert segment.low < 0.002
    assert worse([segment]).verdict is Verdict.UNDECIDED


@given(
    st.lists(
        st.tuples(
            st.floats(0.001, 0.999),
            st.integers(0, 500),
            st.integers(0, 500),
            st.integers(0, 50),
            st.integers(0, 50),
        ).map(lambda one: Segment(*one)),
        max_size=8,
    )
)
def test_the_evidence_is_the_mixture_over_odds_and_beginnings(segments: list[Segment]) -> None:
    odds = (1.5, 2, 3, 5, 10, 30)

    def ratio(segment: Segment, r: float) -> float:
        share = segment.high
        if share >= 1:
            return 1.0
        p = r * share / (1 - share + r * share)
        return float(
            (p / share) ** segment.modern_events * ((1 - p) / (1 - share)) ** segment.legacy_events
        )

    def since(first: int, r: float) -> float:
        product = 1.0
        for segment in segments[first:]:
            product *= ratio(segment, r)
        return product

    mixed = sum(
        (5 / 6 if first == 0 else 1 / (6 * first * (first + 1))) * since(first, r) / len(odds)
        for first in range(max(1, len(segments)))
        for r in odds
    )
    assert exp(min(worse(segments).log_e, 700)) == pytest.approx(min(mixed, exp(700)), rel=1e-6)


def test_a_kept_watch_goes_on_where_it_stood() -> None:
    segments = [split(0.05, events, 3) for events in (0, 1, 2, 0)]
    watch = Watch()
    for segment in segments[:-1]:
        watch.add(segment)
    for _ in range(2):
        ahead = watch.copy()
        ahead.add(segments[-1])
        assert ahead.said() == worse(segments)


def test_a_month_of_health_does_not_blind_it() -> None:
    healthy = [Segment(0.05, 68_400, 3_600, 342, 18)] * 720
    broken = Segment(0.05, 3_000, 150, 15, 0)
    needed = next(
        events
        for events in range(100)
        if worse([*healthy, replace(broken, modern_events=events)]).verdict is Verdict.WORSE
    )
    assert needed == 14  # of 150 requests, beside the 15 of legacy; in the first hour it is 6


# Median numbers of events until the proof, simulated (10 000 runs each, by another program).
@pytest.mark.parametrize(
    ("margin", "share", "events"),
    [
        (2.0, 0.5, 46), (2.0, 0.25, 49), (2.0, 0.05, 165),
        (3.0, 0.5, 18), (3.0, 0.25, 19), (3.0, 0.05, 55),
        (1.5, 0.5, 140), (1.5, 0.25, 158), (1.5, 0.05, 588),
    ],
)  # fmt: skip
def test_so_many_events_prove_that_equal_stacks_are_equal(
    margin: float, share: float, events: int
) -> None:
    found = not_worse([split(share)], margin)
    assert found.verdict is Verdict.UNDECIDED
    assert found.needed == pytest.approx(events, rel=0.07)


def test_a_proof_needs_no_more_events() -> None:
    proven = not_worse([split(0.5, modern_events=100, legacy_events=100)], 2.0)
    assert (proven.verdict, proven.needed) == (Verdict.NOT_WORSE, 0)


def test_twice_as_bad_is_not_called_less_than_twice_as_bad() -> None:
    assert not_worse([split(0.5, 2000, 1000)], 2.0).verdict is Verdict.UNDECIDED
    assert not_worse([split(0.5, 1000, 1000)], 2.0).verdict is Verdict.NOT_WORSE


def test_where_a_proof_is_out_of_reach_no_number_is_named() -> None:
    assert not_worse([split(0.5, 2000, 100)], 2.0).needed is None
    assert not_worse([split(0.5)], 2.0, ahead=False).needed is None


@pytest.mark.parametrize(("rate", "requests"), [(0.01, 299), (0.001, 2995), (0.0001, 29956)])
def test_so_many_clean_requests_exclude_a_rate(rate: float, requests: int) -> None:
    assert clean_requests(rate) == requests
    assert clean_bound(requests) < rate < clean_bound(requests - 1)
    assert clean_bound(0) == 1.0


def test_alone_modern_is_held_against_the_last_baseline() -> None:
    assert worse_alone([(5, 1000)], 0.005).verdict is Verdict.UNDECIDED
    assert worse_alone([(20, 1000)], 0.005).verdict is Verdict.WORSE
    assert worse_alone([(0, 100_000)], 0.005).verdict is Verdict.UNDECIDED
    assert worse_alone([(0, 0)], 0.5).verdict is Verdict.UNDECIDED
    assert worse_alone([(5, 5)], 1.0).verdict is Verdict.UNDECIDED
    assert worse_alone([], 0.005).verdict is Verdict.UNDECIDED


def test_a_month_of_health_alone_does_not_hide_a_break() -> None:
    month = [(5, 1000)] * 720
    assert worse_alone(month, 0.005).verdict is Verdict.UNDECIDED
    assert worse_alone([*month, (100, 1000)], 0.005).verdict is Verdict.WORSE


def test_an_hour_with_a_few_requests_has_the_planned_share() -> None:
    """At one request an hour each hour would else be all modern's or all legacy's, and prove nothing."""
    assert Segment(0.05, 0, 1, 0, 1).high < 0.06
    assert Segment(0.05, 1, 0, 1, 0).low > 0.049
    rare = [Segment(0.05, 0, 1, 0, 1)] * 3
    assert worse(rare).verdict is Verdict.WORSE


@pytest.mark.parametrize(
    ("legacy", "modern", "broken"),
    [(950, 50, False), (930, 70, False), (900, 100, True), (1000, 0, True), (20, 0, False)],
)
def test_a_split_that_does_not_split_is_found(legacy: int, modern: int, broken: bool) -> None:
    assert (log_ratio_broken(legacy, modern, 0.05) >= -log(BROKEN)) is broken


@pytest.mark.parametrize("split", [0.0, 1.0])
def test_nobody_and_everybody_are_no_split(split: float) -> None:
    assert log_ratio_broken(10, 10, split) == 0.0


def test_an_interval_holds_the_rate_and_stays_between_nothing_and_all() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(0, 100)[0] == 0.0
    assert interval(0, 100)[1] == pytest.approx(0.0370, abs=1e-4)
    assert interval(100, 100)[1] == 1.0
    assert interval(3, 1000)[0] == pytest.approx(0.00102, abs=1e-5)
    assert interval(3, 1000)[1] == pytest.approx(0.00878, abs=1e-5)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0.00001, 0.99999))
def test_no_number_is_too_large(modern: int, legacy: int, share: float) -> None:
    segments = [Segment(share, legacy, modern, legacy, modern)]
    assert isinstance(worse(segments).verdict, Verdict)
    assert isinstance(not_worse(segments, 2.0, ahead=False).verdict, Verdict)
