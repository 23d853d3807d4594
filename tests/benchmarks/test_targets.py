"""The table of targets says what was kept: a part that is measured again changes both."""

import re

from benchmarks.__main__ import _targets, table
from benchmarks.page import PAGE


def test_the_table_of_targets_is_made_of_the_results_that_are_kept() -> None:
    found = re.search(
        r"<!-- bench:targets -->\n(.*?)\n<!-- /bench:targets -->", PAGE.read_text(), re.DOTALL
    )
    assert found is not None
    assert found[1] == table(list(_targets()))
