"""What the contract suite counted, at the end of a run."""

import pytest

from tests.contract.case import GENERATED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With xdist, each worker knows only its own tests; the reports meet here."""
    reports = terminalreporter.getreports("passed")
    counted = [value for one in reports for name, value in one.user_properties if name == GENERATED]
    if counted:
        total = sum(int(str(value)) for value in counted)
        terminalreporter.write_line(
            f"{total} {GENERATED} to {len(counted)} operations, each to both stacks"
        )
