"""A verdict is news when it changes, whoever leads."""

from gateway.words import Stack
from tests.judge.judging import A, B, Bench, another

LEGACY, MODERN = Stack.LEGACY, Stack.MODERN


def test_a_verdict_is_told_once(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.fails(A, signal="slow")
    bench.looks(20)
    (notice,) = bench.notices("verdict")
    assert (notice.document["verdict"], notice.document["signal"]) == ("worse", "slow")
    assert "modern 30 events in 1000 requests" in notice.document["reason"]


def test_a_controller_that_takes_over_tells_no_verdict_once_more(bench: Bench) -> None:
    bench.planned({A: 5, B: 5})
    bench.fails(A, signal="slow")
    bench.looks()
    with another(bench) as second:
        bench.fails(B, signal="slow")
        second.looks()
        told = [(one.route, one.document["verdict"]) for one in bench.notices("verdict")]
    assert told == [(A, "worse"), (B, "worse")]


def test_a_verdict_that_has_changed_meanwhile_is_told_by_who_takes_over(bench: Bench) -> None:
    bench.planned({A: 50})
    bench.counts(A, LEGACY, 10_000, 60)
    bench.counts(A, MODERN, 10_000, 60)
    bench.looks()
    bench.counts(A, MODERN, 100, 60)
    with another(bench) as second:
        second.looks()
    told = [one.document["verdict"] for one in bench.notices("verdict")]
    assert told == ["not worse", "worse"]


def test_a_proof_that_comes_and_goes_with_single_events_is_told_once(bench: Bench) -> None:
    bench.planned({A: 50})
    bench.counts(A, LEGACY, 10_000, 60)
    bench.counts(A, MODERN, 10_000, 69)
    bench.looks()
    for modern, legacy in ((6, 0), (0, 6), (6, 0), (0, 6)):  # undecided, not worse, undecided …
        bench.counts(A, MODERN, 0, modern)
        bench.counts(A, LEGACY, 0, legacy)
        bench.looks()
    told = [one.document["verdict"] for one in bench.notices("verdict")]
    assert told == ["not worse"]
