"""What waits for the store: whole, told once, and bounded whatever clients do."""

import pytest

from gateway.exchange import Exchange
from gateway.observe.evidence import (
    COUNTS_KEPT,
    EVENTS_KEPT,
    REMEMBERED,
    SIGHTINGS_KEPT,
    Batch,
)
from gateway.store.evidence import ONCE, Count, Event
from gateway.words import UNMATCHED
from tests.judge.observing import LEGACY, ROUTE, SPLITS, Worker, client, counted, dropped, exchange


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.mark.parametrize(
    "unknown",
    [
        exchange(500, plan_version=9),
        exchange(500, route="GET /gone"),
        exchange(500, route=UNMATCHED),
    ],
    ids=["version", "route", "unmatched"],
)
def test_of_an_unknown_plan_nothing_is_counted(worker: Worker, unknown: Exchange) -> None:
    batch = worker.sees(unknown, exchange())
    assert (counted(batch), batch.events) == ({"modern": (1, 0)}, [])


def test_an_answer_counts_for_the_version_that_it_was_decided_by(worker: Worker) -> None:
    worker.evidence.renew(2, {ROUTE: 25_000})
    batch = worker.sees(exchange(500), exchange(500, client(8), plan_version=2))
    assert [(one.version, one.split) for one in batch.counts] == [(1, 5000), (2, 25_000)]
    assert [(one.version, one.split) for one in batch.events] == [(1, 5000), (2, 25_000)]


@pytest.mark.parametrize("requests", [3, 64])
def test_what_was_counted_is_told_though_many_plans_have_followed(
    worker: Worker, requests: int
) -> None:
    for _ in range(requests):
        worker.evidence.observe(exchange())
    for version in range(2, 10):
        worker.evidence.renew(version, SPLITS)
    assert worker.evidence.take().counts == [Count(ROUTE, 1, "modern", 5000, requests, 0)]


def test_the_last_few_versions_are_known_and_no_more(worker: Worker) -> None:
    for version in range(2, 10):
        worker.evidence.renew(version, SPLITS)
    batch = worker.sees(*[exchange(plan_version=version) for version in range(1, 10)])
    assert sorted(one.version for one in batch.counts) == [6, 7, 8, 9]


def test_a_version_that_comes_again_is_the_newest(worker: Worker) -> None:
    for version in (2, 3, 4, 1, 5):
        worker.evidence.renew(version, SPLITS)
    assert len(worker.sees(exchange(plan_version=1)).counts) == 1


def test_what_is_taken_is_told_once(worker: Worker) -> None:
    assert any(worker.sees(exchange(500, fault="KeyError at shop.place")))
    assert worker.evidence.take() == ([], [], [])


def test_256_exchanges_are_counted_at_once_and_fewer_when_they_are_asked_for(
    worker: Worker,
) -> None:
    for _ in range(259):
        worker.evidence.observe(exchange())
    assert counted(worker.evidence.take()) == {"modern": (259, 0)}


def test_what_the_store_did_not_take_is_told_with_the_next(worker: Worker) -> None:
    first = worker.sees(exchange(500, fault="KeyError at shop.place"), exchange(decision=LEGACY))
    worker.evidence.put_back(first)
    batch = worker.sees(exchange(500, client(8), fault="KeyError at shop.place"))
    assert counted(batch) == {"modern": (2, 2), "legacy": (1, 0)}
    assert len(batch.events) == 2
    assert batch.events[0] == first.events[0]
    assert [one.count for one in batch.sightings] == [2]


def test_it_is_told_though_its_plan_is_long_gone(worker: Worker) -> None:
    batch = worker.sees(exchange(500))
    for version in range(2, 10):
        worker.evidence.renew(version, SPLITS)
    worker.evidence.put_back(batch)
    assert worker.evidence.take() == batch


def test_an_event_that_was_put_back_does_not_come_again_within_the_minute(worker: Worker) -> None:
    worker.evidence.put_back(worker.sees(exchange(500)))
    assert len(worker.sees(exchange(500)).events) == 1


def test_events_that_wait_are_bounded_and_the_rest_is_dropped_and_counted(worker: Worker) -> None:
    before = dropped()
    batch = worker.sees(*[exchange(500, client(n)) for n in range(EVENTS_KEPT + 5)])
    assert (len(batch.events), dropped() - before) == (EVENTS_KEPT, 5)
    assert counted(batch) == {"modern": (EVENTS_KEPT + 5, EVENTS_KEPT + 5)}
    newer = worker.sees(*[exchange(500, client(n)) for n in range(20_000, 20_010)])
    worker.evidence.put_back(newer)
    worker.evidence.put_back(batch)
    assert len(worker.evidence.take().events) == EVENTS_KEPT
    assert dropped() - before == 15


def test_what_was_dropped_counts_when_there_is_room_again(worker: Worker) -> None:
    full = worker.sees(*[exchange(500, client(n)) for n in range(EVENTS_KEPT)])
    worker.evidence.put_back(full)
    worker.evidence.observe(exchange(500, client(99_999)))
    assert len(worker.evidence.take().events) == EVENTS_KEPT
    assert len(worker.sees(exchange(500, client(99_999))).events) == 1


def test_counts_that_wait_are_bounded(worker: Worker) -> None:
    before = dropped()
    rows = [Count(f"GET /{n}", 1, "modern", 1, 1, 0) for n in range(COUNTS_KEPT + 5)]
    worker.evidence.put_back(Batch(rows, [], []))
    worker.evidence.put_back(Batch(rows[:1], [], []))
    batch = worker.evidence.take()
    assert (len(batch.counts), dropped() - before) == (COUNTS_KEPT, 5)
    assert batch.counts[0].requests == 2


def test_sightings_that_wait_are_bounded_and_the_rest_is_dropped_and_counted(
    worker: Worker,
) -> None:
    before = dropped()
    seen = [exchange(500, fault=f"E{n} at shop.place") for n in range(SIGHTINGS_KEPT + 5)]
    batch = worker.sees(*seen, seen[0])
    assert (len(batch.sightings), dropped() - before) == (SIGHTINGS_KEPT, 5)
    assert batch.sightings[0].count == 2


def test_a_crowd_of_clients_that_call_themselves_anything_costs_a_bounded_memory(
    worker: Worker,
) -> None:
    routes = {f"GET /{n}": 1 for n in range(3)}
    worker.evidence.renew(2, routes)
    told: list[Event] = []
    for route in routes:
        for start in range(0, 8000, 500):
            crowd = [
                exchange(422, client(n), route=route, plan_version=2)
                for n in range(start, start + 500)
            ]
            told += worker.sees(*crowd).events
    assert len(told) == 24_000 > REMEMBERED
    assert len(worker.evidence._once) == REMEMBERED
    # Nor does it make the observer blind.
    assert worker.events(exchange(500)) == [("modern", "error")]
    worker.clock.now += ONCE
    worker.sees(exchange(500))
    assert len(worker.evidence._once) == 1
