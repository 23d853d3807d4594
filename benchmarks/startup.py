"""How long commands and a start take: `python -m benchmarks.startup`.

Each is run once a round, in random order. `banyan up` starts the trading system of this repository in an
empty folder: its stores are made, their tables written, both apps imported and the first plan applied.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.page import keep, measured
from benchmarks.ports import free_port
from benchmarks.servers import ROOT, Program, Server, running
from benchmarks.target import Target

_ROUNDS: Final = 7
_HELP, _FIRST = 0.4, 2.5  # seconds at most
_PATIENCE: Final = 30.0  # seconds
_TOKEN: Final = re.compile(r"^ +(banyan_\S+)$", re.MULTILINE)
_BANYAN: Final = [sys.executable, "-m", "gateway.cli"]
_STACKS: Final = ("--legacy", "legacy_flask.wsgi:app", "--modern", "fastapi_app.asgi:app")
Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds, by the clock and of the processor."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--keep", action="store_true", help="in results/ and docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, port, control = Path(name), free_port(), free_port()
        program = Program(_up(port, control), folder, log=folder / "log")
        with running("banyan up", port, program, "/api/health"):
            raw = _measured(options.rounds, folder, control)
    if options.keep:
        keep("startup", raw, _markdown(raw))
    sys.stdout.write(_markdown(raw))


def targets(raw: Raw) -> list[Target]:
    limits = {"banyan --help": _HELP, "banyan up, first answer": _FIRST}
    found = {name: statistics.median(wall for wall, _ in raw[name]) for name in limits}
    return [
        Target("P12", name, f"≤ {limit:g} s", f"{found[name]:.2f} s", found[name] <= limit)
        for name, limit in limits.items()
    ]


def _measured(rounds: int, folder: Path, control: int) -> Raw:
    _answer(control, "/ready")
    elsewhere = {"BANYAN_SERVER": f"http://127.0.0.1:{control}", "BANYAN_TOKEN": _token(folder)}
    cases: dict[str, Callable[[], dict[str, Took]]] = {
        "python -c pass": partial(_run, "python -c pass", [sys.executable, "-c", "pass"], folder),
        "help": partial(_run, "banyan --help", [*_BANYAN, "--help"], folder),
        "status": partial(
            _run, "banyan status, by HTTP", [*_BANYAN, "status"], folder, **elsewhere
        ),
        "local": partial(_run, "banyan status, from the store", [*_BANYAN, "status"], folder),
        "up": _start,
    }
    found: Raw = {}
    for _ in range(rounds):
        for case in random.sample(list(cases), len(cases)):
            for name, took in cases[case]().items():
                found.setdefault(name, []).append((took.wall, took.cpu))
    return found


def _run(name: str, command: list[str], folder: Path, **environ: str) -> dict[str, Took]:
    """One command; SystemExit if it fails or says nothing."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - began, os.times()
    if done.returncode or (command[:3] == _BANYAN and not done.stdout):
        raise SystemExit(f"{name}: {done.stdout}{done.stderr}")
    used = after.children_user + after.children_system
    return {name: Took(wall, used - before.children_user - before.children_system)}


def _start() -> dict[str, Took]:
    """`banyan up` in an empty folder, until its gateway and then its control plane answer."""
    with tempfile.TemporaryDirectory() as name:
        port, control, folder = free_port(), free_port(), Path(name)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (folder / "log").open("ab") as log:
            began = time.perf_counter()
            process = subprocess.Popen(
                _up(port, control), cwd=folder, env=environment, stdout=log, stderr=log
            )
            try:
                found = {}
                asked = {
                    "first answer": (port, "/api/health"),
                    "control plane": (control, "/ready"),
                }
                for what, (where, path) in asked.items():
                    _answer(where, path)
                    wall, cpu = time.perf_counter() - began, Server("up", process.pid, port).cpu()
                    found[f"banyan up, {what}"] = Took(wall, cpu / 1e9)
                return found
            finally:
                process.terminate()
                process.wait(_PATIENCE)


def _up(port: int, control: int) -> list[str]:
    ports = ["--port", str(port), "--control-port", str(control), "--lame-duck", "0"]
    return [*_BANYAN, "up", *ports, "--access-log", os.devnull, *_STACKS]


def _answer(port: int, path: str) -> None:
    """Waits for it. The sockets listen long before anybody answers."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            url = f"http://127.0.0.1:{port}{path}"
            with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
                answer.read()
                return
        except OSError:
            time.sleep(0.002)
    raise SystemExit(f"nothing answers {path} on port {port}")


def _token(folder: Path) -> str:
    found = _TOKEN.search((folder / "log").read_text())
    if found is None:
        raise SystemExit("`banyan up` has told no token")
    return found[1]


def _markdown(raw: Raw) -> str:
    lines = ["| | seconds, median | min | processor, median | min |\n|---|---|---|---|---|\n"]
    for name in sorted(raw, key=lambda name: min(wall for wall, _ in raw[name])):
        found = raw[name]
        kinds = [[one[kind] for one in found] for kind in (0, 1)]
        cells = [f(times) for times in kinds for f in (statistics.median, min)]
        lines.append(f"| {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |\n")
    return f"{''.join(lines)}\n{measured()}\n"


if __name__ == "__main__":
    main()
