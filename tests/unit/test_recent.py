"""Recent: what a sample holds, what it says about clients, and how samples of workers are united."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.assignment import Decision
from gateway.exchange import Exchange
from gateway.observe.recent import (
    KEPT,
    PUBLISHED,
    ROUTES,
    TURN,
    Recent,
    Sample,
    merged,
    place_of,
    read_samples,
    union,
)
from gateway.routes import SPACE
from gateway.words import Reason, Stack

ROUTE = "GET /api/orders"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def see(recent: Recent, buckets: Iterable[int], route: str = ROUTE) -> Recent:
    for bucket in buckets:
        decision = Decision(Stack.LEGACY, Reason.SPLIT, bucket)
        recent.observe(Exchange(1.0, "id", route, "GET", "/", decision, 1, 200, 0.01))
    recent.flush()
    return recent


def sample_of(recent: Recent, route: str = ROUTE) -> Sample:
    return read_samples(json.loads(json.dumps(recent.document()))).get(route, Sample())


def clients(count: int, seed: int = 0) -> list[int]:
    """A bucket for each, some for two: as a hash gives them."""
    chance = Random(seed)
    return [chance.randrange(SPACE) for _ in range(count)]


def first_places(seen: Iterable[int], limit: int) -> Sample:
    """The model: everything seen, sorted out by its place."""
    return Sample(tuple(sorted({one for one in seen if place_of(one) < limit})), limit)


def test_every_place_is_taken_by_one_bucket() -> None:
    assert {place_of(bucket) for bucket in range(SPACE)} == set(range(SPACE))


@pytest.mark.parametrize("limit", [600, 1000, 5000, 20_000])
@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 100), (0, 1000), (0, 5000), (1000, 5000), (5000, 10_000), (10_000, 25_000), (0, 50_000)],
)
def test_the_first_places_hold_of_every_interval_its_share(limit: int, low: int, high: int) -> None:
    found = sum(place_of(bucket) < limit for bucket in range(low, high))
    assert abs(found - (high - low) * limit / SPACE) < 3


@given(st.lists(st.integers(0, SPACE - 1), max_size=200))
def test_few_clients_are_all_in_the_sample(buckets: list[int]) -> None:
    sample = sample_of(see(Recent(), buckets))
    assert sample == Sample(tuple(sorted(set(buckets))))
    assert sample.exact


@settings(max_examples=30, deadline=None)
@given(st.integers(KEPT + 1, 5000), st.integers(0, 1000))
def test_of_many_clients_the_first_places_are_in_the_sample(count: int, seed: int) -> None:
    seen = clients(count, seed)
    sample = sample_of(see(Recent(), seen))
    assert sample == first_places(seen, sample.limit)
    assert len(sample.buckets) == min(KEPT, len(set(seen)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=4), st.integers(0, 1000))
def test_what_many_workers_saw_is_what_one_would_have_seen(counts: list[int], seed: int) -> None:
    seen = [clients(count, seed + number % 3) for number, count in enumerate(counts)]
    found = union(sample_of(see(Recent(), one)) for one in seen)
    assert found == first_places((bucket for one in seen for bucket in one), found.limit)


def test_samples_are_united_route_by_route() -> None:
    one = see(see(Recent(), [1, 2]), [7], "GET /x")
    other = see(Recent(), [2, 3])
    found = merged([read_samples(one.document()), read_samples(other.document())])
    assert found == {ROUTE: Sample((1, 2, 3)), "GET /x": Sample((7,))}


@pytest.mark.parametrize("count", [0, 1, 3, 300, 2000, 20_000, 100_000, 300_000])
def test_clients_are_estimated_within_a_tenth(count: int) -> None:
    """Two and a half standard errors; the seed is fixed."""
    sample = sample_of(see(Recent(), clients(count)))
    assert sample.clients() == pytest.approx(count, rel=0.1, abs=0.5)


@pytest.mark.parametrize("count", [1000, 50_000, 300_000])
def test_without_a_limit_only_shared_buckets_are_estimated(count: int) -> None:
    sample = Sample(tuple(sorted(set(clients(count)))))
    assert sample.clients() == pytest.approx(count, rel=0.01)


@pytest.fixture(scope="module")
def of_5000() -> list[tuple[list[int], Sample]]:
    """Forty times 5000 clients, and what a sample keeps of them."""
    many = [clients(5000, seed) for seed in range(40)]
    return [(seen, sample_of(see(Recent(), seen))) for seen in many]


@pytest.mark.parametrize(("low", "high"), [(0, 1000), (0, 5000), (5000, 25_000), (50_000, SPACE)])
def test_clients_of_an_interval_are_estimated_without_bias(
    of_5000: list[tuple[list[int], Sample]], low: int, high: int
) -> None:
    """Their mean is within two and a half standard errors."""
    true = sum(low <= bucket < high for seen, _ in of_5000 for bucket in seen)
    estimated = sum(sample.clients(low, high) for _, sample in of_5000)
    in_samples = KEPT * len(of_5000) * (high - low) / SPACE
    assert estimated == pytest.approx(true, rel=2.5 / in_samples**0.5)


def test_every_bucket_seen_means_a_lower_bound_and_no_error() -> None:
    assert Sample(tuple(range(SPACE))).clients() > SPACE
    assert sample_of(see(Recent(), range(SPACE))).clients() > SPACE


def after(seconds: float, clock: Clock, recent: Recent) -> None:
    clock.now += seconds
    recent.tick()


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ([TURN - 1], (1,)),
        ([TURN], (1,)),
        ([TURN, TURN - 1], (1,)),
        ([TURN, TURN], ()),
        ([2 * TURN - 1], (1,)),
        ([2 * TURN], ()),
        ([1e9], ()),
    ],
)
def test_a_client_is_forgotten_after_two_turns(
    waits: list[float], expected: tuple[int, ...]
) -> None:
    clock = Clock()
    recent = see(Recent(clock), [1])
    for wait in waits:
        after(wait, clock, recent)
    assert sample_of(recent).buckets == expected


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 100))
def test_both_generations_are_in_the_sample(earlier: int, later: int, seed: int) -> None:
    clock, before, now = Clock(), clients(earlier, seed), clients(later, seed + 1)
    recent = see(Recent(clock), before)
    after(TURN, clock, recent)
    sample = sample_of(see(recent, now))
    assert sample == first_places(before + now, sample.limit)
    assert len(sample.buckets) == min(KEPT, len({*before, *now}))


@pytest.mark.parametrize("again", [0, 1, 100, KEPT, KEPT + 129])
@pytest.mark.parametrize("earlier", [False, True])
def test_clients_who_come_again_leave_the_sample_complete(again: int, earlier: bool) -> None:
    """As many clients as make a sketch cut itself; some of them in the other generation as well."""
    seen = Random(1).sample(range(SPACE), KEPT + 129)
    clock = Clock()
    recent = see(Recent(clock), seen[:again] if earlier else seen)
    after(TURN, clock, recent)
    sample = sample_of(see(recent, seen if earlier else seen[:again]))
    assert sample == first_places(seen, sample.limit)
    assert len(sample.buckets) == KEPT


def test_turns_keep_their_times_when_ticks_are_late() -> None:
    clock = Clock()
    recent = Recent(clock)
    after(TURN + 500, clock, recent)
    see(recent, [1])
    after(TURN - 500, clock, recent)
    after(TURN, clock, recent)
    assert sample_of(recent).buckets == ()


@pytest.mark.parametrize("turned", [False, True])
def test_a_plan_that_makes_other_buckets_forgets_what_was_seen(turned: bool) -> None:
    clock = Clock()
    recent = Recent(clock)
    recent.renew({"a": b"one", "b": b"one", "c": b"one"})
    for route in "abc":
        see(recent, [1], route)
    after(TURN * turned, clock, recent)
    recent.renew({"a": b"one", "b": b"two"})
    assert list(recent.document()) == ["a"]


def test_further_routes_are_not_counted() -> None:
    recent = Recent()
    for number in range(ROUTES + 1):
        see(recent, [1], f"GET /{number}")
    see(recent, [2], "GET /0")
    assert len(recent.document()) == ROUTES
    assert sample_of(recent, "GET /0").buckets == (1, 2)


def test_a_document_has_room_for_every_small_sample_and_cuts_the_large_ones() -> None:
    small = {f"GET /small/{number}": clients(60, number) for number in range(50)}
    large = {f"GET /large/{number}": clients(1000, number) for number in range(50)}
    recent = Recent()
    for route, seen in (small | large).items():
        see(recent, seen, route)
    samples = read_samples(recent.document())
    assert PUBLISHED - 100 < sum(len(one.buckets) for one in samples.values()) <= PUBLISHED
    for route, seen in small.items():
        assert samples[route] == first_places(seen, SPACE)
    for route, seen in large.items():
        assert samples[route] == first_places(seen, samples[route].limit)


def good() -> dict[str, object]:
    return {"buckets": [5, 6], "limit": SPACE}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {ROUTE: None},
        {ROUTE: []},
        {ROUTE: {}},
        {ROUTE: {"buckets": [5]}},
        {ROUTE: good() | {"limit": 0}},
        {ROUTE: good() | {"limit": SPACE + 1}},
        {ROUTE: good() | {"limit": True}},
        {ROUTE: good() | {"limit": 1.5}},
        {ROUTE: good() | {"limit": "9"}},
        {ROUTE: good() | {"buckets": "56"}},
        {ROUTE: good() | {"buckets": {"5": 6}}},
        {ROUTE: good() | {"buckets": [-1]}},
        {ROUTE: good() | {"buckets": [SPACE]}},
        {ROUTE: good() | {"buckets": [5.0]}},
        {ROUTE: good() | {"buckets": [True]}},
        {ROUTE: good() | {"buckets": [None]}},
        {ROUTE: good() | {"limit": place_of(6)}},
    ],
)
def test_a_document_that_no_worker_made_is_refused(document: object) -> None:
    assert read_samples({ROUTE: good()}) == {ROUTE: Sample((5, 6))}
    with pytest.raises(ValueError, match="sample"):
        read_samples(document)
