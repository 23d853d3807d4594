"""Whether the targets are met, from what was measured and kept."""

import statistics
from collections.abc import Mapping
from typing import Any, Final

from benchmarks.peers.found import Findings
from benchmarks.peers.names import (
    DIRECT,
    GRANIAN,
    GTHREAD,
    LEGACY,
    MODERN,
    MOUNTED,
    NGINX,
    PROXIES,
    REMOTE,
    SPLIT,
    UVICORN,
)
from benchmarks.target import Target

_ADDED_CPU: Final = 10.0  # microseconds
_ADDED_P50: Final = 1.3  # times nginx's
_RATES: Final = (  # id, gateway, peer, the least ratio of requests/s
    ("P1", MODERN, UVICORN, 0.96),
    ("P2", LEGACY, GTHREAD, 2.0),
    *(("P3", SPLIT, proxy, 1.7) for proxy in PROXIES),
    ("P3b", SPLIT, GRANIAN, 1.05),
    ("P4", REMOTE, NGINX, 1.0),
    ("P5", SPLIT, MOUNTED, 1.8),
)


LEFT_OUT: Final = "not measured"


def targets(raw: Mapping[str, Any]) -> list[Target]:
    """P1 to P5, of `results/peers.json`'s `raw`; what could not be measured is not met."""
    found = Findings.of(raw)
    rates = [_rate(found, *one) for one in _RATES]
    return sorted([*rates, _cpu(found), _latency(found)], key=lambda target: target.id)


def _rate(found: Findings, identity: str, gateway: str, peer: str, least: float) -> Target:
    what, target = f"requests/s: {gateway}, against {peer}", f"≥ {least:g}"
    if peer not in found.rounds or gateway not in found.rounds:
        return Target(identity, what, target, absent(found, peer), met=False)
    ratio = statistics.median(found.ratios(gateway, peer))
    return Target(identity, what, target, f"{ratio:.2f}", met=ratio >= least)


def _cpu(found: Findings) -> Target:
    what, target = f"CPU per request: {MODERN}, over {UVICORN}", f"≤ +{_ADDED_CPU:.0f} µs"
    if not {MODERN, UVICORN} <= found.rounds.keys():
        return Target("P1", what, target, LEFT_OUT, met=False)
    rounds = found.added_cpu(MODERN, UVICORN)
    added = statistics.median(rounds)
    measured = f"{added:+.1f} µs ({min(rounds):+.1f} to {max(rounds):+.1f})"
    return Target("P1", what, target, measured, met=added <= _ADDED_CPU)


def _latency(found: Findings) -> Target:
    what = f"p50 at half load, over the apps without a proxy: {REMOTE}, against {NGINX}"
    target = f"≤ {_ADDED_P50:g} times nginx's"
    group = next((name for name, rounds in found.steady.items() if DIRECT in rounds), None)
    if group is None or not {REMOTE, NGINX} <= found.steady[group].keys():
        return Target("P4", what, target, absent(found, NGINX), met=False)
    ours, theirs = (found.added_p50(group, name, DIRECT) for name in (REMOTE, NGINX))
    measured = f"{ours:+.2f} ms, nginx {theirs:+.2f} ms"
    # A machine that is so busy that nginx seems to take less than nothing shows nothing
    return Target("P4", what, target, measured, met=theirs > 0 and ours <= _ADDED_P50 * theirs)


def absent(found: Findings, peer: str) -> str:
    """Why there are no figures of it."""
    return f"not measured: {found.missing[peer]}" if peer in found.missing else LEFT_OUT
