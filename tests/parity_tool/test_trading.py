"""`banyan parity` over the trading system: ten planted differences, ten found by route, path and class."""

from datetime import date
from pathlib import Path

import pytest

from gateway.inventory import told_by
from gateway.parity.command import probed, wanted
from gateway.parity.examples import read_examples
from gateway.parity.model import Report, Verdict
from gateway.parity.probes import check_examples
from gateway.settings import Settings
from legacy_flask.app import create_app
from shared_services.settings import TradingSettings
from tests.parity_tool.planted_trading import DROPPED, FAULTS

pytestmark = pytest.mark.xdist_group("parity tool")

EXAMPLES = Path(__file__).parents[2] / "deploy" / "parity-examples.yaml"
EXPECTED = {route: found for _, route, found in FAULTS.values()} | {
    f"GET {DROPPED}": {("route", "missing")}
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of the ten routes and one more; the services of each stack write into a folder of its own."""
    var = tmp_path_factory.mktemp("trading")
    settings = Settings(
        legacy="legacy_flask.wsgi:app",
        modern="tests.parity_tool.planted_trading:app",
        var=var,
        plan=var / "traffic.yaml",
    )
    routes = [*EXPECTED, "GET /api/orders"]
    fresh = ["TRADING_STORE=memory://", "TRADING_CONFIG={folder}/config.json"]
    found, _ = probed(wanted(settings, routes, 12, fresh, EXAMPLES), [], values=False)
    return found


def test_ten_differences_are_planted() -> None:
    assert len(EXPECTED) == 10


@pytest.mark.parametrize("route", EXPECTED)
def test_a_fault_in_the_trading_system_is_named_by_route_path_and_class(
    route: str, report: Report
) -> None:
    standing = report.routes[route].standing(date.min)
    assert {(one.path, one.kind.value) for one in standing} == EXPECTED[route]


def test_a_route_without_a_fault_is_equal(report: Report) -> None:
    assert not report.routes["GET /api/orders"].standing(date.min)


@pytest.mark.e2e
def test_the_trading_system_has_no_difference_that_nobody_explains(tmp_path: Path) -> None:
    """Every route, the writes too, on stores of their own."""
    settings = Settings(
        legacy="legacy_flask.wsgi:app",
        modern="fastapi_app.asgi:app",
        var=tmp_path,
        plan=tmp_path / "traffic.yaml",
    )
    fresh = ["TRADING_STORE=sqlite:///{folder}/t.db", "TRADING_CONFIG={folder}/config.json"]
    report, _ = probed(wanted(settings, [], 60, fresh, EXAMPLES), [], values=False)
    served = told_by(create_app(TradingSettings(store="memory://"))).served or ()
    asked = [report.routes[endpoint.id] for endpoint in served]
    assert {one.route: one.note for one in asked if one.verdict is Verdict.NOT_PROBED} == {}
    assert [one.route for one in asked if "answered no probe with success" in one.note] == []
    assert {one.route: one.standing(date.max) for one in asked if one.standing(date.max)} == {}


def test_every_example_names_a_route_and_its_variables() -> None:
    served = told_by(create_app(TradingSettings(store="memory://"))).served
    check_examples(read_examples(EXAMPLES), list(served or ()))
