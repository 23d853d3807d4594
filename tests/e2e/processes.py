"""Real processes: `banyan` and other servers on free ports, stopped by their id, never waited for blindly."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.contract.servers import GUNICORN
from tests.e2e.validated import FACTORY, NAMED_BY

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DEADLINE = 40.0  # seconds; a cold start takes two, on a machine that does much else ten
VALIDATED_GUNICORN = (GUNICORN[0], f"{FACTORY}()", *GUNICORN[2:])


class Running:
    """A started process with its standard error in a file."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder

    @property
    def errors(self) -> str:
        return (self.folder / "stderr.log").read_text()

    @property
    def output(self) -> str:
        return (self.folder / "stdout.log").read_text()

    def url(self, name: str) -> str:
        """The URL of `gateway` or `control` from the banner."""
        found = re.search(rf"^  {name} +(http://\S+)", self.errors, re.MULTILINE)
        assert found is not None, self.errors
        return found[1]

    @property
    def token(self) -> str:
        """The first token, from standard error."""
        found = re.search(r"^  (banyan_\S+)$", self.errors, re.MULTILINE)
        assert found is not None, self.errors
        return found[1]

    def ask(self, path: str) -> Any:
        """The JSON of the admin API, asked with the token that the first start printed."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{self.url('control')}/api/v1{path}", headers=headers, timeout=10)
        return answer.raise_for_status().json()

    def stop(self, sign: signal.Signals = signal.SIGTERM, deadline: float = DEADLINE) -> int:
        """Sends a signal and gives the exit code."""
        self.process.send_signal(sign)
        return self.process.wait(deadline)


@contextmanager
def started(folder: Path, *command: str, **environ: str) -> Iterator[Running]:
    """Runs a command of the virtual environment in `folder` with only our settings in its environment."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("BANYAN_", "TRADING_"))}
    path = f"{folder}{os.pathsep}{ROOT}"
    folder.mkdir(exist_ok=True)
    with (folder / "stdout.log").open("wb") as out, (folder / "stderr.log").open("wb") as err:
        process = subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            cwd=folder,
            env={**clean, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **environ},
            stdout=out,
            stderr=err,
        )
        try:
            yield Running(process, folder)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(5)
    if NAMED_BY in environ:
        assert_valid(folder / "stderr.log")


def assert_valid(log: Path) -> None:
    """The validator between server and app has found nothing."""
    assert "AssertionError" not in log.read_text(), log.read_text()


@contextmanager
def banyan(folder: Path, *arguments: str, **environ: str) -> Iterator[Running]:
    """`banyan up` or `banyan serve` on free ports, ready to answer."""
    ports = ["--port", "0"] + (["--control-port", "0"] if "up" in arguments else [])
    with started(folder, "banyan", *arguments, *ports, **environ) as running:
        wait(lambda: "Banyan is up" in running.errors or running.process.poll() is not None)
        assert running.process.poll() is None, running.errors
        wait(lambda: answers_at(running.url("gateway")))
        yield running


def answers_at(url: str) -> bool:
    """Somebody speaks HTTP there, whatever it says."""
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True


def wait(true: Callable[[], Any], deadline: float = DEADLINE) -> None:
    """Polls a condition that another process makes true."""
    end = time.monotonic() + deadline
    while not true():
        assert time.monotonic() < end, "the deadline has passed"
        time.sleep(0.02)


def edit(plan: Path, old: str, new: str) -> None:
    """Replaces the one `old` in a plan."""
    text = plan.read_text()
    assert text.count(old) == 1, text
    plan.write_text(text.replace(old, new))


def descriptors(pid: int) -> Counter[str]:
    """A process's, by what they are.

    Not those of its store: its connections are opened when they are needed first, whoever leaves.
    """
    found: Counter[str] = Counter()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found[str(descriptor.readlink()).partition("[")[0]] += 1
    return Counter({name: count for name, count in found.items() if "banyan.db" not in name})
