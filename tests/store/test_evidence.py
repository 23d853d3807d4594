"""What workers tell the judge: counted once, added up exactly, by the store's clock."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from random import Random
from threading import Barrier
from time import process_time

import pytest
import sqlalchemy as sa

from gateway.store import database, evidence
from gateway.store.audit import Act
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import KEPT, ONCE, Count, Event, Row, Sighting
from gateway.store.opening import Store, open_store
from tests.store.ticking import DAY, HOUR, Clock, given_to
from tests.store.waits import until, waits

A, B = "GET /a", "GET /b"
COUNT = Count(A, 3, "modern", 5_000, 10, 2)
EVENT = Event("d1", A, 3, "modern", 5_000, "error")
NEW = Sighting(A, "modern", "exception", "KeyError at shop.place", 2)
ACK = Act("cli:ann", "laptop", "guard.ack", A, "mended")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return given_to(monkeypatch)


def events(*digests: str) -> list[Event]:
    return [replace(EVENT, digest=digest) for digest in digests]


def errors(store: Store) -> int:
    return sum(row.error for row in store.evidence.rows())


def test_what_two_workers_count_adds_up_in_one_row(
    store: Store, other: Store, clock: Clock
) -> None:
    store.evidence.add([COUNT], [EVENT], [])
    other.evidence.add([replace(COUNT, requests=5, failures=1)], events("d2", "d3"), [])
    assert store.evidence.rows() == [
        Row(A, 3, clock.hour, "modern", 5_000, 15, 3, error=3, client_error=0, slow=0)
    ]


@pytest.mark.parametrize("signal", ["error", "client_error", "slow"])
def test_an_event_is_counted_under_its_signal(store: Store, signal: str) -> None:
    store.evidence.add([], [replace(EVENT, signal=signal)], [])
    (row,) = store.evidence.rows()
    assert (row.requests, row.failures) == (0, 0)
    counted = {name: getattr(row, name) for name in ("error", "client_error", "slow")}
    assert counted == {**dict.fromkeys(counted, 0), signal: 1}


def test_routes_versions_and_stacks_do_not_mix(store: Store) -> None:
    counts = [
        COUNT,
        replace(COUNT, route=B, requests=1),
        replace(COUNT, version=4, split=9_000, requests=2),
        replace(COUNT, stack="legacy", requests=3),
    ]
    store.evidence.add(counts, [EVENT, replace(EVENT, digest="d2", version=4, split=9_000)], [])
    found = {
        (r.route, r.version, r.stack): (r.split, r.requests, r.error) for r in store.evidence.rows()
    }
    assert found == {
        (A, 3, "modern"): (5_000, 10, 1),
        (B, 3, "modern"): (5_000, 1, 0),
        (A, 4, "modern"): (9_000, 2, 1),
        (A, 3, "legacy"): (5_000, 3, 0),
    }


@pytest.mark.parametrize(("seconds", "counted"), [(0.0, 1), (ONCE - 0.1, 1), (ONCE, 2)])
def test_t58_an_event_that_two_workers_tell_counts_once_a_minute(
    store: Store, other: Store, clock: Clock, seconds: float, counted: int
) -> None:
    assert store.evidence.add([], [EVENT], []) == [EVENT]
    clock.passes(seconds)
    new = other.evidence.add([], [EVENT], [])
    assert len(new) == counted - 1
    assert errors(store) == counted


def test_t58_an_event_that_goes_on_and_on_counts_once_in_each_minute(
    store: Store, clock: Clock
) -> None:
    for _ in range(60):
        store.evidence.add([], [EVENT], [])
        clock.passes(5)
    assert errors(store) == 300 / ONCE


def test_t58_an_event_twice_in_one_batch_counts_once(store: Store) -> None:
    later = replace(EVENT, version=4)  # a batch that had to wait for the store
    assert store.evidence.add([], [EVENT, later, EVENT], []) == [EVENT]
    assert errors(store) == 1


def test_t58_who_waited_for_another_worker_finds_that_it_was_faster(fleet_store: Store) -> None:
    """It took its own time first, so that the other's is a little later: no clock was set back."""
    fleet_store.versions.newest()
    with ThreadPoolExecutor() as threads:
        with fleet_store.database.writing() as connection:
            _see(connection, EVENT.digest)
            slower = threads.submit(fleet_store.evidence.add, [], [EVENT], [])
            until(lambda: waits(fleet_store))
            _see(connection, EVENT.digest)
        assert slower.result(10) == []


def _see(connection: sa.Connection, digest: str) -> None:
    """As a worker does, now."""
    statement = sa.text(
        "INSERT INTO seen_events VALUES (:digest, extract(epoch FROM clock_timestamp())) "
        "ON CONFLICT (digest) DO UPDATE SET at = excluded.at"
    )
    connection.execute(statement, {"digest": digest})


def test_workers_whose_batches_cross_do_not_wait_for_each_other_and_nothing_is_lost(
    store: Store, other: Store
) -> None:
    workers, rounds, shared = 8, 6, 40
    store.versions.newest()
    start = Barrier(workers)

    def tell(worker: int) -> int:
        chance, new = Random(worker), 0
        start.wait(30)
        for turn in range(rounds):
            digests = [f"d{n}" for n in range(shared)] + [f"{worker}.{turn}"]
            chance.shuffle(digests)
            found = [replace(EVENT, digest=d, route=A if d[-1] in "02468" else B) for d in digests]
            counts = [COUNT, replace(COUNT, route=B), replace(COUNT, stack="legacy")]
            chance.shuffle(counts)
            seen = [replace(NEW, what=what, count=1) for what in chance.sample("abcdef", 6)]
            told = (store, other)[worker % 2].evidence.add(counts, found, seen)
            new += len(told)
        return new

    with ThreadPoolExecutor(workers) as threads:
        new = sum(threads.map(tell, range(workers)))
    rows = store.evidence.rows()
    batches = workers * rounds
    assert new == sum(row.error for row in rows) == shared + batches
    assert sum(row.requests for row in rows) == 3 * batches * COUNT.requests
    assert sum(row.failures for row in rows) == 3 * batches * COUNT.failures
    assert [one.count for one in store.evidence.sightings()] == [batches] * 6


@pytest.mark.parametrize(
    ("back", "silent"), [(1.0, 61.0), (30.0, 90.0), (HOUR, 0.0), (40 * DAY, 0.0)]
)
def test_b076_a_clock_that_is_set_back_does_not_silence_an_event_for_long(
    store: Store, clock: Clock, back: float, silent: float
) -> None:
    store.evidence.add([], [EVENT], [])
    clock.passes(-back)
    clock.passes(max(0.0, silent - 0.5))
    counted = store.evidence.add([], [EVENT], [])
    clock.passes(0.5)
    counted += store.evidence.add([], [EVENT], [])
    assert len(counted) == 1  # at the end of that time, and not before
    clock.passes(ONCE - 1)
    assert store.evidence.add([], [EVENT], []) == []


def test_b076_a_clock_that_is_set_forward_counts_an_event_once_more(
    store: Store, clock: Clock
) -> None:
    store.evidence.add([], [EVENT], [])
    clock.passes(DAY)
    store.evidence.add([], [EVENT], [])
    clock.passes(-DAY)
    assert len(store.evidence.add([], [EVENT], [])) == 1
    assert store.evidence.add([], [EVENT], []) == []


def test_an_hour_ends_by_the_stores_clock(store: Store, clock: Clock) -> None:
    clock.passes(HOUR - 0.001)
    store.evidence.add([COUNT], [EVENT], [])
    clock.passes(0.001)
    store.evidence.add([COUNT], [], [])
    store.evidence.add([COUNT], [], [])
    first = clock.hour - 1
    assert [(row.hour, row.requests) for row in store.evidence.rows()] == [
        (first, 10),
        (first + 1, 20),
    ]
    assert [row.hour for row in store.evidence.rows(first + 1)] == [first + 1]
    assert store.evidence.rows(first + 2) == []


@pytest.mark.parametrize("seconds", [-DAY, DAY])
def test_b076_on_a_server_the_clock_of_a_worker_says_nothing(
    fleet_store: Store, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    before = fleet_store.evidence.now()
    for module in (time, database):
        real = time.time()
        monkeypatch.setattr(module, "time", lambda real=real: real + seconds)
    fleet_store.evidence.add([COUNT], [], [])
    (row,) = fleet_store.evidence.rows()
    assert 0 <= row.hour - before // HOUR <= 1


def test_a_process_killed_in_the_middle_leaves_nothing_half_told(
    store: Store, store_url: str
) -> None:
    store.versions.newest()
    process = get_context("spawn").Process(target=die_in_between, args=(store_url,))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert (store.evidence.rows(), store.evidence.sightings()) == ([], [])
    assert store.evidence.add([COUNT], [EVENT], [NEW]) == [EVENT]


def die_in_between(url: str) -> None:
    vars(evidence)["_add_sightings"] = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    open_store(url).evidence.add([COUNT], [EVENT], [NEW])


def test_a_batch_that_fails_can_be_told_again_as_if_it_had_never_been(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr(evidence, "_add_sightings", fail)
        with pytest.raises(StoreUnavailable):
            store.evidence.add([COUNT], [EVENT], [NEW])
    assert store.evidence.add([COUNT], [EVENT], [NEW]) == [EVENT]
    (row,) = store.evidence.rows()
    assert (row.requests, row.error) == (10, 1)


def test_a_large_batch_is_told_at_once(store: Store) -> None:
    """What waited for an absent store must not keep others out of it for long."""
    many = events(*map(str, range(10_000)))
    began = process_time()
    assert len(store.evidence.add([], many, [])) == errors(store) == len(many)
    assert process_time() - began < 3  # one by one it takes 5 to 10


def test_a_sighting_is_kept_with_its_first_and_last_time_and_how_often(
    store: Store, other: Store, clock: Clock
) -> None:
    first = clock.at
    store.evidence.add([], [], [NEW])
    clock.passes(90)
    other.evidence.add([], [], [NEW, replace(NEW, stack="legacy")])
    legacy, modern = sorted(store.evidence.sightings(), key=lambda one: one.stack)
    assert (modern.first, modern.last, modern.count, modern.known) == (first, clock.at, 4, False)
    assert (legacy.first, legacy.count) == (clock.at, 2)
    assert (modern.route, modern.stack, modern.kind, modern.what) == (
        NEW.route,
        NEW.stack,
        NEW.kind,
        NEW.what,
    )


def test_what_was_acknowledged_stays_known_when_it_is_seen_again(
    store: Store, clock: Clock
) -> None:
    store.evidence.add([], [], [NEW, replace(NEW, route=B)])
    store.standings.acknowledge(A, ACK)
    clock.passes(1)
    store.evidence.add([], [], [NEW, replace(NEW, what="another")])
    known = {(one.route, one.what): one.known for one in store.evidence.sightings()}
    assert known == {(A, NEW.what): True, (B, NEW.what): False, (A, "another"): False}


def test_evidence_is_kept_for_forty_days(store: Store, clock: Clock) -> None:
    store.evidence.add([COUNT], [], [])
    clock.passes(KEPT * HOUR)
    store.evidence.tidy()
    assert len(store.evidence.rows()) == 1
    clock.passes(HOUR)
    store.evidence.tidy()
    assert store.evidence.rows() == []


def test_a_sighting_that_nobody_acknowledged_is_kept_for_ninety_days(
    store: Store, clock: Clock
) -> None:
    store.evidence.add([], [], [NEW])
    store.standings.acknowledge(A, ACK)
    store.evidence.add([], [], [replace(NEW, what="old"), replace(NEW, what="still seen")])
    clock.passes(60 * DAY)
    store.evidence.add([], [], [replace(NEW, what="still seen")])
    clock.passes(31 * DAY)
    store.evidence.tidy()
    assert {one.what for one in store.evidence.sightings()} == {NEW.what, "still seen"}


def test_who_tidies_forgets_no_event_of_the_last_minute(
    store: Store, raw: sa.Engine, clock: Clock
) -> None:
    store.evidence.add([], [EVENT], [])
    clock.passes(ONCE - 1)
    store.evidence.add([], events("d2"), [])
    clock.passes(ONCE - 1)
    store.evidence.tidy()
    assert store.evidence.add([], events("d2"), []) == []
    clock.passes(2 * ONCE)
    store.evidence.tidy()
    with raw.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM seen_events")).scalar() == 0


def test_who_tidies_does_not_wait_for_a_worker_that_renews_an_old_event(
    fleet_store: Store,
) -> None:
    """And the worker not for it: each would hold what the other needs."""
    fleet_store.versions.newest()
    with fleet_store.database.writing() as connection:
        for digest in ("d1", "d2"):
            _see(connection, digest)
        connection.execute(sa.text("UPDATE seen_events SET at = 0"))
    with fleet_store.database.writing() as connection:
        _see(connection, "d1")
        fleet_store.evidence.tidy()
    assert len(fleet_store.evidence.add([], events("d1", "d2"), [])) == 1
