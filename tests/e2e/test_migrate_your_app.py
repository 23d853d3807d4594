"""docs/migrate-your-app.md, followed word for word with two apps that are none of this repository's packages."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.ports import free_port
from tests.e2e.processes import BIN, ROOT, wait

pytestmark = pytest.mark.e2e
PAGE = ROOT / "docs/migrate-your-app.md"
APPS = Path(__file__).with_name("migrate")
PORTS = ("8000", "8001", "5000", "8080")  # of the page: gateway, control plane, gunicorn, uvicorn
SERVERS = ("banyan up", "uvicorn ")  # they run in the second terminal, until the page shows ^C
NOT_RUN = ["pip install banyan-gateway"]  # this is the environment that has it
_BLOCK = re.compile(r"(?:^`(\S+)`\n\n)?^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LIVE = re.compile(r"version \S+ → (\d+), live within a second")
_MARK = "the command has ended:"
_PATIENCE = 60.0  # seconds for one command
_LATE = 5.0  # seconds until access lines are written, on a machine that has other things to do


class Block(NamedTuple):
    """What stands between two fences; it is a file if the line above is a name."""

    file: str | None
    language: str
    text: str


class Command(NamedTuple):
    """A line behind `$`, or ^C, and what the page shows below it."""

    line: str
    shown: list[str]


def blocks() -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(PAGE.read_text())]


def commands(transcript: str) -> list[Command]:
    found: list[Command] = []
    for line in transcript.replace("\\\n", "").splitlines():
        if line.startswith("$ ") or line == "^C":
            found.append(Command(line.removeprefix("$ "), []))
        else:
            found[-1].shown.append(line)
    return found


class Terminal:
    """A shell that is given one line after the other."""

    def __init__(self, shell: subprocess.Popen[bytes], screen: Path) -> None:
        self._shell = shell
        self._file = screen
        self._read = 0  # characters
        self._server = 0  # process id

    @property
    def screen(self) -> str:
        """Everything that was ever printed."""
        return self._file.read_text(errors="replace")  # a character may be half written

    def run(self, line: str) -> str:
        """Gives what it prints, and waits for its end."""
        self._type(f"{{ {line}\n}} </dev/null; printf '\\n{_MARK} %s\\n' $?")
        wait(lambda: re.search(rf"^{_MARK} \d+$", self._fresh(), re.MULTILINE), _PATIENCE)
        printed = self._fresh()
        self._read += len(printed)
        return printed[: printed.rindex(_MARK)]

    def serve(self, line: str, shown: Sequence[str], ports: "Ports") -> None:
        """Starts a server and waits until it has printed what is shown."""
        self._server = int(self.run(f"{line} & printf '%s\\n' $!").split()[0])
        try:
            wait(lambda: says(shown, ports.on_page(self._fresh())), _PATIENCE)
        except AssertionError:
            assert_shown(line, shown, ports.on_page(self._fresh()))
            raise
        self._read += len(self._fresh())

    def interrupt(self) -> None:
        """Ctrl-C: it has to end by itself, with exit code 0."""
        os.kill(self._server, signal.SIGINT)
        assert self.run(f"wait {self._server}; printf 'left %s\\n' $?").rstrip().endswith("left 0")

    def close(self) -> None:
        """Ends what it has started, and itself."""
        self._type("for job in $(jobs -p); do kill $job; done; wait; exit")
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait(_PATIENCE)

    def _type(self, line: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{line}\n".encode())
        self._shell.stdin.flush()

    def _fresh(self) -> str:
        return self.screen[self._read :]


class Ports:
    """The page's ports are others here: nobody else must have them."""

    def __init__(self) -> None:
        self._ours = {page: str(free_port()) for page in PORTS}

    def environ(self) -> dict[str, str]:
        return {
            "BANYAN_PORT": self._ours["8000"],
            "BANYAN_CONTROL_PORT": self._ours["8001"],
        }

    def here(self, line: str) -> str:
        pages = "|".join(PORTS)
        return re.sub(
            rf"(127\.0\.0\.1:|--port )({pages})\b", lambda m: m[1] + self._ours[m[2]], line
        )

    def on_page(self, text: str) -> str:
        for page, ours in self._ours.items():
            text = text.replace(f"127.0.0.1:{ours}", f"127.0.0.1:{page}")
        return text


def says(shown: Sequence[str], printed: str) -> bool:
    """`…` is any text of a line; alone, any lines. Blanks, and the rules of tables, do not count."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in _lines("\n".join(shown))
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _lines(text: str) -> list[str]:
    squeezed = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in squeezed if line.strip("─ ")]


def assert_shown(line: str, shown: Sequence[str], printed: str) -> None:
    assert says(shown, printed), f"$ {line}\n{printed}\n--- the page shows:\n" + "\n".join(shown)


@contextmanager
def terminals(folder: Path, ports: Ports) -> Iterator[tuple[Terminal, Terminal]]:
    """Two, with nothing of this repository in their environment but the commands it installs."""
    environ = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(folder),
        "LOGNAME": "ann",
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        **ports.environ(),
    }
    with ExitStack() as stack:
        opened = []
        for name in ("first", "second"):
            screen = folder.with_name(f"{name}.log")
            out = stack.enter_context(screen.open("wb"))
            shell = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                cwd=folder,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            opened.append(Terminal(shell, screen))
            opened[-1].run("set -m")
            stack.callback(opened[-1].close)
        yield opened[0], opened[1]


class Reader:
    """Does what the page says, block by block."""

    def __init__(self, folder: Path, ports: Ports, first: Terminal, second: Terminal) -> None:
        self.folder = folder
        self.ports = ports
        self.first = first
        self.second = second

    def do(self, block: Block) -> None:
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text)
        elif block.language == "console":
            self._follow(commands(block.text))

    def _follow(self, found: Sequence[Command]) -> None:
        second = any(one.line.startswith((*SERVERS, "^C")) for one in found)
        terminal = self.second if second else self.first
        for one in found:
            if one.line == "^C":
                terminal.interrupt()
            elif one.line.startswith(SERVERS):
                terminal.serve(self.ports.here(one.line), one.shown, self.ports)
            else:
                self._compare(terminal, one)

    def _compare(self, terminal: Terminal, command: Command) -> None:
        def run() -> str:
            return self.ports.on_page(terminal.run(self.ports.here(command.line)))

        printed = run()
        end = time.monotonic() + _LATE if "access.log" in command.line else 0.0
        while time.monotonic() < end and not says(command.shown, printed):
            printed = run()
        assert_shown(command.line, command.shown, printed)
        if live := _LIVE.search(printed):
            wait(lambda: f'{{"version": {live[1]}, ' in self.second.screen)


def test_the_page_leads_from_the_first_percent_to_a_deleted_flask_app(tmp_path: Path) -> None:
    folder, ports = tmp_path / "library", Ports()
    shutil.copytree(APPS, folder)
    with terminals(folder, ports) as (first, second):
        reader = Reader(folder, ports, first, second)
        for block in blocks():
            reader.do(block)
    assert not (folder / "lending").exists()


def test_what_is_not_run_is_known() -> None:
    others = [block.text for block in blocks() if block.language == "sh" and not block.file]
    lines = [line.partition("#")[0].strip() for text in others for line in text.splitlines()]
    assert lines == NOT_RUN


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a … c"], "a  b c", True),
        (["…", "c"], "a\nb\nc", True),
        (["a"], "a\nb", False),
        (["a", "…"], "b", False),
        ([], "an error that the page does not show", False),
    ],
)
def test_what_is_printed_is_what_the_page_shows(shown: list[str], printed: str, same: bool) -> None:
    assert says(shown, printed) is same
