"""The controller dies at any moment, is away, or is not alone; clocks jump: every step is taken once, in order."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count, pairwise
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Final

import pytest
import sqlalchemy as sa

from gateway.judge.look import Look, Looker
from gateway.judge.ramp import RampState
from gateway.store.audit import Line
from gateway.store.opening import open_store
from tests.judge.judging import HOLD, PERCENT, ROUTES, STEPS, A, B, Bench, C, another

HOUR, DAY = 3_600.0, 86_400.0
TICK: Final = 200.0  # seconds between two looks
KILLS: Final = 50  # at least, on the way from 1 to 100 %


class Killed(BaseException):
    """As `kill -9`: nothing of ours runs any more."""


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """With the n-th statement that it sends, BEGIN counted; what it has not committed is gone."""
    sent = count(1)

    def die(*_: object) -> None:
        if next(sent) == statement:
            raise Killed

    sa.event.listen(sa.Engine, "before_cursor_execute", die)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", die)


def dies(bench: Bench, statement: int) -> bool:
    """Whether the controller got that far in one look; another one takes over."""
    try:
        with killed_at(statement):
            bench.controller.step()
    except Killed:
        return True
    finally:
        bench.takes_over()
    return False


@dataclass(frozen=True)
class Outcome:
    """All that a look has made of a store, but for what a clock says."""

    steps: dict[str, list[float]]
    ramps: dict[str, tuple[RampState, int, str]]
    latched: set[str]
    audit: list[tuple[str, str, str]]
    told: list[tuple[str, str]]

    @classmethod
    def of(cls, bench: Bench) -> "Outcome":
        ramps = {route: bench.ramp(route) for route in ROUTES}

        def shown(line: Line) -> tuple[str, str, str]:
            return line.action, line.subject, words(line.reason)

        return cls(
            {route: bench.steps(route) for route in ROUTES},
            {route: (one.state, one.split, words(one.why)) for route, one in ramps.items()},
            {one.route for one in bench.store.standings.all().values() if one.latched},
            [shown(line) for actor in ("guard", "ramp") for line in bench.lines(actor)],
            sorted((one.kind, one.route) for one in bench.notices("ramp")),
        )


def words(text: str) -> str:
    """Without numbers: they tell the time too."""
    return "".join(letter for letter in text if not letter.isdigit() and letter != ".")


def advances_rolls_back_and_ends(bench: Bench) -> None:
    """A is due for 25 %, B fails, C has held its last step."""
    bench.planned({A: 5, B: 25, C: 100})
    for route in ROUTES:
        bench.ramps(route)
    bench.looks()
    bench.clock.passes(HOLD)
    bench.is_well(A)
    bench.fails(B)


def waits(bench: Bench) -> None:
    """A for its time, B for requests, C for whom paused it."""
    bench.planned({A: 5, B: 5, C: 5})
    for route in ROUTES:
        bench.ramps(route, hold=HOLD if route == A else 1.0)
    bench.pauses(C)
    bench.clock.passes(30.0)


@pytest.mark.parametrize("scene", [advances_rolls_back_and_ends, waits])
def test_b091_a_controller_that_dies_at_any_statement_leaves_a_whole_step_or_none(
    bench: Bench, scene: Callable[[Bench], None]
) -> None:
    scene(bench)
    bench.beats()
    bench.store.close()
    begun = bench.folder / "begun.db"
    shutil.copy(bench.folder / "banyan.db", begun)
    bench.controller.step()
    bench.looks(2)
    expected = Outcome.of(bench)
    for statement in count(1):
        again = copied(bench, begun)
        died = dies(again, statement)
        again.looks(2)
        assert Outcome.of(again) == expected, f"statement {statement}"
        assert only_once(again, ["ramp", "rollback"]), f"statement {statement}"
        again.store.close()
        if not died:
            assert statement > 15
            return


def test_b091_between_two_statements_of_one_step_nothing_can_be_seen_of_it(bench: Bench) -> None:
    advances_rolls_back_and_ends(bench)
    bench.beats()
    whole = {A: set(), B: set(), C: set()}  # type: dict[str, set[tuple[object, ...]]]
    for statement in count(1):
        died = dies(bench, statement)
        for route in ROUTES:
            state = bench.steps(route)[-1], bench.ramp(route).state, bench.ramp(route).split
            latched = route in bench.store.standings.all()
            notices = len(bench.notices("ramp", route)) + len(bench.notices("rollback", route))
            lines = sum(one.subject == route for a in ("ramp", "guard") for one in bench.lines(a))
            whole[route].add((*state, latched, notices, lines))
        if not died:
            break
    running, done, stopped = RampState.RUNNING, RampState.DONE, RampState.STOPPED
    assert whole[A] == {
        (5, running, 5 * PERCENT, False, 0, 0),
        (25, running, 25 * PERCENT, False, 1, 1),
    }
    assert whole[B] == {
        (25, running, 25 * PERCENT, False, 0, 0),
        (0, stopped, 25 * PERCENT, True, 1, 1),
    }
    assert whole[C] == {
        (100, running, 100 * PERCENT, False, 0, 0),
        (100, done, 100 * PERCENT, False, 1, 1),
    }


@pytest.mark.parametrize("seed", [1])
def test_b091_controllers_that_die_all_the_time_neither_skip_nor_repeat_nor_hurry_a_step(
    bench: Bench, seed: int
) -> None:
    random, killed = Random(seed), 0
    bench.planned(dict.fromkeys(ROUTES, 1))
    for route in ROUTES:
        bench.ramps(route)
    for _ in range(100):
        for route in ROUTES:
            bench.is_well(route, 200)
        bench.clock.passes(TICK)
        bench.beats()
        while random.random() < 0.8:
            killed += dies(bench, random.randint(1, 40))
        bench.controller.step()
        if not any(bench.ramp(route).live for route in ROUTES):
            break
    assert killed >= KILLS
    for route in ROUTES:
        assert bench.steps(route) == list(STEPS)
        assert bench.ramp(route).state is RampState.DONE
        times = [at for at, _ in bench.history(route)]
        held = [after - at for at, after in pairwise(times)]
        assert all(HOLD <= one <= HOLD + 2 * TICK for one in held), held
    assert only_once(bench, ["ramp", "rollback"])


def test_b091_a_controller_that_was_away_takes_one_step_at_a_time(either: Bench) -> None:
    bench = either
    bench.planned({A: 1})
    bench.ramps(A)
    bench.looks()
    bench.is_well(A, 100_000)
    bench.clock.passes(3 * HOLD)
    bench.takes_over()
    bench.looks(3)
    assert bench.steps(A) == [1, 5]
    bench.looks(every=HOLD)
    assert bench.ramp(A).why == "0 of 500 requests to modern in this step"
    bench.is_well(A)
    bench.looks(3)
    assert bench.steps(A) == [1, 5, 25]


def test_b091_a_takeover_takes_nothing_of_the_time_that_was_held(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.is_well(A)
    for _ in range(20):
        bench.takes_over()
        bench.looks(every=(HOLD - 1) / 20)
    assert bench.steps(A) == [5]
    bench.looks()
    assert bench.steps(A) == [5, 25]


def test_b091_a_controller_that_leads_again_knows_what_another_did_meanwhile(
    bench: Bench,
) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.is_well(A)
    bench.looks()
    mine = bench.controller
    bench.takes_over()
    bench.looks(every=HOLD)
    bench.is_well(A)
    bench.looks(every=10.0)
    bench.controller = mine
    bench.looks(every=HOLD - 11.0)
    assert bench.steps(A) == [5, 25]
    bench.looks(every=2.0)
    assert bench.steps(A) == [5, 25, 50]


@pytest.mark.parametrize("seconds", [-HOUR, DAY], ids=["-1 h", "+1 d"])
@pytest.mark.parametrize("when", ["in a step", "right after a step", "again and again"])
def test_b076_a_clock_that_is_set_makes_no_step_early_and_none_late(
    bench: Bench, seconds: float, when: str
) -> None:
    bench.planned({A: 1})
    bench.ramps(A)
    own: list[float] = []  # when each step was taken, by the clock that does not jump
    for look in range(100):
        bench.is_well(A, 200)
        taken = len(bench.steps(A)) - 1
        own += [bench.clock()] * (taken - len(own))
        if (
            (when == "in a step" and look == 4)
            or (when == "right after a step" and own and own[-1] == bench.clock())
            or (when == "again and again" and look % 2)
        ):
            bench.clock.is_set(seconds)
            bench.is_well(A, 200)
        bench.looks(every=TICK)
        if not bench.ramp(A).live:
            break
    assert bench.steps(A) == list(STEPS)
    assert bench.ramp(A).state is RampState.DONE
    held = [after - at for at, after in pairwise([50.0, *own])]
    assert all(HOLD <= one <= HOLD + 2 * TICK for one in held), held


def test_b076_what_was_held_is_written_down_also_after_the_clock_was_set_back(
    bench: Bench,
) -> None:
    bench.planned({A: 5})
    bench.ramps(A, hold=100.0)
    bench.looks()
    bench.clock.is_set(-HOUR)
    bench.looks(8, every=10.0)
    bench.takes_over()
    bench.is_well(A)
    bench.looks(every=15.0)
    assert bench.steps(A) == [5]
    bench.looks(every=5.0)
    assert bench.steps(A) == [5, 25]


def test_b076_a_person_s_approval_while_the_clock_jumps_hurries_nothing(bench: Bench) -> None:
    bench.planned({A: 5})
    bench.ramps(A)
    bench.looks()
    bench.clock.is_set(DAY)
    bench.is_well(A)
    approve(bench)
    bench.looks()
    assert bench.ramp(A).why.startswith("held for ")
    assert bench.steps(A) == [5]


def test_two_controllers_that_lead_at_once_take_each_step_once(fleet_bench: Bench) -> None:
    bench = fleet_bench
    bench.planned({A: 1, B: 5})
    for route in (A, B):
        bench.ramps(route)
    bench.looks()
    with another(bench) as second:
        for step in range(len(STEPS)):
            bench.clock.passes(HOLD)
            for route in (A, B):
                if bench.ramp(route).live:
                    bench.is_well(route)
            if step == 2:
                bench.fails(B)
            bench.beats()
            both(bench, second)
    assert bench.steps(A) == list(STEPS)
    assert bench.ramp(A).state is RampState.DONE
    assert bench.steps(B) == [5, 25, 50, 25]
    told = [(one.document["state"], one.document["step"]) for one in bench.notices("ramp", A)]
    assert told == [*(("running", step) for step in STEPS[1:]), ("done", 100)]
    assert len(bench.notices("rollback")) == 1
    assert only_once(bench, ["ramp", "rollback"])


def both(bench: Bench, second: Bench) -> None:
    """Both have looked before either acts."""
    barrier = Barrier(2, timeout=20.0)
    with ThreadPoolExecutor(2) as threads:
        for one in (bench, second):
            one.controller._looker = Together(one.controller._looker, barrier)
        for done in [threads.submit(one.controller.step) for one in (bench, second)]:
            done.result()
    for one in (bench, second):
        together = one.controller._looker
        assert isinstance(together, Together)
        one.controller._looker = together.looker


class Together(Looker):
    """Looks, and waits for the other."""

    def __init__(self, looker: Looker, barrier: Barrier) -> None:
        super().__init__(looker.store, looker.read, looker.ledger)
        self.looker, self.barrier = looker, barrier

    def look(self) -> Look | None:
        found = self.looker.look()
        self.barrier.wait()
        return found


def copied(bench: Bench, begun: Path) -> Bench:
    """The store as it was, in its own file."""
    path = bench.folder / "again.db"
    for old in bench.folder.glob("again.db*"):
        old.unlink()
    shutil.copy(begun, path)
    clock = replace(bench.clock, store=bench.clock.store - 2.0, own=bench.clock.own - 2.0)
    return Bench(open_store(f"sqlite:///{path}"), bench.folder, clock)


def approve(bench: Bench) -> None:
    """As the API does."""
    held, now = bench.ramp(A).passed(bench.clock.store, 60.0), bench.clock.store
    bench.changes(A, approved={str(25 * PERCENT): "cli:ann"}, held=held, looked=now)


def only_once(bench: Bench, kinds: list[str]) -> bool:
    """No step was told twice, and none has two lines."""
    told = [
        (one.kind, one.route, str(sorted(one.document.items())))
        for kind in kinds
        for one in bench.notices(kind)
    ]
    lines = [(one.action, one.subject, one.reason) for one in bench.lines("ramp")]
    lines += [(one.action, one.subject, one.reason) for one in bench.lines("guard")]
    return len(told) == len(set(told)) == len(lines) == len(set(lines))
