"""Servers that a benchmark starts side by side, and what their processes use."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and the processes it has started."""

    name: str
    pid: int
    port: int

    def cpu(self) -> int:
        """Nanoseconds that its processes have run, with threads that have ended.

        The clock of another process: clock_getcpuclockid(3).
        """
        spent = 0
        for pid in self.pids():
            with suppress(OSError):  # a process that ends now
                spent += time.clock_gettime_ns((~pid << 3) | 2)
        return spent

    def memory(self) -> int:
        """Resident bytes of all its processes."""
        kilobytes = 0
        for pid in self.pids():
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        return kilobytes * 1024

    def threads(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in self.pids())

    def descriptors(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.pids())

    def pids(self) -> list[int]:
        """The process and its descendants."""
        found = [self.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(OSError):  # a thread that ends now
                    found += map(int, children.read_text().split())
        return found


@contextmanager
def started(
    name: str, port: int, command: list[str], folder: Path, path: str, **environ: str
) -> Iterator[Server]:
    """`python -m command` in `folder`, once it answers `path`."""
    program = Program([sys.executable, "-m", *command], folder, environ)
    with running(name, port, program, path) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, where, and with what beside this process's environment."""

    argv: list[str]
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    log: Path | None = None  # where its output goes; None: beside ours


@contextmanager
def running(name: str, port: int, program: Program, path: str) -> Iterator[Server]:
    """`program`, once it answers `path`; if it never does, the end of its log is in the error."""
    folder = program.folder
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", **program.environ}
    with ExitStack() as files:
        log = files.enter_context(program.log.open("ab")) if program.log else None
        process = subprocess.Popen(
            program.argv, cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            if not _answers(process, port, path):
                said = program.log.read_text(errors="replace")[-2000:] if program.log else ""
                raise SystemExit(f"{name}: nothing answers on port {port}\n{said}")
            yield Server(name, process.pid, port)
        finally:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def _answers(process: subprocess.Popen[bytes], port: int, path: str) -> bool:
    """Waits until the server answers: the gateway listens before its stacks have started."""
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                answer.read()
                return True
        except OSError:
            time.sleep(0.05)
    return False
