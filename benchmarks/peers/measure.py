"""The rounds: all systems run, one of them works at a time, and the order is drawn anew each round."""

import json
import random
import statistics
import subprocess
import sys
from argparse import Namespace
from collections.abc import Collection
from itertools import groupby
from typing import Final

from benchmarks.install import program
from benchmarks.peers.found import Findings, Round, Steady
from benchmarks.peers.load import Wrong, check_share, load
from benchmarks.peers.names import STEADY, Group
from benchmarks.peers.steady import percentile
from benchmarks.peers.systems import System
from benchmarks.servers import ROOT

_PART: Final = 0.5  # of what the slowest of a group can answer, at the steady rate


def measure(systems: list[System], groups: list[Group], options: Namespace) -> Findings:
    """Raises SystemExit if any answer is wrong."""
    by_name = {system.name: system for system in systems}
    found = Findings()
    for name in in_order(groups, by_name):
        _round(by_name[name], 1)  # warm-up
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
        for name in in_order(groups, by_name):
            one = _round(by_name[name], options.seconds)
            found.rounds.setdefault(name, []).append(one)
    found.memory = {name: by_name[name].memory() for name in found.rounds}
    _steadily(systems, found, options)
    return found


def in_order(groups: list[Group], known: Collection[str]) -> list[str]:
    """Each known system once, those of one family next to each other, everything else by chance."""
    families = [
        {name for group in some for name in group.members if name in known}
        for _, some in groupby(groups, lambda group: group.family)
    ]
    random.shuffle(families)
    return [name for family in families for name in random.sample(sorted(family), len(family))]


def _round(system: System, seconds: float) -> Round:
    before = system.cpu()
    try:
        answers = load(program("wrk") or "wrk", system.port, system.paths, seconds)
        check_share(answers.fastapi, answers.flask, system.modern)
    except Wrong as error:
        raise SystemExit(f"{system.name}: {error}") from error
    cpu = (system.cpu() - before) / answers.requests / 1000
    if cpu <= 0:
        raise SystemExit(f"{system.name}: some of its processes have ended")
    share = answers.fastapi / answers.requests
    return Round(answers.rate, cpu, answers.p50, answers.p99, share)


def _steadily(systems: list[System], found: Findings, options: Namespace) -> None:
    """Every group of STEADY that was measured, at half the rate that its slowest can answer."""
    for group, names in STEADY:
        some = [system for system in systems if system.name in names]
        medians = [
            statistics.median(one.rate for one in found.rounds[system.name])
            for system in some
            if system.name in found.rounds
        ]
        if not medians or not options.steady_rounds:
            continue
        rounds = found.steady[group] = {system.name: [] for system in some}
        for number in range(options.steady_rounds):
            print(f"{group}: {number + 1} of {options.steady_rounds}", file=sys.stderr, flush=True)
            for system in random.sample(some, len(some)):
                one = _steady(system, _PART * min(medians), options.seconds)
                rounds[system.name].append(one)


def _steady(system: System, rate: float, seconds: float) -> Steady:
    try:
        times, late = _offered(system, rate, seconds)
        check_share(len(times["fastapi"]), len(times["flask"]), system.modern)
    except Wrong as error:
        raise SystemExit(f"{system.name} at {rate:.0f} requests/s: {error}") from error
    middles = {stack: percentile(some, 50) for stack, some in times.items() if some}
    every = [one for some in times.values() for one in some]
    return Steady(rate, percentile(every, 50), percentile(every, 99), middles, percentile(late, 99))


def _offered(
    system: System, rate: float, seconds: float
) -> tuple[dict[str, list[float]], list[float]]:
    """Milliseconds of each answer, by stack, and how late each request was sent."""
    command = [sys.executable, "-m", "benchmarks.peers.steady", "--rate", f"{rate:.1f}"]
    command += ["--seconds", f"{seconds:g}", *(f"{port}{path}" for port, path in system.targets)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise Wrong(done.stderr.strip())
    found = json.loads(done.stdout)
    return found["times"], found["late"]
