"""What follows from the evidence on one route, and in which words."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from gateway.judge.evidence import Verdict, Worse, worse_alone
from gateway.judge.judgement import (
    LAG_COUNTS,
    Around,
    Judgement,
    Terms,
    judge,
    numbers,
    said,
)
from gateway.judge.ledger import EVENTS, Ledger
from gateway.observe.recent import Sample
from gateway.plan.judging import ACTIONS, Guard
from gateway.routes import SPACE
from gateway.store.evidence import Row, Seen
from gateway.store.standings import Standing
from gateway.words import Action, Signal

A, B = "GET /a", "GET /b"
HOUR = 490_000
NOW = HOUR * 3600.0 + 1800
NEW = Seen(A, "modern", "exception", "KeyError at shop.place", 1, NOW - 5, NOW - 5, False)
LAG = replace(NEW, kind="lag", what="shop.wait")
COUNTED = [Signal.ERROR, Signal.CLIENT_ERROR, Signal.SLOW]


def row(
    stack: str,
    requests: int,
    events: int = 0,
    *,
    signal: Signal = Signal.ERROR,
    split: int = 5_000,
    version: int = 1,
    hour: int = HOUR,
) -> Row:
    counted = (events if one is signal else 0 for one in EVENTS)
    return Row(A, version, hour, stack, split, requests, events, *counted)


def both(modern: int, legacy: int, signal: Signal = Signal.ERROR) -> list[Row]:
    """Events of the two, at 5 %."""
    return [row("modern", 500, modern, signal=signal), row("legacy", 9_500, legacy, signal=signal)]


def ledger_of(rows: Iterable[Row], standing: Standing | None = None) -> Ledger:
    ledger = Ledger()
    ledger.standing({A: standing} if standing else {})
    ledger.update(rows, HOUR)
    return ledger


def judged(
    rows: Iterable[Row] = (),
    *seen: Seen,
    split: int = 5_000,
    guard: Guard | None = None,
    sample: Sample | None = None,
) -> Judgement:
    around = Around(seen, sample or Sample(), NOW)
    return judge(ledger_of(rows), A, Terms(split, guard or Guard()), around)


def acts(signal: Signal, action: Action) -> Guard:
    return Guard(signals={signal: action})


def test_without_evidence_nothing_is_decided_and_nothing_follows() -> None:
    judgement = judged()
    assert judgement.verdict is Verdict.UNDECIDED
    assert [judgement.against(action) for action in Action] == [[], [], []]
    assert judgement.holds() == []
    assert (judgement.baseline, judgement.broken) == (None, False)


@pytest.mark.parametrize(
    ("modern", "legacy", "verdict"),
    [
        (20, 10, Verdict.WORSE),
        (2, 40, Verdict.UNDECIDED),
        (20, 2_000, Verdict.NOT_WORSE),
    ],
)
def test_the_verdict_is_on_errors(modern: int, legacy: int, verdict: Verdict) -> None:
    assert judged(both(modern, legacy)).verdict is verdict


def test_what_is_worse_now_is_worse_though_it_was_proven_not_to_be() -> None:
    """A month of health, and then it breaks."""
    month = [replace(one, hour=HOUR - 30) for one in both(20, 4_000)]
    judgement = judged([*month, *both(60, 10)])
    assert judgement.proof.verdict is Verdict.NOT_WORSE
    assert judgement.verdict is Verdict.WORSE


@pytest.mark.parametrize("signal", [Signal.CLIENT_ERROR, Signal.SLOW])
def test_other_signals_are_no_verdict_on_errors(signal: Signal) -> None:
    judgement = judged(both(50, 10, signal))
    assert judgement.signals[signal].verdict is Verdict.WORSE
    assert judgement.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("signal", "action"),
    [(s, a) for s in COUNTED for a in Action if (s, a) != (Signal.SLOW, Action.ROLL_BACK)],
)
def test_what_the_plan_says_of_a_signal_follows(signal: Signal, action: Action) -> None:
    judgement = judged(both(50, 10, signal), guard=acts(signal, action))
    assert {one: judgement.against(one) for one in Action} == {
        one: [signal] if one is action else [] for one in Action
    }
    holds = [] if action is Action.IGNORE else [f"modern is worse on {signal}: "]
    assert [one[: one.index("E = ")] for one in judgement.holds()] == holds


@pytest.mark.parametrize(("signal", "seen"), [(Signal.NEW_FINGERPRINT, NEW), (Signal.LAG, LAG)])
@pytest.mark.parametrize("action", [Action.HOLD, Action.IGNORE])
def test_what_the_plan_says_of_something_seen_follows(
    signal: Signal, seen: Seen, action: Action
) -> None:
    judgement = judged([], seen, guard=acts(signal, action))
    assert {one: judgement.against(one) for one in Action} == {
        one: [signal] if one is action else [] for one in Action
    }


def test_without_a_word_in_the_plan_errors_roll_back_and_the_rest_holds() -> None:
    assert ACTIONS == {
        Signal.ERROR: Action.ROLL_BACK,
        Signal.CLIENT_ERROR: Action.ROLL_BACK,
        Signal.SLOW: Action.HOLD,
        Signal.NEW_FINGERPRINT: Action.HOLD,
        Signal.LAG: Action.HOLD,
    }
    rows = [replace(one, client_error=one.error, slow=one.error) for one in both(50, 10)]
    judgement = judged(rows, NEW, LAG)
    assert judgement.against(Action.ROLL_BACK) == [Signal.ERROR, Signal.CLIENT_ERROR]
    assert judgement.against(Action.HOLD) == [Signal.SLOW, Signal.NEW_FINGERPRINT, Signal.LAG]


def test_a_smaller_alpha_asks_for_more() -> None:
    rows = both(7, 15)
    assert judged(rows).verdict is Verdict.WORSE
    judgement = judged(rows, guard=Guard(alpha=1e-6))
    assert judgement.verdict is Verdict.UNDECIDED


def test_the_signals_that_roll_back_share_the_chance_of_a_false_alarm() -> None:
    def alphas(guard: Guard) -> list[float]:
        return [judged(guard=guard).signals[signal].alpha for signal in COUNTED]

    assert alphas(Guard(alpha=0.02)) == [0.01, 0.01, 0.02]
    alone = acts(Signal.CLIENT_ERROR, Action.HOLD)
    assert alphas(alone.model_copy(update={"alpha": 0.02})) == [0.02, 0.02, 0.02]


def test_the_margin_is_that_of_the_ramp() -> None:
    around = Around((), Sample(), NOW)
    found = judge(ledger_of(both(3, 60)), A, Terms(5_000, Guard(), margin=3.0), around)
    assert found.proof.margin == 3.0


def test_what_may_recover_is_forgotten_after_an_hour_and_errors_are_not() -> None:
    long_ago = [replace(one, hour=HOUR - 2, slow=one.error) for one in both(50, 10)]
    judgement = judged(long_ago)
    assert judgement.signals[Signal.ERROR].verdict is Verdict.WORSE
    assert judgement.signals[Signal.SLOW].verdict is Verdict.UNDECIDED


class TestAlone:
    """Modern answers everything: there is nothing to compare with but what was."""

    before = row("legacy", 20_000, 20, split=50_000), row("modern", 20_000, 20, split=50_000)

    @staticmethod
    def modern(requests: int, events: int, version: int = 2, hour: int = HOUR) -> Row:
        return row("modern", requests, events, split=SPACE, version=version, hour=hour)

    def test_it_is_held_against_what_legacys_rate_was_at_most(self) -> None:
        judgement = judged([*self.before, self.modern(10_000, 60)], split=SPACE)
        assert judgement.baseline is not None
        rate = judgement.baseline.rate
        assert 0.001 < rate < 0.002
        expected = worse_alone([(60, 10_000)], rate)
        assert judgement.signals[Signal.ERROR].log_e == expected.log_e
        assert judgement.verdict is Verdict.WORSE

    def test_as_many_errors_as_legacy_had_are_not_held_against_it(self) -> None:
        judgement = judged([*self.before, self.modern(10_000, 10)], split=SPACE)
        assert judgement.verdict is not Verdict.WORSE

    def test_what_it_did_beside_legacy_is_not_counted_twice(self) -> None:
        bad = row("modern", 20_000, 500, split=50_000, hour=HOUR - 1)
        judgement = judged([*self.before, bad, self.modern(100, 0)], split=SPACE)
        assert judgement.signals[Signal.ERROR].log_e <= 0.0

    def test_a_time_alone_that_is_over_had_a_baseline_of_its_own(self) -> None:
        """It was at 100 %, was mended at 50 %, and is at 100 % again."""
        mended = [replace(one, version=3) for one in self.before]
        rows = [self.modern(1_000, 900), *mended, self.modern(100, 0, version=4)]
        assert judged(rows, split=SPACE).signals[Signal.ERROR].log_e <= 0.0

    def test_an_old_worker_that_still_splits_does_not_end_it(self) -> None:
        late = replace(self.before[0], requests=3, error=0, hour=HOUR + 1)
        rows = [*self.before, self.modern(5_000, 60), late, self.modern(5_000, 0, hour=HOUR + 1)]
        found = judged(rows, split=SPACE)
        assert found.baseline is not None
        rate = found.baseline.rate
        expected = worse_alone([(60, 5_000), (0, 5_000)], rate)
        assert found.signals[Signal.ERROR].log_e == expected.log_e

    def test_without_anything_of_legacys_nobody_can_tell(self) -> None:
        judgement = judged([self.modern(1_000, 900)], split=SPACE)
        assert judgement.baseline is None
        assert judgement.verdict is Verdict.UNDECIDED

    def test_where_it_does_not_answer_alone_there_is_no_such_rate(self) -> None:
        assert judged(self.before, split=SPACE - 1).baseline is None

    def test_the_words_say_so_of_errors_only(self) -> None:
        rows = [*self.before, self.modern(10_000, 60)]
        judgement = judged(rows, split=SPACE)
        ledger = ledger_of(rows)
        assert "against legacy's last rate" in numbers(ledger, judgement, Signal.ERROR)
        assert "last rate" not in numbers(ledger, judgement, Signal.CLIENT_ERROR)

    def test_an_acknowledged_rollback_does_not_make_it_blind(self) -> None:
        since = Standing(A, 2, False, NOW, "cli:ann", "mended")
        ledger = ledger_of([*self.before, self.modern(10_000, 60)], since)
        around = Around((), Sample(), NOW)
        assert judge(ledger, A, Terms(SPACE, Guard()), around).verdict is Verdict.WORSE


@pytest.mark.parametrize(
    ("seen", "news"),
    [
        ([NEW], [NEW.what]),
        ([replace(NEW, stack="legacy")], []),
        ([replace(NEW, route=B)], []),
        ([replace(NEW, known=True)], []),
        ([replace(NEW, kind="lag")], []),
        ([NEW, replace(NEW, stack="legacy")], []),
        ([NEW, replace(NEW, stack="legacy", route=B)], []),
        ([NEW, replace(NEW, stack="legacy", kind="lag")], [NEW.what]),
        ([NEW, replace(NEW, stack="legacy", what="KeyError at shop.other")], [NEW.what]),
        ([NEW, replace(NEW, route=B, known=True)], [NEW.what]),
    ],
    ids=[
        "new",
        "of legacy",
        "on another route",
        "acknowledged",
        "no exception",
        "known by legacy",
        "known by legacy on another route",
        "what held legacy up",
        "another of legacy's",
        "acknowledged on another route",
    ],
)
def test_an_exception_is_news_that_neither_legacy_nor_anybody_knows(
    seen: list[Seen], news: list[str]
) -> None:
    assert list(judged([], *seen).news) == news


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        (LAG, True),
        (replace(LAG, last=NOW - LAG_COUNTS + 1), True),
        (replace(LAG, last=NOW - LAG_COUNTS), False),
        (replace(LAG, last=NOW + 3600), True),
        (replace(LAG, stack="legacy"), False),
        (replace(LAG, route=B), False),
        (replace(LAG, known=True), False),
        (NEW, False),
    ],
    ids=[
        "now",
        "not long ago",
        "long ago",
        "the clock was set back",
        "by legacy",
        "on another route",
        "acknowledged",
        "an exception",
    ],
)
def test_a_loop_that_modern_held_up_counts_for_ten_minutes(seen: Seen, counts: bool) -> None:
    assert bool(judged([], seen).lag) is counts


def of_clients(modern: int, legacy: int, split: int = 5_000) -> Sample:
    """So many clients of each."""
    buckets = [n * split // modern for n in range(modern)]
    buckets += [split + n * (SPACE - split) // legacy for n in range(legacy)]
    return Sample(tuple(buckets))


@pytest.mark.parametrize(
    ("modern", "legacy", "broken"), [(25, 475, False), (100, 400, True), (1, 500, True)]
)
def test_a_split_is_broken_where_clients_are_not_split_as_planned(
    modern: int, legacy: int, broken: bool
) -> None:
    judgement = judged(sample=of_clients(modern, legacy))
    assert judgement.broken is broken
    expected = ["clients are not split as planned (5 %)"] if broken else []
    assert judgement.holds() == expected


def test_a_few_clients_with_most_of_the_requests_break_no_split() -> None:
    rows = [row("modern", 90_000), row("legacy", 10_000)]
    assert not judged(rows, sample=of_clients(25, 475)).broken


@pytest.mark.parametrize("split", [0, SPACE])
def test_where_nobody_is_split_nothing_is_broken(split: int) -> None:
    assert not judged(sample=of_clients(200, 200), split=split).broken


def test_a_breaker_that_is_not_closed_holds() -> None:
    around = Around((), Sample(), NOW, {"h1:7": "open: 5 errors in a row"})
    found = judge(ledger_of([]), A, Terms(5_000, Guard()), around)
    assert found.holds() == ["modern fails right now, h1:7: open: 5 errors in a row"]
    assert found.against(Action.ROLL_BACK) == []


def test_how_many_events_are_needed_is_worked_out_for_who_asks_only() -> None:
    around = Around((), Sample(), NOW)
    for ahead in (True, False):
        terms = Terms(5_000, Guard(), ahead=ahead)
        proof = judge(ledger_of(both(0, 1)), A, terms, around).proof
        assert (proof.needed is not None) is ahead
        assert proof.verdict is Verdict.UNDECIDED


def test_what_holds_is_said_in_one_order_the_split_first() -> None:
    rows = [replace(one, client_error=one.error, slow=one.error) for one in both(50, 10)]
    guard = acts(Signal.CLIENT_ERROR, Action.IGNORE)
    found = judged(rows, NEW, LAG, guard=guard, sample=of_clients(100, 400)).holds()
    assert [one.partition(": E")[0] for one in found] == [
        "clients are not split as planned (5 %)",
        "modern is worse on error",
        "modern is worse on slow",
        "new on modern: KeyError at shop.place",
        "modern held the event loop up: shop.wait",
    ]


def test_the_numbers_are_both_stacks_and_the_evidence() -> None:
    rows = both(20, 10)
    judgement = judged(rows)
    assert numbers(ledger_of(rows), judgement, Signal.ERROR) == (
        "error: modern 20 events in 500 requests; legacy 10 events in 9500 requests; "
        f"{said(judgement.signals[Signal.ERROR])}"
    )


def test_the_numbers_are_those_that_were_compared() -> None:
    """Not what legacy did while it answered alone."""
    alone = row("legacy", 1_000_000, 90_000, split=0, hour=HOUR - 5)
    rows = [alone, *both(20, 10)]
    found = numbers(ledger_of(rows), judged(rows), Signal.ERROR)
    assert "legacy 10 events in 9500 requests" in found


@pytest.mark.parametrize(
    ("log_e", "words"),
    [
        (0.0, "E = 1 < 100"),
        (-800.0, "E = 0 < 100"),
        (4.605, "E = 100 < 100"),
        (4.61, "E = 100 >= 100"),
        (12.0, "E = 1.63e+05 >= 100"),
        (2302.6, "E = 10^1000 >= 100"),
    ],
)
def test_the_evidence_is_said_beside_what_it_takes(log_e: float, words: str) -> None:
    assert said(Worse(log_e, 0.01)) == words
