"""What each stack has answered is counted over all starts, and the last time legacy was asked is known."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.assignment import Decision
from gateway.control import traffic
from gateway.control.report import RouteReport, with_history
from gateway.control.traffic import Traffic, TrafficLog
from gateway.exchange import Exchange
from gateway.observe.metrics import LAST_REQUEST, Metrics
from gateway.words import Reason, Stack

ROUTE = "GET /traffic-log"


class Run:
    """The metrics of one start."""

    def __init__(self, requests: int, last: float) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "method", "stack", "reason", "status")
        counter = Counter("gateway_requests_total", "-", labels, registry=self.registry)
        counter.labels(ROUTE, "GET", "legacy", "split", "200").inc(requests)
        gauge = Gauge(
            "gateway_last_request_timestamp_seconds",
            "-",
            ("route", "stack"),
            registry=self.registry,
        )
        gauge.labels(ROUTE, "legacy").set(last)


def log(path: Path, run: Run, patch: pytest.MonkeyPatch) -> TrafficLog:
    patch.setattr(traffic, "registry", lambda: run.registry)
    opened = TrafficLog(path / "traffic-seen.json")
    opened.open()
    return opened


def test_a_restart_adds_to_what_was_seen_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = log(tmp_path, Run(5, 1000.0), monkeypatch)
    first.write()
    first.write()  # twice: nothing is counted twice
    second = log(tmp_path, Run(2, 0.0), monkeypatch)
    assert second.total(Run(2, 0.0).registry.collect())[ROUTE]["legacy"] == Traffic(7, 1000.0)


@pytest.mark.parametrize("content", ["", "{", '{"GET /x": 1}', "[]"])
def test_a_file_that_cannot_be_read_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "traffic-seen.json").write_text(content)
    opened = log(tmp_path, Run(3, 9.0), monkeypatch)
    opened.write()
    assert log(tmp_path, Run(0, 0.0), monkeypatch).before[ROUTE]["legacy"].requests == 3


def test_a_full_disk_is_logged_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setattr(traffic, "registry", lambda: Run(1, 1.0).registry)
    TrafficLog(tmp_path / "a-file" / "traffic-seen.json").try_to_write()
    assert "traffic.not_kept" in capsys.readouterr().out


def test_a_route_that_only_earlier_starts_saw_has_a_row() -> None:
    rows = with_history([RouteReport(route="GET /x")], {ROUTE: {"legacy": Traffic(4, 8.0)}})
    assert [(row.route, row.legacy.total, row.legacy.last) for row in rows] == [
        ("GET /x", 0, None),
        (ROUTE, 4, 8.0),
    ]


def test_the_metric_has_the_last_time_of_each_stack() -> None:
    metrics = Metrics()
    for at, stack, failed in (
        (10.0, Stack.LEGACY, 0),
        (20.0, Stack.MODERN, 500),
        (15.0, Stack.MODERN, 0),
    ):
        decision = Decision(stack, Reason.SPLIT, 0)
        metrics.observe(Exchange(at, "id", ROUTE, "GET", "/", decision, 1, 200, 0.001, failed))
    metrics.flush()
    found = {
        sample.labels["stack"]: sample.value
        for metric in LAST_REQUEST.collect()
        for sample in metric.samples
        if sample.labels["route"] == ROUTE
    }
    assert found == {"legacy": 20.0, "modern": 20.0}  # legacy replaced an answer that modern failed
