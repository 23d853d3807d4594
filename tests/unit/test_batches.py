"""Batches: what counters are given, and what one with a bug costs the others."""

from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Histogram

from gateway.exchange import Exchange
from gateway.observe.batches import BOUNDS, Batches, Group, bins_of
from gateway.observe.metrics import BatchHistogram
from tests.judge.observing import LEGACY, MODERN, client, exchange


class Counter:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.groups: list[Group] = []

    def count(self, groups: Sequence[Group]) -> None:
        self.groups += groups

    @property
    def sizes(self) -> list[int]:
        return [len(group.exchanges) for group in self.groups]


class Broken:
    """One with a bug."""

    def count(self, groups: Sequence[Group]) -> None:
        raise RuntimeError("a counter's bug")


def counted(*exchanges: Exchange) -> Counter:
    counter, batches = Counter(), Batches()
    batches.add(counter)
    for one in exchanges:
        batches.observe(one)
    batches.flush()
    return counter


def test_exchanges_of_different_clients_times_and_paths_are_one_group() -> None:
    made = [
        exchange(decision=client(n), at=float(n), seconds=n / 1000, path=f"/{n}", request_id=f"{n}")
        for n in range(10)
    ]
    counter = counted(*made)
    assert counter.sizes == [10]
    assert counter.groups[0].exchanges == made
    assert counter.groups[0].last == 9
    assert counter.groups[0].seconds == [n / 1000 for n in range(10)]


@pytest.mark.parametrize(
    "other",
    [
        {"route": "GET /y"},
        {"method": "HEAD"},
        {"decision": LEGACY},
        {"plan_version": 2},
        {"status": 404},
        {"failed": 500},
        {"over_budget": True},
        {"fault": "timeout"},
        {"tripped": True},
        {"barred": True},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_counters_tell_apart_is_another_group(other: dict[str, Any]) -> None:
    assert counted(exchange(), exchange()._replace(**other), exchange()).sizes == [2, 1]


def test_every_exchange_is_in_exactly_one_group() -> None:
    made = [exchange(status=200 + n % 7, decision=(MODERN, LEGACY)[n % 2]) for n in range(300)]
    groups = counted(*made).groups
    found = [one for group in groups for one in group.exchanges]
    assert sorted(map(id, found)) == sorted(map(id, made))


def test_a_counter_that_raises_costs_the_others_nothing() -> None:
    failed: list[object] = []
    broken, counter, batches = Broken(), Counter(), Batches(failed.append)
    for one in (broken, counter):
        batches.add(one)
    batches.observe(exchange())
    batches.flush()
    assert counter.sizes == [1]
    assert failed == [broken]


def test_many_observations_at_once_are_those_one_by_one() -> None:
    took = [0.0, 0.001, 0.0011, 0.02, 29.0, 30.0, 31.0, 100.0]
    one_by_one = Histogram("a", "a", buckets=BOUNDS, registry=None)
    at_once = BatchHistogram("a", "a", buckets=BOUNDS, registry=None)
    for seconds in took:
        one_by_one.observe(seconds)
    at_once.observe_all(bins_of(took), sum(took))
    assert values(at_once) == values(one_by_one)


def values(histogram: Histogram) -> list[tuple[str, dict[str, str], float]]:
    registry = CollectorRegistry()
    registry.register(histogram)
    return [
        (one.name, one.labels, one.value)
        for metric in registry.collect()
        for one in metric.samples
        if not one.name.endswith("_created")
    ]
