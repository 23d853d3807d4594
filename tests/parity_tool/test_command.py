"""`banyan parity` over two small apps: what was planted is found, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from gateway.cli.flags import SettingsCommand, with_settings
from gateway.cli.parity import parity
from gateway.errors import BanyanError
from gateway.parity.report import standing
from gateway.parity.run import NoSuchRoute
from tests.parity_tool.twins import PLANTED

pytestmark = pytest.mark.xdist_group("parity tool")  # each run starts three processes

APP = typer.Typer()
APP.command(cls=SettingsCommand)(with_settings(parity))
TWINS = "tests.parity_tool.twins"
FRESH = ("--fresh", "FOLDER={folder}")


def run(folder: Path, *arguments: str, modern: str = "modern") -> Result:
    stacks = ["--legacy", f"{TWINS}:legacy", "--modern", f"{TWINS}:{modern}"]
    where = ["--var", str(folder), "--plan", str(folder / "traffic.yaml"), "--deadline", "10"]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LEGACY", "MODERN", "VAR", "PLAN", "DEADLINE"):
            patch.setenv(f"BANYAN_{name}", "")  # put back afterwards: options are exported
        return CliRunner().invoke(APP, [*stacks, *where, *arguments])


def routes(result: Result) -> dict[str, Any]:
    assert isinstance(result.exception, SystemExit | None), result.exception
    found: dict[str, Any] = json.loads(result.stdout)["routes"]
    return found


def places(route: dict[str, Any]) -> set[tuple[str, str]]:
    return {(f["path"], f["kind"]) for f in route["findings"] if not f["explained"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def planted(folder: Path) -> Result:
    return run(folder, *FRESH, "--json", modern="planted")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run(tmp_path_factory.mktemp("clean"), "--json")


@pytest.mark.parametrize("route", PLANTED)
def test_a_planted_difference_is_named_by_route_path_and_class(route: str, planted: Result) -> None:
    assert places(routes(planted)[route]) == PLANTED[route]


def test_nothing_is_found_where_nothing_was_planted(planted: Result) -> None:
    others = routes(planted).keys() - PLANTED.keys()
    assert {route: places(routes(planted)[route]) for route in others} == {"GET /clock": set()}


def test_what_is_unexplained_ends_with_1(planted: Result) -> None:
    assert planted.exit_code == 1


def test_apps_that_answer_alike_end_with_0(clean: Result) -> None:
    assert clean.exit_code == 0, clean.stdout


def test_a_clock_is_noise(clean: Result) -> None:
    clock = routes(clean)["GET /clock"]
    assert [(f["path"], f["kind"]) for f in clock["findings"]] == [("/now", "value")]
    assert clock["verdict"] == "explained"


def test_a_write_is_not_probed_unless_the_stores_are_throw_away(
    clean: Result, planted: Result
) -> None:
    assert routes(clean)["POST /created"]["verdict"] == "not probed"
    assert "--fresh" in routes(clean)["POST /created"]["note"]
    assert routes(planted)["POST /created"]["probes"] > 1


def test_values_are_not_kept_unless_they_are_asked_for(planted: Result) -> None:
    (finding,) = routes(planted)["GET /date"]["findings"]
    assert (finding["expected"], finding["got"]) == (
        "HTTP date",
        "ISO time 'T', 0 digits, no zone",
    )


def test_the_gate_reads_what_stands(planted: Result, folder: Path) -> None:
    found = standing(folder / "parity.json")
    assert found.keys() == PLANTED.keys()
    assert {(one.path, one.kind.value) for one in found["GET /null"]} == PLANTED["GET /null"]


def test_a_run_over_some_routes_keeps_the_word_on_the_others(
    planted: Result, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "parity.json").write_bytes((folder / "parity.json").read_bytes())
    result = run(tmp_path, "GET /date", "--values", "--json", modern="planted")
    assert routes(result).keys() == {"GET /date"}
    assert routes(result)["GET /date"]["findings"][0]["got"] == '"2023-11-15T01:13:20"'
    assert standing(tmp_path / "parity.json").keys() == PLANTED.keys()


def test_a_stack_that_dies_is_a_finding_and_the_rest_is_not_probed(tmp_path: Path) -> None:
    found = routes(run(tmp_path, "GET /flag/{user}", "GET /list", "--json", modern="mortal"))
    assert places(found["GET /flag/{user}"]) == {("status:200-500", "status")}
    assert found["GET /list"]["verdict"] == "not probed"
    assert "modern's process ended with exit code 3" in found["GET /list"]["note"]


def test_a_stack_that_cannot_start_is_named(tmp_path: Path) -> None:
    result = run(tmp_path, modern="nothing")
    assert isinstance(result.exception, BanyanError)
    assert result.exception.exit_code == 2
    assert "no 'nothing'" in str(result.exception)


def test_a_route_that_no_stack_serves_is_refused_with_the_nearest(tmp_path: Path) -> None:
    result = run(tmp_path, "GET /renamd", "--json")
    assert isinstance(result.exception, NoSuchRoute)
    assert str(result.exception) == "neither stack serves GET /renamd; nearest: GET /renamed"
    assert result.exception.exit_code == 2
