"""What the ledger keeps in mind is the same as what it would read anew."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import isfinite
from random import Random

import pytest

from gateway.judge.evidence import Segment, interval, worse
from gateway.judge.ledger import LATE, Ledger, Tally
from gateway.routes import SPACE
from gateway.store.evidence import HOUR, KEPT
from gateway.store.standings import Standing
from gateway.words import Signal, Stack
from tests.judge.shelf import ALPHA, ERROR, LATCH, NOW, A, B, Shelf, afresh, log_e, looked, shelf_of


@dataclass
class History:
    """Happens at random: events, versions, latches, acknowledgements, and clocks that are set back."""

    chance: Random
    shelf: Shelf = field(default_factory=Shelf)
    hour: int = NOW
    version: int = 1
    standings: dict[str, Standing] = field(default_factory=dict)

    def goes_on(self) -> bool:
        """One step of it, and whether the judge surely looks after it."""
        for route in (A, B):
            modern, legacy = self.chance.choice([(0, 0), (1, 0), (0, 2), (3, 1)])
            told = self.version - (self.version > 1 and self.chance.random() < 0.2)
            split = 5_000 * (1 + told % 3)
            self.shelf.add(self.hour, modern, legacy, version=told, split=split, route=route)
        step = self.chance.choice([self._applied, self._latched, self._acknowledged, self._passed])
        return step()

    def _applied(self) -> bool:
        self.version += 1
        return False

    def _latched(self) -> bool:
        self.version += 1
        self.standings[A] = replace(LATCH, since=self.version, at=self.chance.random())
        return False

    def _acknowledged(self) -> bool:
        if A in self.standings:
            ack = replace(LATCH, since=self.version, latched=False, at=self.chance.random())
            self.standings[A] = ack
            old = self.shelf.rows.items()
            self.shelf.rows = {k: v for k, v in old if k[0] != A or v.version < self.version}
        return False

    def _passed(self) -> bool:
        hours = self.chance.choice([1, 1, 1, 2, 7, -1, -5])
        self.hour += hours
        return hours < 0


def segments(ledger: Ledger, route: str = A) -> list[Segment]:
    return [tally.segment(ERROR) for tally in ledger.tallies(route) if tally.compares]


@pytest.mark.parametrize("seed", range(25))
def test_hours_that_are_over_weigh_the_same_folded_as_read_anew(seed: int) -> None:
    chance, ledger = Random(seed), Ledger()
    history = History(chance)
    for _ in range(80):
        if history.goes_on() or chance.random() < 0.8:
            looked(ledger, history.shelf, history.hour, history.standings)
            assert all(map(isfinite, (log_e(ledger), log_e(ledger, B))))
    for _ in range(2):  # the look after the one that finds a clock set back knows all
        looked(ledger, history.shelf, history.hour, history.standings)
    anew = afresh(history.shelf, history.hour, *history.standings.values())
    for route in (A, B):
        assert log_e(ledger, route) == pytest.approx(log_e(anew, route), abs=1e-9)
        proven = ledger.not_worse(route, 2.0, ahead=False)
        assert proven.log_e == pytest.approx(anew.not_worse(route, 2.0, ahead=False).log_e)
        assert segments(ledger, route) == segments(anew, route)
        assert ledger.totals(route) == anew.totals(route)
        assert ledger.baseline(route) == anew.baseline(route)


def test_the_evidence_is_that_of_the_hours_in_their_order() -> None:
    shelf = shelf_of((0, 30), (9, 0), (2, 1))
    expected = worse(Segment(0.05, 950, 50, *events) for events in ((30, 0), (0, 9), (1, 2)))
    assert log_e(afresh(shelf, NOW + 9)) == pytest.approx(expected.log_e)


def test_an_hour_is_read_again_until_the_one_after_it_is_over() -> None:
    ledger, shelf = Ledger(), Shelf()
    assert ledger.wanted == 0
    looked(ledger, shelf)
    assert ledger.wanted == NOW - LATE
    looked(ledger, shelf, NOW + 5)
    assert ledger.wanted == NOW + 5 - LATE


def test_what_is_told_late_in_the_last_hour_counts_once() -> None:
    ledger, shelf = Ledger(), shelf_of((2, 1))
    for hour in (NOW, NOW + 1):
        log_e(looked(ledger, shelf, hour))
        shelf.add(NOW, 1, 0)  # its transaction began a moment before the hour
    found = [log_e(looked(ledger, shelf, NOW + after)) for after in (1, 2, 3, 4)]
    assert found == [pytest.approx(log_e(afresh(shelf, NOW + 4)))] * 4


def test_looking_again_and_again_adds_nothing() -> None:
    ledger, shelf = Ledger(), shelf_of((3, 0), (2, 0), (4, 0))
    found = {log_e(looked(ledger, shelf, NOW + 3)) for _ in range(50)}
    assert len(found) == 1


def test_a_controller_that_stood_by_for_long_reads_what_it_has_missed() -> None:
    ledger, shelf = Ledger(), shelf_of((1, 0))
    log_e(looked(ledger, shelf))
    for hour in range(NOW + 1, NOW + 40):
        shelf.add(hour, 1, 1)
    assert log_e(looked(ledger, shelf, NOW + 60)) == pytest.approx(log_e(afresh(shelf, NOW + 60)))


@pytest.mark.parametrize("back", [1, 2, 30])
def test_b076_after_the_clock_was_set_back_hours_that_were_over_may_change_again(
    back: int,
) -> None:
    ledger, shelf = Ledger(), shelf_of(*[(1, 2)] * 40, first=NOW - 39)
    log_e(looked(ledger, shelf))
    shelf.add(NOW - back, 5, 0)
    for _ in range(2):
        log_e(looked(ledger, shelf, NOW - back))
    assert log_e(ledger) == pytest.approx(log_e(afresh(shelf, NOW - back)))
    shelf.add(NOW - back, 5, 0)
    for hour in range(NOW - back, NOW + 4):
        log_e(looked(ledger, shelf, hour))
    assert log_e(ledger) == pytest.approx(log_e(afresh(shelf, NOW + 3)))


def test_b076_a_clock_that_jumps_forward_and_back_loses_nothing() -> None:
    ledger, shelf = Ledger(), shelf_of((1, 2), (3, 0), first=NOW - 20)
    log_e(looked(ledger, shelf, NOW + 1))
    log_e(looked(ledger, shelf, NOW + 2 * KEPT))
    shelf.add(NOW + 1, 7, 0)
    for _ in range(2):
        log_e(looked(ledger, shelf, NOW + 1))
    assert log_e(ledger) == pytest.approx(log_e(afresh(shelf, NOW + 1)))


def test_b076_an_acknowledgement_hides_no_clock_that_was_set_back() -> None:
    """Of another route: its evidence goes on, and its hours may change again."""
    ledger, shelf = Ledger(), shelf_of(*[(1, 2)] * 9, first=NOW - 8)
    log_e(looked(ledger, shelf))
    shelf.add(NOW - 4, 5, 0)
    other = {B: replace(LATCH, route=B, latched=False)}
    for _ in range(2):
        log_e(looked(ledger, shelf, NOW - 4, other))
    assert log_e(ledger) == pytest.approx(log_e(afresh(shelf, NOW - 4)))


def test_a_latch_begins_the_evidence_anew_with_its_version() -> None:
    ledger, shelf = Ledger(), shelf_of((9, 0))
    before = log_e(looked(ledger, shelf, NOW + 3))
    shelf.add(NOW + 3, 1, 0, version=2, split=1_000, asked=(10, 990))
    found = log_e(looked(ledger, shelf, NOW + 3, {A: LATCH}))
    assert found < before
    only = Shelf()
    only.add(NOW + 3, 1, 0, version=2, split=1_000, asked=(10, 990))
    assert found == pytest.approx(log_e(afresh(only, NOW + 3)))
    assert [t.version for t in ledger.tallies(A)] == [2]


def test_what_old_workers_still_tell_of_the_version_before_a_latch_is_no_evidence() -> None:
    shelf = Shelf()
    shelf.add(NOW, 50, 0, version=1)
    assert log_e(afresh(shelf, NOW, LATCH)) <= 0.0


def test_an_acknowledgement_drops_what_was_counted_before() -> None:
    ledger, shelf = Ledger(), shelf_of((3, 0))
    shelf.add(NOW, 4, 0, version=2)
    log_e(looked(ledger, shelf, NOW, {A: LATCH}))
    for key in [key for key in shelf.rows if key[1] >= 3]:
        del shelf.rows[key]
    ack = replace(LATCH, latched=False, since=3)
    assert log_e(looked(ledger, shelf, NOW, {A: ack})) <= 0.0
    shelf.add(NOW, 2, 0, version=3)
    only = Shelf()
    only.add(NOW, 2, 0, version=3)
    assert log_e(looked(ledger, shelf, NOW, {A: ack})) == pytest.approx(log_e(afresh(only)))


def test_an_acknowledgement_within_a_version_drops_what_the_store_has_deleted() -> None:
    ledger, shelf = Ledger(), shelf_of((3, 0), (4, 0))
    before = log_e(looked(ledger, shelf, NOW + 1))
    shelf.rows.clear()
    shelf.add(NOW + 1, 1, 0)
    ack = {A: replace(LATCH, latched=False, since=1)}
    assert log_e(looked(ledger, shelf, NOW + 1, ack)) < before
    assert ledger.totals(A)[Stack.MODERN]["error"] == 1


def test_what_happens_to_one_route_changes_nothing_on_another() -> None:
    ledger, shelf = Ledger(), shelf_of((3, 1), (2, 1))
    shelf.add(NOW, 4, 0, route=B)
    alone = log_e(looked(ledger, shelf, NOW + 5))
    for standing in (LATCH, replace(LATCH, latched=False)):
        told = {B: replace(standing, route=B)}
        assert log_e(looked(ledger, shelf, NOW + 5, told)) == alone
    assert log_e(ledger, B) <= 0.0
    assert log_e(ledger, "GET /c") <= 0.0
    assert ledger.totals(A)[Stack.MODERN]["error"] == 5


def test_a_store_made_anew_takes_its_standings_with_it() -> None:
    ledger, shelf = Ledger(), shelf_of((3, 1))
    shelf.add(NOW, 1, 0, version=2)
    log_e(looked(ledger, shelf, NOW, {A: LATCH}))
    looked(ledger, shelf, NOW, {})
    assert log_e(ledger) == pytest.approx(log_e(afresh(shelf)))


def test_two_versions_in_one_hour_are_two_segments_though_their_split_is_the_same() -> None:
    """Each has the share of its own requests."""
    shelf = Shelf()
    shelf.add(NOW, 2, 0, version=1)
    shelf.add(NOW, 0, 3, version=2, asked=(900, 100))
    assert segments(afresh(shelf)) == [
        Segment(0.05, 950, 50, 0, 2),
        Segment(0.05, 100, 900, 3, 0),
    ]


@pytest.mark.parametrize("split", [0, SPACE])
def test_where_one_stack_answers_alone_nothing_is_compared(split: int) -> None:
    shelf = Shelf()
    shelf.add(NOW, 40, 40, split=split)
    ledger = afresh(shelf)
    assert segments(ledger) == []
    assert log_e(ledger) <= 0.0
    assert ledger.worse_lately(A, ERROR, ALPHA).log_e <= 0.0
    assert ledger.totals(A)[Stack.MODERN]["error"] == 40


def test_signals_do_not_mix() -> None:
    shelf = Shelf()
    shelf.add(NOW, 9, 0, signal="client_error")
    ledger = afresh(shelf)
    assert log_e(ledger, signal=Signal.CLIENT_ERROR) > 4.6
    assert log_e(ledger) <= 0.0
    assert ledger.worse_lately(A, Signal.SLOW, ALPHA).log_e <= 0.0


def test_what_may_recover_is_judged_by_this_hour_and_the_one_before() -> None:
    shelf = Shelf()
    shelf.add(NOW, 30, 0, signal="slow")
    shelf.add(NOW + 1, 0, 0)
    lately = [afresh(shelf, NOW + h).worse_lately(A, Signal.SLOW, ALPHA).log_e for h in (0, 1, 2)]
    assert lately[0] > 4.6
    assert lately[1] == pytest.approx(lately[0])
    assert lately[2] <= 0.0


def test_the_baseline_is_what_legacys_rate_was_at_most_in_its_last_day() -> None:
    shelf = Shelf()
    shelf.add(NOW - 24, 0, 500)
    shelf.add(NOW - 23, 0, 3)
    shelf.add(NOW, 0, 1)
    shelf.add(NOW + 9, 7, 0, asked=(1000, 0), split=SPACE, version=2)
    found = afresh(shelf, NOW + 9).baseline(A)
    assert found is not None
    assert (found.requests, found.hour) == (1900, NOW)
    assert found.rate == pytest.approx(interval(4, 1900)[1])


def test_a_rollback_and_its_acknowledgement_leave_the_baseline() -> None:
    shelf = shelf_of((0, 2))
    shelf.add(NOW + 1, asked=(1000, 0), split=SPACE, version=2)
    for standing in (LATCH, replace(LATCH, latched=False)):
        found = afresh(shelf, NOW + 1, standing).baseline(A)
        assert found is not None
        assert found.requests == 950


def test_without_a_request_of_legacys_there_is_no_baseline() -> None:
    shelf = Shelf()
    shelf.add(NOW, asked=(100, 0), split=SPACE)
    assert afresh(shelf).baseline(A) is None
    assert afresh(Shelf()).baseline(A) is None


@pytest.mark.parametrize(
    ("splits", "split", "good"),
    [
        ([1_000, 5_000, 25_000], 25_000, 5_000),
        ([1_000, 5_000, 25_000], 5_000, 1_000),
        ([5_000, 1_000, 25_000], 25_000, 1_000),
        ([5_000, 25_000, 50_000, 25_000], 25_000, 5_000),
        ([0, 25_000], 25_000, 0),
        ([25_000], 25_000, 0),
        ([], 25_000, 0),
        ([50_000, 100_000], 25_000, 0),
    ],
    ids=str,
)
def test_the_last_good_split_is_the_lower_one_that_was_asked_last(
    splits: list[int], split: int, good: int
) -> None:
    shelf = Shelf()
    for version, one in enumerate(splits, 1):
        shelf.add(NOW + version // 3, version=version, split=one)
    assert afresh(shelf, NOW + 5, LATCH).last_good(A, split) == good


def test_a_stack_was_asked_last_until_the_end_of_an_hour() -> None:
    shelf = Shelf()
    shelf.add(NOW, asked=(5, 50))
    shelf.add(NOW + 3, asked=(0, 50))
    ledger = afresh(shelf, NOW + 5)
    assert ledger.last_asked(A, Stack.MODERN) == (NOW + 1) * HOUR
    assert ledger.last_asked(A, Stack.LEGACY) == (NOW + 4) * HOUR
    assert ledger.last_asked(B, Stack.MODERN) == 0.0


def test_totals_are_of_all_that_is_evidence_or_of_all_since_a_version() -> None:
    shelf = Shelf()
    for version in (1, 2, 3):
        shelf.add(NOW, version, 10 * version, version=version)
    ledger = afresh(shelf, NOW, LATCH)

    def errors(since: int | None = None) -> tuple[int, int]:
        totals = ledger.totals(A, since=since)
        return totals[Stack.MODERN]["error"], totals[Stack.LEGACY]["error"]

    assert errors() == (5, 50)
    assert errors(since=3) == (3, 30)
    assert errors(since=0) == (6, 60)
    assert ledger.totals(A)[Stack.LEGACY] == {
        "requests": 1900,
        "failures": 50,
        "error": 50,
        "client_error": 0,
        "slow": 0,
    }


def test_what_the_store_forgets_the_ledger_forgets() -> None:
    """Or a control plane would grow for as long as it runs."""
    ledger, shelf = Ledger(), shelf_of((1, 0), (2, 0))
    for hour in (NOW + 1, NOW + KEPT, NOW + KEPT + 1):
        looked(ledger, shelf, hour)
        kept = _hours(ledger.tallies(A))
    assert kept == [NOW + 1]


def _hours(tallies: Iterable[Tally]) -> list[int]:
    return [tally.hour for tally in tallies]
