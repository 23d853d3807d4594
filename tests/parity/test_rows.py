"""Every row of the list of differences shows, and is mended."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.differential.campaign import Outcome
from tests.differential.probes.probe import Probe
from tests.parity.accepted import problem
from tests.parity.rows import ELSEWHERE, NOT_SHOWN, ROWS, of
from tests.parity.servers import BEHIND, NAIVE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("parity")]  # its servers start once

Asked = Callable[[Probe], tuple[Outcome, ...]]
_TESTS = Path(__file__).parents[1]
_PROBED = [row for row in ROWS if of(row)]


def shows(row: str, asked: Asked) -> bool:
    """The naive port differs in at least one of its probes."""
    results = [one for probe in of(row) for one in asked(probe) if one.target == NAIVE]
    return not all(one.equal for one in results)


@pytest.mark.parametrize("row", [row for row in _PROBED if row not in NOT_SHOWN])
def test_the_row_shows_on_the_naive_port(row: str, asked: Asked) -> None:
    assert shows(row, asked)


@pytest.mark.parametrize("row", [row for row in _PROBED if row in NOT_SHOWN])
def test_the_row_does_not_show_for_the_reason_that_is_listed(row: str, asked: Asked) -> None:
    assert not shows(row, asked), NOT_SHOWN[row]


@pytest.mark.parametrize("row", _PROBED)
def test_the_row_is_mended_behind_banyan(row: str, asked: Asked) -> None:
    results = [one for probe in of(row) for one in asked(probe) if one.target == BEHIND]

    assert [f"{one.probe.id}: {found}" for one in results if (found := problem(one))] == []


@pytest.fixture(scope="module")
def named() -> frozenset[str]:
    """The names of all test functions of the suite, by their source."""
    return frozenset(name for path in _TESTS.rglob("test_*.py") for name in functions(path))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_probe_or_a_test(row: str, named: frozenset[str]) -> None:
    own = [name for name in named if f"_{row.lower()}_" in name]

    assert of(row) or own or ELSEWHERE.get(row)


def test_the_tests_that_stand_for_rows_exist(named: frozenset[str]) -> None:
    assert {name for names in ELSEWHERE.values() for name in names} <= named


def functions(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return [
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
