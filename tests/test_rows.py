"""Every row has a test, and no test names a row that there is not."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rows import BAD_INPUTS, LATER, ROWS, TRAPS

TESTS = Path(__file__).parent
_IDS = re.compile(r"test((?:_[btp]\d{2,})+)(?=_|$)")


def ids(name: str) -> list[str]:
    """The rows at the beginning of a test's name: `test_b051_t29_a_…`; of parity's rows none."""
    found = _IDS.match(name)
    named = found[1].upper().split("_") if found else []
    return [one for one in named if one and not one.startswith("P")]


def names() -> Iterator[str]:
    """Of every test function of the suite, by its source: nothing is imported."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name


@pytest.fixture(scope="module")
def tested() -> Counter[str]:
    return Counter(row for name in names() if name.startswith("test_") for row in ids(name))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_b051_b053_modern_hangs", ["B051", "B053"]),
        ("test_t18_b090_a_request", ["T18", "B090"]),
        ("test_p020_b020_a_path", ["B020"]),
        ("test_the_b051_that_is_no_row", []),
        ("test_b2b", []),
    ],
)
def test_the_rows_of_a_test_stand_at_the_beginning_of_its_name(name: str, rows: list[str]) -> None:
    assert ids(name) == rows


def test_every_row_has_a_test(
    tested: Counter[str], record_property: Callable[[str, object], None]
) -> None:
    parts = []
    for kind, rows in (("bad inputs", BAD_INPUTS), ("traps", TRAPS)):
        covered = [row for row in rows if row in tested]
        tests = sum(tested[row] for row in covered)
        parts.append(f"{len(covered)} of {len(rows)} {kind} by {tests} tests")
    record_property("bad inputs", ", ".join(parts))
    missing = [f"{row}: {what}" for row, what in ROWS.items() if row not in tested]
    assert not missing, "\n".join(missing)


def test_no_test_names_a_row_that_there_is_not(tested: Counter[str]) -> None:
    assert sorted(set(tested) - set(ROWS) - LATER) == []
