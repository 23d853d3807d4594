"""What-if: who moves when splits change, told from samples and from the access log."""

import json
from collections.abc import Iterable
from io import StringIO
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.assignment import Decision
from gateway.exchange import Exchange
from gateway.observe.access_log import AccessLog
from gateway.observe.recent import ROUTES, Recent, Sample, read_samples
from gateway.routes import SPACE
from gateway.whatif import Change, Moved, Seen, WhatIf, moved, read_log, what_if
from gateway.words import Reason, Stack

ROUTE = "POST /api/orders"
SEEN = Sample((0, 999, 1000, 4999, 5000, 99_999))
Request = tuple[float, str, int]  # when, on which route, by which bucket


def change(before: int, after: int, route: str = ROUTE, cohort: str = "migration") -> Change:
    return Change(route, cohort, before, after)


def exchanges(requests: Iterable[Request], path: str = "/api/orders") -> list[Exchange]:
    return [
        Exchange(at, "id", route, "POST", path, Decision(Stack.LEGACY, Reason.SPLIT, bucket), 1, 200, 0.1)
        for at, route, bucket in requests
    ]  # fmt: skip


def written(*requests: Request, path: str = "/api/orders") -> list[str]:
    """The lines that the access log has for these requests."""
    out = StringIO()
    log = AccessLog(out)
    for exchange in exchanges(requests, path):
        log.observe(exchange)
    log.close()
    return out.getvalue().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("before", "after", "to_modern", "to_legacy"),
    [
        (0, 0, 0, 0),
        (0, SPACE, 6, 0),
        (SPACE, 0, 0, 6),
        (0, 1000, 2, 0),
        (1000, 5000, 2, 0),
        (5000, 1000, 0, 2),
        (5001, 99_999, 0, 0),
        (99_999, SPACE, 1, 0),
    ],
)
def test_a_change_moves_the_buckets_between_the_splits(
    before: int, after: int, to_modern: int, to_legacy: int
) -> None:
    expected = Moved(ROUTE, before, after, 6, to_modern, to_legacy, exact=True)
    assert moved(change(before, after), SEEN) == expected


def test_a_sample_is_counted_for_the_buckets_it_leaves_out() -> None:
    chance = Random(1)
    buckets = [chance.randrange(SPACE) for _ in range(20_000)]
    recent = Recent()
    for exchange in exchanges((1.0, ROUTE, bucket) for bucket in buckets):
        recent.observe(exchange)
    recent.flush()
    found = moved(change(0, 25_000), read_samples(recent.document())[ROUTE])
    assert found.clients == pytest.approx(20_000, rel=0.1)
    assert found.to_modern == pytest.approx(5000, rel=0.2)
    assert not found.exact


def test_a_client_on_two_routes_of_a_cohort_is_one_client() -> None:
    samples = {"a": Sample((1, 2, 70_000)), "b": Sample((2, 3, 70_000)), "c": Sample((9,))}
    found = what_if([change(0, 1000, "a"), change(500, 0, "b")], samples)
    assert (found.clients, found.moved, found.exact) == (4, 3, True)
    assert [(one.to_modern, one.to_legacy) for one in found.routes] == [(2, 0), (0, 2)]


def test_a_client_who_moves_on_a_route_it_does_not_use_is_not_counted() -> None:
    samples = {"a": Sample((1,)), "b": Sample((2,))}
    found = what_if([change(0, 2, "a"), change(2, 3, "b")], samples)
    assert (found.clients, found.moved) == (2, 2)
    assert what_if([change(2, 3, "a"), change(0, 2, "b")], samples).moved == 0


def test_buckets_of_two_cohorts_are_different_clients() -> None:
    samples = {"a": Sample((1, 2)), "b": Sample((1, 2)), "c": Sample((1, 2))}
    changes = [change(0, 2, "a"), change(0, 2, "b", "beta"), change(0, 2, "c")]
    found = what_if(changes, samples)
    assert (found.clients, found.moved) == (4, 2)
    assert [one.route for one in found.routes] == ["a", "b", "c"]


def test_a_route_that_nobody_used_moves_nobody() -> None:
    found = what_if([change(0, SPACE)], {})
    assert found == WhatIf((Moved(ROUTE, 0, SPACE, 0, 0, 0, exact=True),), 0, 0, exact=True)


def test_no_change_moves_nobody() -> None:
    assert what_if([], {ROUTE: SEEN}) == WhatIf((), 0, 0, exact=True)


def test_one_sampled_route_makes_the_whole_an_estimate() -> None:
    samples = {"a": Sample((1,)), "b": Sample((), limit=600)}
    assert not what_if([change(0, 9, "a"), change(0, 9, "b")], samples).exact


def test_all_routes_together_are_estimated_from_their_samples() -> None:
    """Routes with 20 000 and 4000 of the same clients, and a rare one with 50 others."""
    chance = Random(2)
    buckets = [chance.randrange(SPACE) for _ in range(20_050)]
    by_route = {"a": buckets[:20_000], "b": buckets[:4000], "rare": buckets[20_000:]}
    recent = Recent()
    for route, seen in by_route.items():
        for exchange in exchanges((1.0, route, bucket) for bucket in seen):
            recent.observe(exchange)
    recent.flush()
    changes = [change(0, 10_000, "a"), change(0, 50_000, "b"), change(0, 50_000, "rare")]
    true = {
        number
        for number, bucket in enumerate(buckets)
        if bucket < (10_000 if 4000 <= number < 20_000 else 50_000)
    }
    found = what_if(changes, read_samples(recent.document()))
    assert found.clients == pytest.approx(20_050, rel=0.1)
    assert found.moved == pytest.approx(len(true), rel=0.2)


requests = st.lists(
    st.tuples(
        st.integers(0, 9).map(float), st.sampled_from(["a", 'b"{', "é\u2028"]), st.integers(0, 5)
    ),
    max_size=60,
)


@settings(deadline=None)
@given(requests, st.integers(0, 10))
def test_a_log_is_counted_by_route_and_bucket(asked: list[Request], since: int) -> None:
    found = read_log(written(*asked), since)
    kept = [one for one in asked if one[0] >= since]
    assert (found.requests, found.earlier, found.other) == (len(kept), len(asked) - len(kept), 0)
    assert set(found.routes) == {route for _, route, _ in kept}
    for name, one in found.routes.items():
        mine = [(at, bucket) for at, route, bucket in kept if route == name]
        buckets = [bucket for _, bucket in mine]
        assert one.requests == {bucket: buckets.count(bucket) for bucket in set(buckets)}
        assert (one.first, one.last) == (min(mine)[0], max(mine)[0])
        assert one.between(1, 4) == sum(1 <= bucket < 4 for bucket in buckets)
        assert found.samples()[name] == Sample(tuple(sorted(set(buckets))))


def test_a_log_tells_who_moves() -> None:
    log = read_log(written((1.0, ROUTE, 7), (2.0, ROUTE, 7), (3.0, ROUTE, 600), (3.0, "b", 7)))
    found = what_if([change(0, 500), change(0, 500, "b")], log.samples())
    assert (found.clients, found.moved, found.exact) == (2, 1, True)
    assert log.routes[ROUTE].between(0, 500) == 2


def test_a_line_of_any_path_is_read() -> None:
    path = '/x"}\\\n{"route":"GET /y"}\u2028\ud800é' + "\U0001f600" * 16_000
    assert read_log(written((1.0, ROUTE, 7), path=path)).requests == 1


LINE = json.loads(written((1.0, ROUTE, 7))[0])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "\x00\x01\ufffd\ud800",
        "null",
        "[]",
        '"at"',
        "{}",
        '{"event": "plan.applied", "level": "info"}',
        json.dumps(LINE)[:-1],
        json.dumps(LINE)[1:],
        json.dumps(LINE) + json.dumps(LINE),
        json.dumps([LINE]),
        *(json.dumps({key: LINE[key] for key in LINE if key != left_out}) for left_out in LINE),
        *(
            json.dumps(LINE | wrong)
            for wrong in (
                {"at": None},
                {"at": "1"},
                {"at": float("nan")},
                {"at": float("inf")},
                {"at": -1.0},
                {"at": 1e300},
                {"route": None},
                {"route": ["a"]},
                {"bucket": -1},
                {"bucket": SPACE},
                {"bucket": 7.0},
                {"bucket": True},
                {"bucket": "7"},
                {"path": "x" * (1 << 20)},
            )
        ),
        '{"bucket":' + "9" * 10_000 + "}",
        '{"a":' * 100_000,
        '{"a":' + "[" * 100_000,
        "{" * 1_000_000,
        '{"a":"' + "\\" * 500_000,
    ],
    ids=lambda line: ascii(line[:40]),
)
def test_what_the_access_log_did_not_write_is_counted_and_skipped(line: str) -> None:
    found = read_log([json.dumps(LINE), line, json.dumps(LINE)])
    assert (found.requests, found.other) == (2, 1)


@settings(deadline=None)
@given(st.lists(st.text()))
def test_no_text_is_an_error(lines: list[str]) -> None:
    assert read_log(["{" + line for line in lines]) == Seen(other=len(lines))


def test_a_log_of_too_many_routes_keeps_the_first() -> None:
    lines = written(
        *((1.0, f"GET /{number}", 7) for number in range(ROUTES + 2)), (1.0, "GET /0", 8)
    )
    found = read_log(lines)
    assert (len(found.routes), found.requests, found.left_out) == (ROUTES, ROUTES + 1, 2)
    assert set(found.routes["GET /0"].requests) == {7, 8}
