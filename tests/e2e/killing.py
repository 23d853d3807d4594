"""Control planes that are started and killed again, at moments that a seed decides."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.e2e.judged import ENVIRON
from tests.e2e.processes import ROOT, wait

LONGEST = 1.5  # seconds that one lives once it is up
WRITES = 8  # to the store, of which one dies before the first, the second, …


@dataclass
class Killer:
    """Of those that it has killed it counts how many were about to write."""

    forking: subprocess.Popen[str]
    log: Path  # of all of them
    random: Random
    killed: int = 0
    writing: int = 0
    last: int = 0  # process id

    def start(self, write: int = 0) -> int:
        """The process id of a control plane that lives, or that dies before a write."""
        assert self.forking.stdin is not None
        assert self.forking.stdout is not None
        self.forking.stdin.write(f"{write}\n")
        self.forking.stdin.flush()
        self.last = int(self.forking.stdout.readline())
        return self.last

    def kill_one(self) -> None:
        """Starts one that is killed: before one of its writes, or when its time has come."""
        write = self.random.choice([0, self.random.randint(1, WRITES)])
        started, pid = self._started(), self.start(write)
        wait(lambda: self._started() > started or not lives(pid))
        until = time.monotonic() + self.random.uniform(0, LONGEST)
        while time.monotonic() < until and lives(pid):
            time.sleep(0.01)
        self.writing += not lives(pid)
        self.kill(pid)

    def _started(self) -> int:
        return self.log.read_text().count("control plane is up")

    def kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait(lambda: not lives(pid))
        self.killed += 1


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@contextmanager
def killer(folder: Path, store: str, seed: str) -> Iterator[Killer]:
    """Its control planes work in `folder`, and write what goes wrong there."""
    folder.mkdir()
    environ = {**os.environ, **ENVIRON, "BANYAN_STORE": store, "PYTHONPATH": f"{ROOT}"}
    with (
        (folder / "stderr.log").open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.forked"],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as forking,
    ):
        found = Killer(forking, folder / "stderr.log", Random(seed))
        try:
            yield found
        finally:
            if found.last and lives(found.last):
                found.kill(found.last)
