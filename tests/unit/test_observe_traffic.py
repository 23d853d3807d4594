"""Traffic: what it counts, that it counts as Metrics does, and how the counts of workers add up."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.assignment import Decision
from gateway.exchange import Exchange
from gateway.observe import metrics
from gateway.observe.batches import BOUNDS
from gateway.observe.metrics import Metrics
from gateway.observe.seen import Seen, StackTraffic, merged, read_traffic
from gateway.observe.traffic import Traffic
from gateway.words import Reason, Stack

ROUTES = ("GET /a", "POST /b", "unmatched")
STATUSES = (200, 302, 404, 499, 500, 502, 599)
FAILOVERS = ((0, False), (0, True), (500, False), (503, False), (504, False))
seconds = st.one_of(st.sampled_from(BOUNDS), st.floats(0, 60))


@st.composite
def exchange(draw: st.DrawFn) -> Exchange:
    """Any exchange that the gateway can have: only what modern answers is failed over."""
    stack = draw(st.sampled_from(list(Stack)))
    failed, over_budget = draw(st.sampled_from(FAILOVERS)) if stack is Stack.MODERN else (0, False)
    return Exchange(
        at=draw(st.floats(1, 1e9)),
        request_id="id",
        route=draw(st.sampled_from(ROUTES)),
        method="GET",
        path="/",
        decision=Decision(stack, Reason.SPLIT, 7),
        plan_version=1,
        status=draw(st.sampled_from(STATUSES)),
        seconds=draw(seconds),
        failed=failed,
        over_budget=over_budget,
    )


exchanges = st.lists(exchange(), max_size=150)


def counted(seen: Iterable[Exchange]) -> Seen:
    traffic = Traffic()
    for one in seen:
        traffic.observe(one)
    return read_traffic(json.loads(json.dumps(traffic.document())))


def modelled(seen: Sequence[Exchange]) -> Seen:
    """The same, straight from the words of the contract."""
    found: Seen = {}
    for route in {one.route for one in seen}:
        for stack in Stack:
            mine = [one for one in seen if one.route == route and one.decision.stack is stack]
            asked = mine + [
                one for one in seen if one.route == route and one.failed and stack is Stack.LEGACY
            ]
            if not asked:
                continue
            bins = [0] * (len(BOUNDS) + 1)
            for one in mine:
                bins[sum(one.seconds > bound for bound in BOUNDS)] += 1
            found.setdefault(route, {})[stack] = StackTraffic(
                requests=len(mine),
                errors=sum((one.failed or one.status) >= 500 for one in mine),
                rescued=sum(one.failed > 0 and one.status < 500 for one in mine),
                last=max(one.at for one in asked),
                bins=bins,
            )
    return found


@settings(deadline=None)
@given(exchanges)
def test_traffic_counts_what_each_stack_did(seen: list[Exchange]) -> None:
    assert counted(seen) == modelled(seen)


@settings(deadline=None)
@given(st.lists(exchanges, max_size=4))
def test_the_counts_of_workers_add_up_to_those_of_one(workers: list[list[Exchange]]) -> None:
    together = [one for seen in workers for one in seen]
    assert merged(counted(seen) for seen in workers) == modelled(together)


def test_merging_changes_no_worker() -> None:
    one = counted([Exchange(1.0, "id", "GET /a", "GET", "/", Decision(Stack.LEGACY, Reason.SPLIT, 1), 1, 200, 0.1)])  # fmt: skip
    before = one["GET /a"][Stack.LEGACY].model_copy(deep=True)
    merged([one, one])
    assert one["GET /a"][Stack.LEGACY] == before


def test_metrics_and_traffic_agree() -> None:
    chance = Random(1)
    seen = []
    for number in range(3000):
        stack = chance.choice(list(Stack))
        failed, over_budget = chance.choice(FAILOVERS) if stack is Stack.MODERN else (0, False)
        seen.append(
            Exchange(
                at=float(1 + number),
                request_id="id",
                route=f"{chance.choice(ROUTES)} of Metrics and Traffic",
                method=chance.choice(["GET", "POST", "PURGE"]),
                path="/",
                decision=Decision(stack, chance.choice(list(Reason)), 7),
                plan_version=1,
                status=chance.choice(STATUSES),
                seconds=chance.choice([chance.expovariate(10), chance.choice(BOUNDS), 40.0]),
                failed=failed,
                over_budget=over_budget,
            )
        )
    prometheus = Metrics()
    for one in seen:
        prometheus.observe(one)
    prometheus.flush()
    assert counted(seen) == of_prometheus({one.route for one in seen})


def of_prometheus(routes: set[str]) -> Seen:
    """What Metrics counted, from its samples."""
    samples = [
        sample
        for metric in (metrics.REQUESTS, metrics.DURATION, metrics.LAST_REQUEST, metrics.FAILOVERS)
        for family in metric.collect()
        for sample in family.samples
        if sample.labels["route"] in routes
    ]
    found: Seen = {}
    for route in routes:
        for stack in Stack:
            mine = [s for s in samples if s.labels["route"] == route]
            its = [s for s in mine if s.labels.get("stack") == stack]
            below = [0, *(round(s.value) for s in its if s.name.endswith("_seconds_bucket"))]
            asked = [s for s in its if s.name == "gateway_requests_total"]
            found.setdefault(route, {})[stack] = StackTraffic(
                requests=round(sum(s.value for s in asked)),
                errors=round(sum(s.value for s in asked if s.labels["status"] >= "500")),
                rescued=sum(
                    round(s.value)
                    for s in mine
                    if s.name == "gateway_failovers_total"
                    and s.labels["outcome"] == "rescued"
                    and stack is Stack.MODERN
                ),
                last=next(s.value for s in its if s.name.endswith("_timestamp_seconds")),
                bins=[high - low for low, high in pairwise(below)],
            )
    return found


def test_a_bound_belongs_to_the_bin_below_it_as_prometheus_s_does() -> None:
    assert bisect_left(BOUNDS, 0.001) == 0


def good() -> dict[str, object]:
    bins = [1] + [0] * len(BOUNDS)
    return {"requests": 1, "errors": 0, "rescued": 0, "last": 5.0, "bins": bins}


def test_what_a_newer_worker_tells_besides_is_ignored() -> None:
    newer = good() | {"retried": 3}
    assert read_traffic({"a": {"legacy": newer}}) == read_traffic({"a": {"legacy": good()}})


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"a": None},
        {"a": {"legacy": None}},
        {"a": {"old": good()}},
        *({"a": {"legacy": {k: v for k, v in good().items() if k != name}}} for name in good()),
        *(
            {"a": {"legacy": good() | wrong}}
            for wrong in (
                {"requests": 2},
                {"requests": -1},
                {"requests": True},
                {"requests": 1.0},
                {"errors": "0"},
                {"rescued": -1},
                {"last": -1.0},
                {"last": float("nan")},
                {"last": float("inf")},
                {"last": "5"},
                {"bins": [1]},
                {"bins": [1] + [0] * (len(BOUNDS) + 1)},
                {"bins": [2, -1] + [0] * (len(BOUNDS) - 1)},
                {"bins": None},
            )
        ),
    ],
)
def test_a_document_that_no_worker_made_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        read_traffic(document)
