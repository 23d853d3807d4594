"""What benchmarks keep: the page's blocks, the table of targets, the check of the hot path."""

import json
from pathlib import Path

import pytest

from benchmarks import instructions, page
from benchmarks.__main__ import table
from benchmarks.instructions import ALLOWED, CHECKED, YARDSTICK, grown
from benchmarks.target import Target

KEPT = {YARDSTICK: 100.0, **dict.fromkeys(CHECKED, 200.0)}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "performance.md"
    found.write_text("before\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nafter\n")
    monkeypatch.setattr(page, "PAGE", found)
    return found


def test_a_block_is_replaced_and_nothing_else(written: Path) -> None:
    page.put("a", r"| \1 | new |")
    page.put("a", r"| \1 | newer |")
    expected = "before\n<!-- bench:a -->\n| \\1 | newer |\n<!-- /bench:a -->\nafter\n"
    assert written.read_text() == expected


def test_a_block_that_is_not_there_is_named(written: Path) -> None:
    with pytest.raises(SystemExit, match="0 blocks named bench:b"):
        page.put("b", "text")


def test_a_target_that_is_missed_says_so_and_they_stand_in_order() -> None:
    rows = [Target(name, "what", "≥ 1", "0.5", met=name == "P2") for name in ("P10", "P2", "P3b")]
    assert table(rows).splitlines()[2:] == [
        "| P2 | what | ≥ 1 | 0.5 | met |",
        "| P3b | what | ≥ 1 | 0.5 | missed |",
        "| P10 | what | ≥ 1 | 0.5 | missed |",
    ]


@pytest.mark.parametrize("case", CHECKED)
def test_a_case_that_grew_by_more_than_5_percent_is_named(case: str) -> None:
    (found,) = grown({**KEPT, case: 211.0}, KEPT)
    assert found.startswith(f"{case}: 1.055 times")


def test_5_percent_are_allowed_and_less_is_welcome() -> None:
    assert grown({**KEPT, CHECKED[0]: 200 * ALLOWED, CHECKED[1]: 100.0}, KEPT) == []


def test_another_build_of_python_changes_the_yardstick_too() -> None:
    assert grown({name: 1.4 * count for name, count in KEPT.items()}, KEPT) == []


def test_what_the_check_compares_with_was_kept() -> None:
    kept = json.loads((page.RESULTS / "instructions.json").read_text())["raw"]["counts"]
    assert {YARDSTICK, *CHECKED} <= kept.keys()
    assert instructions.targets({"counts": kept})[0].id == "P13"
