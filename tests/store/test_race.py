"""Operators who race each other: every success is one version, every loser is told, no update is lost."""

import os
from pathlib import Path
from threading import Condition, Thread

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store.opening import Store, open_store
from tests.store.acts import ACT, PLAN, applied, count, counted
from tests.store.following import desk
from tests.store.racing import THREADS, apply_once_each, change, race

RACES = int(os.environ.get("STORE_RACES", "200"))
EXAMPLES = int(os.environ.get("STORE_EXAMPLES", "12"))
EACH = RACES // (2 * THREADS) + 1
CHANGES = 6  # of each thread; each is made again as often as another is faster


def test_b073_of_applies_that_race_one_wins_and_the_others_learn_the_newer_version(
    store: Store, store_url: str
) -> None:
    applied(store, f"{PLAN}# 0\n")
    made, refused = race(apply_once_each, store_url, EACH)
    history = store.versions.history(1000)
    assert sorted(made) == list(range(2, len(made) + 2))
    documents = [store.versions.get(one.version).document for one in history]
    assert [count(document) for document in documents] == list(range(len(made), -1, -1))
    assert len(store.audit.lines(1000)) == len(history)
    assert len(made) + len(refused) == 2 * THREADS * EACH >= RACES
    assert refused
    assert all(current > expected for expected, current in refused)


def test_b073_changes_that_race_through_the_desk_all_succeed(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    applied(store, f"{PLAN}# 0\n")
    made, _ = race(change, store_url, str(tmp_path), CHANGES)
    current = store.versions.current()
    assert current is not None
    assert sorted(made) == list(range(2, 2 * THREADS * CHANGES + 2))
    assert (current.version, count(current.document)) == (len(made) + 1, len(made))


class Turns:
    """Lets threads go on one at a time, in an order that is given; after it, as they like."""

    def __init__(self, order: list[int]) -> None:
        self._order = list(order)
        self._ended: set[int] = set()
        self._changed = Condition()

    def take(self, who: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._next() in {who, None}, timeout=30)
            if self._order:
                self._order.pop(0)
            self._changed.notify_all()

    def end(self, who: int) -> None:
        with self._changed:
            self._ended.add(who)
            self._changed.notify_all()

    def _next(self) -> int | None:
        while self._order and self._order[0] in self._ended:
            self._order.pop(0)
        return self._order[0] if self._order else None


OPERATORS = 3
ROUNDS = 2


# A campaign: STORE_RACES=20000 STORE_EXAMPLES=2000 pytest tests/store/test_race.py
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.lists(st.integers(0, OPERATORS - 1), max_size=16))
def test_b073_no_interleaving_of_reading_and_applying_loses_a_change(
    store_url: str, tmp_path: Path, order: list[int]
) -> None:
    store = open_store(store_url)
    applied(store, f"{PLAN}# 0\n")
    first = store.versions.newest()
    turns = Turns(order)
    one = desk(store, tmp_path)

    def operate(who: int) -> None:
        def edit(text: str) -> str:
            turns.take(who)  # the others may have their turns between our reading and our applying
            return counted(text)

        made.extend(one.change(edit, ACT).after.version for _ in range(ROUNDS))
        turns.end(who)

    made: list[int] = []
    operators = [Thread(target=operate, args=(who,)) for who in range(OPERATORS)]
    for operator in operators:
        operator.start()
    for operator in operators:
        operator.join(60)
    current = store.versions.current()
    store.close()
    assert current is not None
    assert sorted(made) == list(range(first + 1, first + OPERATORS * ROUNDS + 1))
    assert count(current.document) == OPERATORS * ROUNDS
