"""What clients notice while a plan over 10 000 routes changes each second: `python -m benchmarks.reload`.

One gateway, a steady load at a moderate rate, and windows with and without edits in turn. A request's
time counts from when it was due. In the gateway's own loop a beat of a millisecond tells how late it is,
and Linux how long its thread waited for a core.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.page import keep, measured
from benchmarks.ports import free_port
from benchmarks.routing import door_of
from benchmarks.servers import Program, Server, running
from benchmarks.steady import Seen, steady
from benchmarks.target import Target
from gateway.atomic import replace_file
from gateway.door.rules import Door, DoorRule
from gateway.endpoints import Told, endpoints_of
from gateway.inventory import told_as

_ROUTES: Final = 10_000
_RULES: Final = 200  # of the plan: routes with a split of their own
_RATE, _CONNECTIONS = 200, 16  # requests a second, and what they come over
_EDITS: Final = 5  # of a window, one a second
_ROUNDS: Final = 3
_LIMIT: Final = 5.0  # milliseconds that the loop may be blocked
Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Milliseconds. `blocked` is what the loop was late while the process itself ran: the rest is others'."""

    edits: int  # versions that came into force
    requests: int
    p50: float
    p99: float
    worst: float
    lag: float  # the worst
    blocked: float  # likewise
    queued: float  # likewise, what the loop's thread waited for a core


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--rules", type=int, default=_RULES)
    parser.add_argument("--keep", action="store_true", help="in results/ and docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, port, probes = Path(name), free_port(), free_port()
        with running(
            "gateway", port, _gateway(folder, port, probes, options.rules), "/stack"
        ) as server:
            raw = asyncio.run(_measured(server, probes, folder / "traffic.yaml", options))
    if options.keep:
        keep("reload", raw, _markdown(raw))
    sys.stdout.write(_markdown(raw))


def targets(raw: Raw) -> list[Target]:
    p99, worst, blocked = _summary(raw)
    return [
        Target(
            "P11",
            f"slowest request while a plan over {raw['routes']} routes changes each second",
            "at most twice the p99 without",
            f"{worst:.1f} ms, p99 without {p99:.1f} ms",
            worst <= 2 * p99,
        ),
        Target(
            "P11",
            "the loop blocked meanwhile",
            f"≤ {_LIMIT:g} ms",
            f"{blocked:.1f} ms",
            blocked <= _LIMIT,
        ),
    ]


async def _measured(server: Server, probes: int, plan: Path, options: argparse.Namespace) -> Raw:
    seen, raw = Seen(), {"routes": _ROUTES, "rules": options.rules, "rate": _RATE}
    # Written down before: what this process does meanwhile would be taken for the gateway's
    texts = [_plan(options.rules, number) for number in range(1, options.rounds * _EDITS + 1)]
    load = asyncio.create_task(steady(server.port, _RATE, _CONNECTIONS, seen))
    quiet, edited = list[Window](), list[Window]()
    try:
        await asyncio.sleep(1)  # warm-up
        for _ in range(options.rounds):
            quiet.append(await _window(server, probes, seen, _no_edits(_EDITS)))
            edited.append(await _window(server, probes, seen, _edits(plan, texts)))
        if load.done():
            load.result()
    finally:
        load.cancel()
        with suppress(asyncio.CancelledError):
            await load
    if not all(window.edits for window in edited):
        raise SystemExit("no edit came into force")
    if not {"legacy", "modern"} <= seen.answers.keys():
        raise SystemExit(f"one stack has answered everything: {dict(seen.answers)}")
    return {**raw, "quiet": list(map(asdict, quiet)), "edited": list(map(asdict, edited))}


async def _window(
    server: Server, probes: int, seen: Seen, meanwhile: Coroutine[None, None, None]
) -> Window:
    before = await _version(probes)
    await asyncio.to_thread(_lag, server)
    seen.take_late()
    await meanwhile
    late, lags = seen.take_late(), await asyncio.to_thread(_lag, server)
    edits = await _settled(probes) - before
    times = [1e3 * one for one in late]
    cuts = statistics.quantiles(times, n=100)
    told = (1e3 * one for one in lags)
    return Window(edits, len(times), cuts[49], cuts[98], max(times), *told)


async def _no_edits(seconds: int) -> None:
    await asyncio.sleep(seconds)


async def _edits(plan: Path, texts: list[str]) -> None:
    """One each second."""
    for _ in range(_EDITS):
        await asyncio.to_thread(replace_file, plan, texts.pop().encode())
        await asyncio.sleep(1)


async def _settled(probes: int) -> int:
    """The version, when no edit is on its way any more."""
    before = -1
    while (now := await _version(probes)) != before:
        before = now
        await asyncio.sleep(1.5)
    return now


async def _version(probes: int) -> int:
    """Of the plan in force."""
    text = await asyncio.to_thread(_text, f"http://127.0.0.1:{probes}/metrics")
    lines = (line.split() for line in text.splitlines() if line.startswith("gateway_plan_version "))
    return int(float(next(lines)[1]))


def _lag(server: Server) -> list[float]:
    found: list[float] = json.loads(_text(f"http://127.0.0.1:{server.port}/lag"))
    return found


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def _gateway(folder: Path, port: int, probes: int, rules: int) -> Program:
    """Both apps keep silent about their routes: what they serve is in a file, as for a remote one."""
    door = Door((DoorRule("/stack", frozenset({"GET", "HEAD"})), *door_of(_ROUTES - 1).rules))
    served = endpoints_of(door)
    (folder / "legacy.json").write_text(told_as(Told(served, door)))
    (folder / "modern.json").write_text(told_as(Told(served)))
    (folder / "traffic.yaml").write_text(_plan(rules, 0))
    argv = [sys.executable, "-m", "gateway.cli", "serve", "--access-log", os.devnull]
    argv += ["--port", str(port), "--probe-port", str(probes)]
    for stack in ("legacy", "modern"):
        argv += [f"--{stack}", f"benchmarks.reload_app:{stack}"]
        argv += [f"--{stack}-routes", str(folder / f"{stack}.json")]
    return Program(argv, folder, log=folder / "log")


def _plan(rules: int, number: int) -> str:
    """With another split for each rule, each time."""
    chance = Random(number)
    routes = ["/stack", *(one.template for one in door_of(rules - 1).rules)]
    lines = (f"  - {{route: 'GET {one}', modern: {chance.randint(1, 99)}}}\n" for one in routes)
    return "phase: gradual\nroutes:\n" + "".join(lines)


def _summary(raw: Raw) -> tuple[float, float, float]:
    """Milliseconds: p99 of quiet windows (their median), the slowest request of the others, the block."""
    return (
        statistics.median(window["p99"] for window in raw["quiet"]),
        max(window["worst"] for window in raw["edited"]),
        max(window["blocked"] for window in raw["edited"]),
    )


def _markdown(raw: Raw) -> str:
    versions = sum(window["edits"] for window in raw["edited"])
    return (
        f"{raw['routes']} routes, {raw['rules']} rules, {raw['rate']} requests a second; milliseconds: "
        f"p50 and p99 are medians of {len(raw['quiet'])} windows, the others the worst of all. "
        f"{versions} versions came into force.\n\n"
        "| | p50 | p99 | slowest request | loop late | of that, while the gateway itself ran | or "
        "its thread waited for a core |\n"
        "|---|---|---|---|---|---|---|\n"
        f"{_row('no edits', raw['quiet'])}{_row('an edit each second', raw['edited'])}"
        f"\n{measured()}\n"
    )


def _row(title: str, windows: list[dict[str, float]]) -> str:
    cells = [statistics.median(one[key] for one in windows) for key in ("p50", "p99")]
    cells += [max(one[key] for one in windows) for key in ("worst", "lag", "blocked", "queued")]
    return f"| {title} | {' | '.join(f'{cell:.1f}' for cell in cells)} |\n"


if __name__ == "__main__":
    main()
