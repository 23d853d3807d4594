"""Heartbeats: who lives, and that what the dead have counted is counted once."""

from collections.abc import Iterator
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from gateway.store import workers
from gateway.store.opening import Store
from gateway.store.workers import ALIVE, KEPT, RETIRED, Past, Worker
from tests.store.acts import beat
from tests.store.waits import until, waits

DAY = 86_400.0


def counted(traffic: str) -> list[Past]:
    """A worker's traffic in these tests: how many requests legacy answered."""
    return [Past("GET /x", "legacy", int(traffic), 5.0)]


def started(store: Store, *names: str, **fields: object) -> None:
    for name in names:
        assert store.workers.beat(beat(name, traffic="3", **fields), first=True)


def pass_time(store: Store, seconds: float, name: str = "%") -> None:
    """Since the last heartbeats."""
    with store.database.writing() as connection:
        connection.execute(
            sa.text("UPDATE workers SET seen = seen - :seconds WHERE id LIKE :name"),
            {"seconds": seconds, "name": name},
        )


def ids(found: list[Worker]) -> list[str]:
    return [worker.id for worker in found]


def test_a_first_heartbeat_makes_a_worker_and_the_next_renew_it(store: Store, other: Store) -> None:
    assert store.workers.beat(beat(recent='{"a": 1}'), first=True)
    assert store.workers.beat(beat(version=2, problems='["x"]', listening=False), first=False)
    (worker,) = other.workers.all()
    assert (worker.version, worker.problems, worker.listening) == (2, '["x"]', False)
    assert worker.recent == '{"a": 1}'
    assert worker.alive
    assert 0 <= worker.age < ALIVE


def test_a_first_heartbeat_whose_answer_was_lost_may_come_again(store: Store) -> None:
    started(store, "w1")
    started(store, "w1")
    assert ids(store.workers.all()) == ["w1"]


@pytest.mark.parametrize(("silence", "alive"), [(ALIVE - 3, True), (ALIVE + 1, False)])
def test_a_worker_lives_as_long_as_it_is_heard_of(
    store: Store, silence: float, alive: bool
) -> None:
    started(store, "w1")
    pass_time(store, silence)
    assert [worker.alive for worker in store.workers.all()] == [alive]


def test_a_worker_that_says_it_ends_is_not_alive(store: Store) -> None:
    started(store, "w1", "w2")
    assert store.workers.beat(beat("w1", ended=True), first=False)
    assert [(worker.id, worker.alive) for worker in store.workers.all()] == [
        ("w2", True),
        ("w1", False),
    ]


@pytest.mark.parametrize(
    ("silence", "sister", "gone"),
    [
        (RETIRED - 5, False, False),
        (RETIRED + 1, False, True),
        (RETIRED + 1, True, False),  # its figures stay beside those of who replaced it
        (KEPT + 1, True, True),
    ],
)
def test_what_a_worker_counted_is_kept_when_it_is_folded_up(
    store: Store, silence: float, sister: bool, gone: bool
) -> None:
    started(store, "w1")
    pass_time(store, silence)
    if sister:
        started(store, "w2")
    assert store.workers.retire(counted) == store.workers.retire(counted) + gone
    assert store.workers.past() == [Past("GET /x", "legacy", 3, 5.0)] * gone
    assert ("w1" in ids(store.workers.all())) is not gone


def test_a_worker_that_was_folded_up_is_told_so(store: Store) -> None:
    started(store, "w1")
    pass_time(store, RETIRED + 1)
    store.workers.retire(counted)
    assert not store.workers.beat(beat("w1"), first=False)
    assert store.workers.all() == []


def test_what_two_starts_counted_is_added_up(store: Store) -> None:
    started(store, "w1")
    started(store, "w2", launch="h1:2")
    pass_time(store, RETIRED + 1)
    assert store.workers.retire(counted) == 2
    assert store.workers.past() == [Past("GET /x", "legacy", 6, 5.0)]


def test_two_that_fold_up_at_once_count_once(store: Store, other: Store) -> None:
    started(store, "w1")
    pass_time(store, RETIRED + 1)
    folded: list[int] = []
    second = Thread(target=lambda: folded.append(other.workers.retire(counted)))

    def meanwhile(traffic: str) -> list[Past]:
        second.start()
        if store.database.dialect == "postgresql":
            until(lambda: not second.is_alive() or waits(store))
        return counted(traffic)

    folded.append(store.workers.retire(meanwhile))
    second.join(30)
    assert sorted(folded) == [0, 1]
    assert store.workers.past() == [Past("GET /x", "legacy", 3, 5.0)]


def test_two_that_fold_up_different_workers_at_once_add_up(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(store, "w1", "w2")
    pass_time(store, RETIRED + 1)
    judge, names = workers._gone, ["w1", "w2"]

    def one(found: list[Worker]) -> list[Worker]:
        name = names.pop(0)
        return [worker for worker in judge(found) if worker.id == name]

    def meanwhile(traffic: str) -> Iterator[Past]:
        yield from counted(traffic)  # and written, when we go on
        second.start()
        if store.database.dialect == "postgresql":
            until(lambda: not second.is_alive() or waits(store))

    monkeypatch.setattr(workers, "_gone", one)
    second = Thread(target=lambda: other.workers.retire(counted))
    store.workers.retire(meanwhile)
    second.join(30)
    assert store.workers.past() == [Past("GET /x", "legacy", 6, 5.0)]


def test_a_worker_that_beats_while_it_is_being_folded_up_lives_on(
    fleet_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(fleet_store, "w1")
    pass_time(fleet_store, RETIRED + 1)
    judge = workers._gone

    def beat_after(found: list[Worker]) -> list[Worker]:
        gone = judge(found)
        assert fleet_store.workers.beat(beat("w1", traffic="9"), first=False)
        return gone

    monkeypatch.setattr(workers, "_gone", beat_after)
    assert fleet_store.workers.retire(counted) == 0
    assert ids(fleet_store.workers.all()) == ["w1"]
    assert fleet_store.workers.past() == []


def test_many_workers_that_beat_at_once_are_all_heard(store: Store, other: Store) -> None:
    begin = Barrier(8)
    heard: list[bool] = []

    def work(number: int) -> None:
        begin.wait(30)
        mine = (store, other)[number % 2].workers
        mine.keep_inventory("i1", "routes")
        heard.extend(mine.beat(beat(f"w{number}"), first=first) for first in (True, False, False))

    threads = [Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert heard == [True] * 24
    assert sorted(ids(store.workers.all())) == [f"w{number}" for number in range(8)]
    assert store.workers.inventories(store.workers.all()) == ["routes"]


def test_an_inventory_is_kept_while_a_worker_has_it(store: Store) -> None:
    for digest in ("i1", "i2"):
        store.workers.keep_inventory(digest, f"routes of {digest}")
        store.workers.keep_inventory(digest, "another text, too late")
    started(store, "w1")
    started(store, "w2", launch="h1:2", inventory="i2")
    assert store.workers.inventories(store.workers.all()) == ["routes of i1", "routes of i2"]
    everybody = store.workers.all()
    pass_time(store, RETIRED + 1, "w1")
    for _ in range(2):
        store.workers.retire(counted)
    assert store.workers.inventories(everybody) == ["routes of i2"]
    pass_time(store, RETIRED + 1)
    for _ in range(3):
        store.workers.retire(counted)
    assert store.workers.inventories(everybody) == ["routes of i2"]  # nobody runs


def test_an_inventory_stored_before_its_workers_first_heartbeat_is_not_tidied_away(
    store: Store,
) -> None:
    started(store, "w1")
    store.workers.retire(counted)
    store.workers.keep_inventory("i2", "routes")
    store.workers.retire(counted)
    started(store, "w2", inventory="i2")
    for _ in range(3):
        store.workers.retire(counted)
    assert store.workers.inventories(store.workers.all()) == ["routes"]
