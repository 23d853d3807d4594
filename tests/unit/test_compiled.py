"""What was compiled of an older source is not tested in its place."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.conftest import pytest_configure


@pytest.mark.parametrize(("source", "refused"), [(1.0, False), (3.0, True), (None, True)])
def test_tests_do_not_run_over_a_compiled_module_that_is_older_than_its_source(
    tmp_path: Path, source: float | None, refused: bool
) -> None:
    folder = tmp_path / "gateway" / "edge"
    folder.mkdir(parents=True)
    made = {"head.cpython-311-x86_64-linux-gnu.so": 2.0}
    made |= {"head.py": source} if source is not None else {}
    for name, at in made.items():
        (folder / name).touch()
        os.utime(folder / name, (at, at))
    config = cast("Any", SimpleNamespace(rootpath=tmp_path))
    if refused:
        with pytest.raises(pytest.UsageError, match=r"head\.py has changed .* make compile"):
            pytest_configure(config)
    else:
        pytest_configure(config)
