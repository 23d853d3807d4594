"""Tables: no line is longer than the terminal, a pipe gets whole rows, colours are for terminals only."""

import io
import sys

import pytest

from gateway.store.audit import Act
from gateway.store.opening import open_store
from gateway.store.versions import Proposal
from tests.gateway import test_cli
from tests.gateway.test_cli_errors import PLAN, at_first

Shell = test_cli.Shell
shell = test_cli.shell

REASON = (
    "errors on modern after the deployment of Tuesday, and nobody knows yet where they come from"
)
TABLES = ("status", "workers", "history", "audit", "routes")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def told(shell: Shell) -> Shell:
    """A folder with two versions, the newer with a long reason."""
    at_first(shell)
    store = open_store(f"sqlite:///{shell.folder}/var/banyan.db")
    act = Act("cli:ann", "laptop", "plan.shift", "GET /who", REASON)
    store.versions.apply(0, Proposal(PLAN, act))
    store.versions.apply(1, Proposal(PLAN.replace("25", "50"), act))
    store.close()
    return shell


def shown(shell: Shell, patch: pytest.MonkeyPatch, command: str) -> str:
    """What the command prints to a terminal."""
    screen = Screen()
    with patch.context() as patched:
        patched.setattr(sys, "stdout", screen)
        patched.setenv("TERM", "xterm-256color")
        assert shell(command) == 0
    return screen.getvalue()


@pytest.mark.parametrize("command", TABLES)
@pytest.mark.parametrize("width", [80, 200])
def test_a_table_is_no_wider_than_the_terminal(
    told: Shell, monkeypatch: pytest.MonkeyPatch, command: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert told(command) == 0
    lines = told.out.splitlines()
    rule = next((line for line in lines if line.startswith("──")), "")
    assert len(rule) <= width
    if command in {"history", "audit", "status"}:
        assert max(map(len, lines)) <= width


def test_a_pipe_gets_a_row_in_one_line(told: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    assert told("history") == 0
    assert sum(REASON in line for line in told.out.splitlines()) == 2


@pytest.mark.parametrize("command", TABLES)
def test_a_file_gets_no_colours(told: Shell, command: str) -> None:
    assert told(command) == 0
    assert "\x1b" not in told.out


def test_a_terminal_gets_colours(told: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told("kill", "--reason", "now") == 0
    assert "\x1b[1;31mKILL SWITCH ON" in shown(told, monkeypatch, "status")


def test_no_color_is_respected(told: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert told("kill", "--reason", "now") == 0
    assert "KILL SWITCH ON" in (text := shown(told, monkeypatch, "status"))
    assert "\x1b[1;31m" not in text


def test_routes_that_nobody_asks_are_counted_and_not_listed(told: Shell) -> None:
    assert told("status") == 0
    assert "GET /who" in told.out
    assert "GET /items" not in told.out
    assert "1 more route at 0 % without a request; `banyan routes` lists all" in told.out
