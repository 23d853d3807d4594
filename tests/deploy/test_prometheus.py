"""The alert rules and the scrape configurations."""

from functools import cache
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.deploy.queries import asked, documented, unknown
from tests.deploy.tools import DEPLOY, lint

PROMETHEUS = DEPLOY / "prometheus"
ALERTS = PROMETHEUS / "alerts.yml"
SEVERITIES = {"page", "ticket", "note"}
UP: dict[str, frozenset[str]] = {"up": frozenset()}  # Prometheus makes it


@cache
def rules() -> list[dict[str, Any]]:
    groups = YAML(typ="safe").load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> dict[str, frozenset[str]]:
    """What the recording rules make, by the labels their metrics have."""
    known = documented()
    found: dict[str, frozenset[str]] = {}
    for rule in rules():
        if "record" in rule:
            query = asked(rule["expr"])
            every = known | found
            found[rule["record"]] = frozenset().union(*(every[name] for name in query.metrics))
    return found


def test_promtool_takes_the_rules() -> None:
    assert "SUCCESS: 24 rules found" in lint("promtool", "check", "rules", ALERTS)


@pytest.mark.parametrize("file", ["prometheus.yml", "kubernetes.yml"])
def test_promtool_takes_the_configuration(file: str) -> None:
    lint("promtool", "check", "config", PROMETHEUS / file)


def test_each_alert_is_raised_by_what_it_is_for() -> None:
    lint("promtool", "test", "rules", PROMETHEUS / "alerts.test.yml")


def test_each_alert_has_a_test_in_which_it_is_raised_and_one_in_which_it_is_not() -> None:
    tests = YAML(typ="safe").load((PROMETHEUS / "alerts.test.yml").read_text())["tests"]
    asserted = [one for test in tests for one in test["alert_rule_test"]]
    names = {rule["alert"] for rule in alerts()}
    assert {one["alertname"] for one in asserted if one["exp_alerts"]} == names
    assert {one["alertname"] for one in asserted if not one["exp_alerts"]} == names


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    assert unknown(asked(rule["expr"]), documented() | recorded() | UP) == []


def test_a_metric_that_does_not_exist_would_be_named() -> None:
    wrong = "sum by (stak) (rate(gateway_request_total[5m]))"
    assert unknown(asked(wrong), documented()) == ["gateway_request_total", "stak"]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in SEVERITIES
    assert set(rule["annotations"]) == {"summary", "action"}
