"""docs/cli.md: every command and option is there, and its sessions run as they are written."""

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from benchmarks.ports import free_port
from gateway.cli.commands import app
from gateway.settings import Settings
from tests.e2e.processes import BIN, ROOT, Running, started, wait

pytestmark = pytest.mark.e2e
PAGE = (ROOT / "docs/cli.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHARED = {"--json", "--server"}  # said of all commands at the beginning of the page
PORTS = (8000, 8001, 8010, 8011, 8021)  # on the page; the test takes free ones
SERVERS = ("banyan up", "banyan serve", "banyan control")
CLIENTS = 100  # that the page sends
LATE = {"banyan status", "banyan ramp status"}  # hosts tell what they count once a second
PATIENCE = 20.0  # seconds
DEADLINE = 90.0  # seconds of one command

# The page's machine and its user; what is worked out from the secret is the same everywhere
LAPTOP = 'import socket\nsocket.gethostname = lambda: "laptop"\n'
OURS = {"SUDO_USER": "ann", "BANYAN_SECRET": "the secret of the page", "COLUMNS": "80"}
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")


class Terminal:
    """Runs the page's commands one after the other; servers run until their `^C`."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._ports = {page: free_port() for page in PORTS}
        self._server: Running | None = None
        self._number = self._code = 0
        self._environ = {
            "PATH": f"{BIN}{os.pathsep}/usr/bin:/bin",
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "BANYAN_PORT": str(self._ports[8000]),
            "BANYAN_CONTROL_PORT": str(self._ports[8001]),
            **OURS,
        }
        (folder / "sitecustomize.py").write_text(LAPTOP)

    def run(self, line: str) -> str:
        """What a terminal shows, standard error included."""
        if line.startswith(SERVERS):
            return self._start(line)
        # The exit code and what is exported last from line to line, as in one shell
        script = f"(exit {self._code}); {self._here(line)}\ncode=$?; env -0 > .env; exit $code"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        told = (self._folder / ".env").read_text().split("\0")
        self._environ = dict(one.split("=", 1) for one in told if one)
        self._code = done.returncode
        if "curl" in line:
            self._wait_until_told()
        return self._there(done.stdout)

    def stop(self) -> None:
        """`^C` in the server that was started last."""
        assert self._server is not None
        assert self._server.stop(signal.SIGINT) == 0, self._server.errors

    @property
    def code(self) -> int:
        return self._code

    def _wait_until_told(self) -> None:
        """Workers tell of their clients every five seconds."""
        assert self._server is not None
        asked = "/whatif?route=GET /api/balances&modern=99"
        wait(lambda: self._server and self._server.ask(asked)["clients"] == CLIENTS)

    def _start(self, line: str) -> str:
        self._number += 1
        words = shlex.split(self._here(line))
        command = "/usr/bin/env", "-C", str(self._folder), str(BIN / words[0]), *words[1:]
        folder = self._folder / f"server-{self._number}"
        self._server = self._stack.enter_context(started(folder, *command, **self._environ))
        wait(partial(_is_up, self._server))
        self._code = 0
        return self._there(self._server.errors)

    def _here(self, text: str) -> str:
        for page, ours in self._ports.items():
            text = re.sub(rf"\b{page}\b", str(ours), text)
        return text

    def _there(self, text: str) -> str:
        for page, ours in self._ports.items():
            text = re.sub(rf"\b{ours}\b", str(page), text)
        return text.replace(str(BIN / "banyan"), "banyan")


def _is_up(running: Running) -> bool:
    assert running.process.poll() is None, running.errors
    return bool(re.search(r"^Banyan.* is up\.\n(.*\n)+\n", running.errors, re.MULTILINE))


def steps(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what the page shows of it; `^C` is one as well."""
    for part in re.split(r"^(?=\$ |\^C$)", block, flags=re.MULTILINE):
        if part:
            line, _, output = part.partition("\n")
            yield line.removeprefix("$ "), output


def pattern(output: str) -> str:
    """Matches what the page shows: `…` is anything in a line, and alone in a line any lines."""
    lines = (
        "(.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*?") + "\n"
        for line in alike(output).splitlines()
    )
    return "".join(lines)


def alike(output: str) -> str:
    """All times are one, and columns as wide as they are: an id or a latency moves those behind it."""
    text = STAMP.sub("(time)", output)
    return "".join(
        re.sub("  +", "  ", re.sub("─+", "─", line)).rstrip() + "\n" for line in text.splitlines()
    )


def commands(
    group: TyperGroup, before: tuple[str, ...] = ()
) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """Every command by its whole name; of a group that does nothing alone, only those below it."""
    for name, one in group.commands.items():
        words = (*before, name)
        if isinstance(one, TyperGroup):
            yield from commands(one, words)
        if not isinstance(one, TyperGroup) or one.invoke_without_command:
            assert isinstance(one, TyperCommand | TyperGroup)
            yield " ".join(words), one


def _group() -> TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


COMMANDS = dict(commands(_group()))


def own_options(name: str) -> set[str]:
    """The longest name of each option that is no setting."""
    parameters = COMMANDS[name].params
    return {
        max(one.opts, key=len)
        for one in parameters
        if one.param_type_name == "option" and one.name not in {*Settings.model_fields, "help"}
    }


def section(name: str) -> str:
    """What the page says of one command."""
    found = re.search(
        rf"^### `banyan {name}\b[^`]*`$(.*?)(?=^###? |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"docs/cli.md has no heading `banyan {name}`"
    return found[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_on_the_page_with_its_own_options_and_a_session(name: str) -> None:
    text = section(name)
    assert [one for one in own_options(name) - SHARED if f"`{one}" not in text] == []
    assert re.search(rf"^\$ (.*[ (])?banyan {name}\b", text, re.MULTILINE), "it shows no session"


@pytest.mark.parametrize("option", sorted(SHARED))
def test_the_page_says_which_commands_lack_an_option_of_all_others(option: str) -> None:
    (said,) = re.findall(rf"`{option}[^|]*\| every command but (.*) \|", PAGE)
    lacking = {name for name in COMMANDS if option not in own_options(name)}
    assert set(re.findall(r"`([^`]+)`", said)) == lacking


def test_no_command_is_on_the_page_that_does_not_exist() -> None:
    headings = re.findall(r"^### `banyan ([a-z ]*[a-z])", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


def test_the_sessions_of_the_page_run_as_they_are_written(tmp_path: Path) -> None:
    with ExitStack() as stack:
        terminal = Terminal(tmp_path, stack)
        for block in BLOCKS:
            for line, output in steps(block):
                if line == "^C":
                    terminal.stop()
                    continue
                assert terminal.code == 0 or line == "echo $?", (
                    f"the code before {line!r} is hidden"
                )
                end = time.monotonic() + (PATIENCE if line in LATE else 0)
                told = alike(terminal.run(line))
                while not re.fullmatch(pattern(output), told) and time.monotonic() < end:
                    told = alike(terminal.run(line))
                assert re.fullmatch(pattern(output), told), f"{line}\n{told}"
