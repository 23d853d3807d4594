"""The dashboard: every query is PromQL over metrics that exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.deploy.queries import asked, documented, unknown
from tests.deploy.tools import DEPLOY, lint

GRAFANA = DEPLOY / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards/banyan.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
# What Grafana puts in their places.
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$route": "GET /x|POST /y"}
COLUMNS = 24


def expression(target: dict[str, Any]) -> str:
    text: str = target["expr"]
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


QUERIES = {
    f"{panel['title']} {target['refId']}": expression(target)
    for panel in PANELS
    for target in panel["targets"]
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_query_asks_for_metrics_and_labels_that_exist(query: str) -> None:
    assert "$" not in query
    assert unknown(asked(query), documented()) == []


def test_promtool_takes_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": query} for n, query in enumerate(QUERIES.values())]
    assert len(rules) >= 30
    file = tmp_path / "rules.json"  # which is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in lint("promtool", "check", "rules", file)


def test_what_a_legend_names_is_a_label_of_its_query() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            query = asked(expression(target))
            have = frozenset({"instance"}).union(*(documented()[one] for one in query.metrics))
            assert named <= have, panel["title"]


def test_the_dashboard_shows_what_an_operator_compares() -> None:
    titles = {panel["title"] for panel in PANELS}
    assert titles >= {
        "Error rate (5xx)",
        "Latency p50",
        "Latency p95",
        "Latency p99",
        "Split achieved by route",
        "Routes",
        "Failovers",
        "Plan version by gateway",
        "Event loop lag",
    }


def test_no_two_panels_lie_on_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= COLUMNS
        taken |= cells


def test_the_provisioned_datasource_is_the_one_that_the_composition_starts() -> None:
    (source,) = YAML(typ="safe").load(
        (GRAFANA / "provisioning/datasources/prometheus.yaml").read_text()
    )["datasources"]
    compose = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())
    assert source["url"] == "http://prometheus:9090"
    assert compose["services"]["prometheus"]["ports"] == ["127.0.0.1:9090:9090"]


def test_dashboards_are_read_from_where_the_composition_mounts_them() -> None:
    (provider,) = YAML(typ="safe").load(
        (GRAFANA / "provisioning/dashboards/banyan.yaml").read_text()
    )["providers"]
    compose = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
