"""What all tests share, who runs them, and what the suites counted, at the end of a run."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.differential.counts import DIFFERENTIAL, summed
from tests.parity.campaign import PARITY
from tests.parity.campaign import summed as parity_summed

GENERATED = "generated requests"  # properties of tests that a run sums up
PAIRS = "pairs (route, case)"
BAD_INPUTS = "bad inputs"
CAMPAIGN = "campaign"
ADMIN_CASES = "admin API requests"
SERVERS = "differential, other servers"


_GROUP = re.compile(r'xdist_group\("([^"]+)"\)')


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file runs in one worker, and starts its servers once; files of one `xdist_group` likewise.

    xdist 3.8 makes groups by renaming tests, which pytest 9.2 does not notice any more; and a worker
    that is given its tests one by one waits longer for the next than most of them take.
    """

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        self._root = config.rootpath

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _group(self._root / file) or file


@cache
def _group(path: Path) -> str | None:
    found = _GROUP.search(path.read_text())
    return found[1] if found else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """What was compiled of an older source would be tested in its place. Raises UsageError."""
    for compiled in (config.rootpath / "gateway").rglob("*.so"):
        source = compiled.with_name(f"{compiled.name.partition('.')[0]}.py")
        if not source.exists() or source.stat().st_mtime > compiled.stat().st_mtime:
            raise pytest.UsageError(
                f"{source} has changed since it was compiled: make compile, or make pure"
            )


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With xdist, each worker knows only its own tests; the reports meet here."""
    reports = terminalreporter.getreports("passed")
    told = [(name, str(value)) for one in reports for name, value in one.user_properties]
    generated = [int(value) for name, value in told if name == GENERATED]
    if generated:
        terminalreporter.write_line(
            f"{sum(generated)} {GENERATED} to {len(generated)} operations, each to both stacks"
        )
    cases = [int(value) for name, value in told if name == ADMIN_CASES]
    if cases:
        terminalreporter.write_line(f"{sum(cases)} {ADMIN_CASES}")
    for kind in (DIFFERENTIAL, SERVERS):
        if values := [value for name, value in told if name == kind]:
            terminalreporter.write_line(summed(values))
    if values := [value for name, value in told if name == PARITY]:
        terminalreporter.write_line(parity_summed(values))
    for value in (value for name, value in told if name in {PAIRS, BAD_INPUTS, CAMPAIGN}):
        terminalreporter.write_line(value)
