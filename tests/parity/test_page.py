"""docs/parity.md and docs/kit.md say what is so."""

import re
from pathlib import Path

import pytest

from tests.parity.accepted import ALL

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_what_is_accepted_stands_on_the_page_and_nothing_else() -> None:
    page = (ROOT / "docs/parity.md").read_text()
    missing = [one.probe for one in ALL if f"`{one.probe}`" not in page or one.reason not in page]
    assert missing == []
    assert set(re.findall(r"`([PB]\d{3}-[\w.-]+)`", page)) == {one.probe for one in ALL}


def test_the_examples_of_the_kit_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, as one program: a later one uses what an earlier one made."""
    monkeypatch.chdir(ROOT)
    blocks = _BLOCK.findall((ROOT / "docs/kit.md").read_text())
    assert len(blocks) > 10
    program: dict[str, object] = {"__name__": "kit"}
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/kit.md, block {number}", "exec"), program)
