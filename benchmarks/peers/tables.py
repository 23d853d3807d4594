"""What was found, as Markdown."""

import statistics
from collections.abc import Iterable

from benchmarks.page import measured
from benchmarks.peers.found import Findings
from benchmarks.peers.load import CLIENTS, CONNECTIONS
from benchmarks.peers.names import DIRECT, GROUPS, Group
from benchmarks.peers.targets import LEFT_OUT, absent, targets

_HEAD = (
    "| server | requests/s | gateway against it | CPU µs per request | p50 ms | p99 ms | MiB |\n"
    "|---|---|---|---|---|---|---|"
)


def peers(found: Findings) -> str:
    """A table for each group that was measured, then the targets."""
    seen = found.rounds.keys() | found.missing.keys()
    parts = [
        _group(found, group)
        for group in GROUPS
        if group.gateway in seen and seen.intersection(group.peers)  # nginx is in several
    ]
    rows = [
        f"| {one.id} | {one.what} | {one.target} | {one.measured} | {'met' if one.met else 'missed'} |"
        for one in targets(found.raw())
        if one.measured != LEFT_OUT
    ]
    parts.append("\n".join(["| | | target | measured | |\n|---|---|---|---|---|", *rows]))
    return "\n\n".join([*parts, _below(found)])


def _group(found: Findings, group: Group) -> str:
    rows = [_row(found, group, name) for name in group.members]
    return "\n".join([f"**{group.title}**", "", _HEAD, *rows])


def _row(found: Findings, group: Group, name: str) -> str:
    if name not in found.rounds:
        return f"| {name} | {absent(found, name)} | | | | | |"
    rounds = found.rounds[name]
    ratio = "" if name == group.gateway else span(found.ratios(group.gateway, name), 2)
    cells = (
        name,
        span((one.rate for one in rounds), 0),
        ratio,
        span((one.cpu for one in rounds), 0),
        span((one.p50 for one in rounds), 1),
        span((one.p99 for one in rounds), 1),
        f"{found.memory[name] / (1 << 20):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def latency(found: Findings) -> str:
    """A table for each group at its fixed rate."""
    parts = []
    for title, rounds in found.steady.items():
        rate = next(iter(rounds.values()))[0].rate
        rows = [_steady_row(found, title, name) for name in rounds]
        head = "| server | p50 ms | p99 ms | added to p50, ms |\n|---|---|---|---|"
        parts.append("\n".join([f"**{title}, {rate:.0f} requests/s**", "", head, *rows]))
    late = [
        one.late_p99 for rounds in found.steady.values() for some in rounds.values() for one in some
    ]
    worst = statistics.median(late)
    note = f"The generator sent 99 % of its requests at most {worst:.1f} ms after their time."
    return "\n\n".join([*parts, note, measured()])


def _steady_row(found: Findings, group: str, name: str) -> str:
    rounds = found.steady[group]
    bare = name == DIRECT or DIRECT not in rounds
    cells = (
        name,
        span((one.p50 for one in rounds[name]), 2),
        span((one.p99 for one in rounds[name]), 1),
        "" if bare else f"{found.added_p50(group, name, DIRECT):+.2f}",
    )
    return f"| {' | '.join(cells)} |"


def span(values: Iterable[float], digits: int) -> str:
    """`median (min-max)`"""
    some = sorted(values)
    return f"{statistics.median(some):.{digits}f} ({some[0]:.{digits}f}-{some[-1]:.{digits}f})"


def _below(found: Findings) -> str:
    rounds = len(next(iter(found.rounds.values())))
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    return (
        f"{measured()} {versions}. {rounds} rounds, {CONNECTIONS} connections, {CLIENTS} clients. "
        "Medians, with the least and the most; ratios are taken round by round. MiB: resident memory, "
        "in which what processes share is counted in each."
    )
