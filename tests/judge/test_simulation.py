"""The operating characteristics of `benchmarks.judge_sim`: some runs of each cell, and the stored figures of all."""

import json
from dataclasses import asdict
from functools import cache
from itertools import takewhile
from math import sqrt
from typing import Any

import numpy as np
import pytest

from benchmarks.judge_breaker import breaker, failures
from benchmarks.judge_draws import (
    HOUR,
    SHIPPED,
    Cell,
    Outcome,
    Watches,
    hour_of,
    log_ratios,
    ratios_alone,
)
from benchmarks.judge_limits import TABLES, counted
from benchmarks.judge_month import month_ends
from benchmarks.judge_sim import CELLS, EQUAL, RESULTS, TESTS, event_ends, event_test
from gateway.head import HeadReader, UnitSource
from gateway.judge.breaker import IN_A_ROW, OPEN
from gateway.judge.evidence import ALPHA, Segment, worse, worse_alone
from gateway.observe.evidence import Evidence
from gateway.routes import SPACE
from gateway.turn import ActivePlan
from tests.judge.failing import ROUTE, Worker

STORED: dict[str, list[dict[str, Any]]] = {
    name: table["rows"] for name, table in json.loads(RESULTS.read_text())["tables"].items()
}
RUNS = 300
# What the design promises for an hour: the chance, and the median number of requests until then.
PROMISED = {
    "judge, planned share": [
        (0.01, None), (0.007, None), (0.007, None), (0.65, None),
        (1.0, 9036), (1.0, 187), (1.0, 492), (1.0, 19329),
    ],
    "z-test each minute": [
        (0.26, None), (0.31, None), (0.30, None), (0.98, None),
        (1.0, 2400), (1.0, 1200), (1.0, 1200), (1.0, 3600),
    ],
    "99 % threshold": [
        (1.0, None), (0.88, None), (1.0, None), (1.0, None),
        (1.0, 8400), (1.0, 6000), (1.0, 6000), (1.0, 22800),
    ],
}  # fmt: skip
OUTCOMES = ("found", "requests", "median", "wrong", "seconds", "failures")
FEW = {
    "proofs": 20, "clumps": 100, "sticky": 100, "rare": 10, "later": 20, "slow": 5, "alone": 10,
    "breaker": 20,
}  # fmt: skip


@cache
def some(name: str) -> list[dict[str, Any]]:
    """The first few runs of each row of a table."""
    return json.loads(json.dumps({**TABLES, "breaker": breaker}[name](FEW[name])))  # type: ignore[no-any-return] # of JSON


def numbered(name: str) -> list[Any]:
    return [pytest.param(name, at, id=f"{name}-{at}") for at in range(len(STORED[name]))]


def assert_alike(found: dict[str, Any], stored: dict[str, Any], chance: str = "found") -> None:
    """Both are estimates of one chance and of one median."""
    pooled = (found[chance] * found["runs"] + stored[chance] * stored["runs"]) / (
        found["runs"] + stored["runs"]
    )
    spread = max(pooled * (1 - pooled), 0.5 / found["runs"])
    error = 3 * sqrt(spread * (1 / found["runs"] + 1 / stored["runs"]))
    assert abs(found[chance] - stored[chance]) <= error
    for median in ("requests_95", "median_95", "failures_95"):
        if min(found[chance], stored[chance]) > 0.5 and median in stored:
            (low, high), (least, most) = found[median], stored[median]
            assert low <= most
            assert least <= high


@pytest.mark.parametrize("test", PROMISED)
@pytest.mark.parametrize("cell", range(len(CELLS)), ids=[str(cell) for cell in CELLS])
def test_t78_a_cell_of_the_table_comes_out_as_promised(test: str, cell: int) -> None:
    chance, requests = PROMISED[test][cell]
    found = TESTS[test](CELLS[cell], RUNS, 50 + cell)
    error = 3 * sqrt(2 * max(chance * (1 - chance), 0.01) / RUNS)  # both are estimates of 300 runs
    assert abs(found.found - chance) <= error
    if requests is not None:
        assert found.requests == pytest.approx(requests, rel=0.2)


@pytest.mark.parametrize("at", range(len(STORED["hour"])))
def test_an_hour_comes_out_as_stored(at: int) -> None:
    row = STORED["hour"][at]
    cell = Cell(row["share"], row["legacy"], row["modern"])
    assert_alike(asdict(TESTS[row["method"]](cell, RUNS, 70 + at)), row)


@pytest.mark.parametrize(("name", "at"), [one for name in FEW for one in numbered(name)])
def test_where_the_judge_is_slow_or_wrong_comes_out_as_stored(name: str, at: int) -> None:
    found, stored = some(name)[at], STORED[name][at]
    measured = {"runs", "said", *(key for key in stored if key.startswith(OUTCOMES))}
    assert {k: v for k, v in found.items() if k not in measured} == {
        k: v for k, v in stored.items() if k not in measured
    }
    assert_alike(found, stored, "wrong" if name == "proofs" else "found")


@pytest.mark.parametrize("at", range(len(STORED["proofs"])))
def test_about_so_many_more_events_is_the_median(at: int) -> None:
    row = STORED["proofs"][at]
    low, high = row["median_95"]  # medians fall on few numbers, where a proof is possible at all
    assert 0.88 * low <= row["said"] <= 1.12 * high


@pytest.mark.parametrize("at", range(len(STORED["proofs"])))
def test_a_modern_that_is_as_bad_as_the_margin_is_proven_not_to_be_once_in_twenty(at: int) -> None:
    row = STORED["proofs"][at]
    assert row["wrong"] <= 0.05 + 2 * sqrt(0.05 * 0.95 / row["runs"])


@pytest.mark.parametrize("cell", EQUAL, ids=str)
def test_equal_stacks_are_rolled_back_in_one_hour_of_a_hundred_at_most(cell: Cell) -> None:
    assert event_test(cell, 1000, 3).found <= 0.01 + 2 * sqrt(0.01 * 0.99 / 1000)


@pytest.mark.parametrize("cell", EQUAL, ids=str)
def test_a_week_of_looking_is_no_more_dangerous_than_an_hour(cell: Cell) -> None:
    ends = month_ends(cell, 100, 5, hours=168)
    assert np.isfinite(ends).mean() <= 0.01 + 2 * sqrt(0.01 * 0.99 / 100)


@pytest.mark.parametrize("at", range(len(STORED["month"])))
def test_so_many_routes_of_equal_stacks_are_rolled_back_in_a_month(at: int) -> None:
    row = STORED["month"][at]
    assert row["runs"] >= 1000
    assert row["hours"] == 720
    assert row["alpha"] == pytest.approx(ALPHA / row["signals"])
    assert row["found_95"][0] <= 0.01
    if row["signals"] == 2:
        assert row["found"] <= 0.01


@pytest.mark.parametrize("cell", [CELLS[3], CELLS[4], CELLS[7]], ids=str)
def test_looking_at_blocks_of_events_finds_what_looking_at_each_does(cell: Cell) -> None:
    blocks, each = month_ends(cell, RUNS, 6, hours=1), event_ends(cell, RUNS, 7, known=True)
    assert_alike(asdict(Outcome.of(blocks)), asdict(Outcome.of(each)))


@pytest.mark.parametrize("cell", EQUAL, ids=str)
def test_the_share_that_the_gateway_takes_rolls_no_route_back_earlier(cell: Cell) -> None:
    careful = event_ends(cell, RUNS, 8)
    assert (careful >= event_ends(cell, RUNS, 8, known=True)).all()


@pytest.mark.parametrize(
    ("clump", "pause", "once", "seconds"),
    [
        (3, 2, False, [0, 2, 4]),
        (10, 2, True, [0]),
        (4, 30, True, [0, 60]),
        (3, 90, True, [0, 90, 180]),
    ],
)
def test_t58_a_failing_client_counts_once_a_minute(
    clump: int, pause: int, once: bool, seconds: list[int]
) -> None:
    assert counted(clump, pause, once) == seconds


@pytest.mark.parametrize("at", range(len(CELLS)), ids=[str(cell) for cell in CELLS])
def test_the_threshold_as_shipped_costs_requests_and_spares_healthy_routes(at: int) -> None:
    """The same draws: no run ends earlier than with the one of a single signal."""
    later = event_ends(CELLS[at], 100, 9, alpha=SHIPPED)
    assert (later >= event_ends(CELLS[at], 100, 9, alpha=ALPHA)).all()


def test_a_worker_tells_of_five_failures_and_then_of_a_probe_for_each_time_it_waited() -> None:
    told = failures(Cell(0.5, 0.0, 1.0), 1000.0, np.random.default_rng(2))
    seconds = [next(told).seconds for _ in range(IN_A_ROW + 3)]
    waited = np.diff(seconds)
    assert (waited[: IN_A_ROW - 1] < 0.1).all()
    assert waited[IN_A_ROW - 1 :] == pytest.approx([OPEN, 2 * OPEN, 3 * OPEN], rel=0.12)


def test_what_the_breaker_simulation_tells_of_legacy_is_its_part_of_what_came_meanwhile() -> None:
    told = failures(Cell(0.2, 0.5, 1.0), 20.0, np.random.default_rng(3))
    first = [next(told) for _ in range(40)]
    assert np.mean([one.legacy for one in first]) == pytest.approx(4, abs=1.5)
    assert np.mean([one.legacy_events for one in first]) == pytest.approx(2, abs=1)


async def test_a_worker_of_the_gateway_tells_as_much_as_the_simulated_one() -> None:
    """200 s, 5 requests a second, a fifth of them for modern, which fails them all."""
    worker, evidence = Worker(), Evidence(lambda: float("-inf"))
    worker.plan(SPACE // 5)
    by_key = HeadReader((UnitSource("header", b"x-api-key"),))
    worker.dispatch.plan = ActivePlan(worker.dispatch.plan.table, by_key)
    evidence.renew(1, {ROUTE: SPACE // 5})
    for second in range(200):
        for request in range(5):
            await worker.asks(x_api_key=f"{second}-{request}")
        worker.passes(1)
    for exchange in worker.recorder.seen:
        evidence.observe(exchange)
    batch = evidence.take()
    counted = {count.stack: count.requests for count in batch.counts}
    told = failures(Cell(0.2, 0.0, 1.0), 5.0, np.random.default_rng(5))
    simulated = [*takewhile(lambda one: one.seconds < 200, told)]
    assert counted["modern"] == len(batch.events) == len(simulated)
    legacy = sum(one.legacy for one in simulated)
    spread = sqrt(len(simulated) * 0.8) / 0.2  # of either
    assert abs(counted["legacy"] - legacy) <= 3 * sqrt(2) * spread
    assert counted["legacy"] < 200  # of 800


def test_the_simulation_judges_a_modern_alone_as_the_gateway_does() -> None:
    chance, baselines = (
        np.random.default_rng(4),
        np.array([0.006, 0.04]),
    )  # 30 times that is no rate
    watches = Watches(2)
    segments: list[list[tuple[int, int]]] = [[], []]
    for rate in (0.005, 0.004, 0.05):
        failed = chance.binomial(HOUR, rate, (2, 1))
        logs = ratios_alone(failed, np.array([HOUR]), baselines)
        found = watches.log_e(logs)[:, 0]
        for run in range(2):
            segments[run].append((int(failed[run, 0]), HOUR))
            expected = worse_alone(segments[run], float(baselines[run])).log_e
            assert found[run] == pytest.approx(expected)
        watches.add(logs)


def test_the_simulation_judges_as_the_gateway_does() -> None:
    cell, runs = Cell(0.2, 0.001, 0.002), 5
    chance = np.random.default_rng(1)
    watches = Watches(runs)
    segments: list[list[Segment]] = [[] for _ in range(runs)]
    for _ in range(4):
        events = hour_of(cell, runs, chance)
        ratios = log_ratios(events, cell.share, known=False)
        last = (events.at <= HOUR).sum(1) - 1
        found = watches.log_e(ratios)[np.arange(runs), last]
        for run in range(runs):
            at, modern = int(events.at[run, last[run]]), int(events.asked[run, last[run]])
            failed = int(events.modern[run, last[run]])
            others = int(events.total[run, last[run]]) - failed
            segments[run].append(Segment(cell.share, at - modern, modern, others, failed))
            assert found[run] == pytest.approx(worse(segments[run]).log_e)
        watches.add(ratios[np.arange(runs), last][:, None, :])
