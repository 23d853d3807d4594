"""What all tests share, and what the contract suite counted, at the end of a run."""

import pytest

from tests.differential.counts import DIFFERENTIAL, summed
from tests.parity.campaign import PARITY
from tests.parity.campaign import summed as parity_summed

GENERATED = "generated requests"  # properties of tests that a run sums up
PAIRS = "pairs (route, case)"
BAD_INPUTS = "bad inputs"
SERVERS = "differential, other servers"


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
    for kind in (DIFFERENTIAL, SERVERS):
        if values := [value for name, value in told if name == kind]:
            terminalreporter.write_line(summed(values))
    if values := [value for name, value in told if name == PARITY]:
        terminalreporter.write_line(parity_summed(values))
    for value in (value for name, value in told if name in {PAIRS, BAD_INPUTS}):
        terminalreporter.write_line(value)
