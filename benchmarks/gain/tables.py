"""What was found as Markdown."""

import statistics
from collections.abc import Callable
from typing import Final

from benchmarks import page
from benchmarks.gain.endpoints import (
    AGGREGATE,
    ENDPOINTS,
    SNAPSHOT,
    STATUS,
    TICKER,
    ZONES,
    Endpoint,
)
from benchmarks.gain.rounds import (
    FASTAPI,
    FASTAPI_THREADS,
    FLASK_ASYNC,
    FLASK_THREADS,
    SERVERS,
    Rounds,
    cpu,
    p50,
    p99,
    rate,
)
from benchmarks.gain.wiring import THREADS

_MIB: Final = 1024 * 1024
_SOME: Final = 32  # clients
_HEADS: Final = ("clients", *SERVERS)


def markdown(found: Rounds) -> str:
    """Both tables, what they say in words, and how it was measured."""
    return "\n\n".join(
        (
            "Requests a second, and p50 / p99 of their latency in ms:",
            _speeds(found),
            "![Throughput against the number of clients](img/async-gain-throughput.svg)",
            "![p99 of the latency against the number of clients](img/async-gain-p99.svg)",
            _what_waits(found),
            _what_does_not(found),
            "CPU µs per request; for the order books also threads, and MiB of all processes:",
            _costs(found),
            _how(found),
        )
    )


def _speeds(found: Rounds) -> str:
    heads = ["endpoint", *_HEADS, "async : `def`"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for asked in ENDPOINTS:
        for place, clients in enumerate(found.clients(asked.name)):
            name = "" if place else _described(asked, found.venues)
            cells = [_speed(found, server, asked, clients) for server in SERVERS]
            lines.append(_row([name, str(clients), *cells, _ratio(found, asked, clients)]))
    return "\n".join(lines)


def _costs(found: Rounds) -> str:
    """Threads and memory are those of the first round, in which the number of clients rises."""
    heads = ["endpoint", *_HEADS]
    idle = [f"{found.idle[one][0]}, {found.idle[one][1] / _MIB:.0f}" for one in SERVERS]
    lines = [_row(heads), _row(["---"] * len(heads)), _row([AGGREGATE.name, "none", *idle])]
    for clients in found.clients(AGGREGATE.name):
        rows = [found.of(server, AGGREGATE.name, clients)[0] for server in SERVERS]
        cells = [
            f"{_spent(found, row.server, AGGREGATE, clients)}, {row.threads}, {row.memory / _MIB:.0f}"
            for row in rows
        ]
        lines.append(_row(["", str(clients), *cells]))
    for asked in (SNAPSHOT, STATUS, ZONES):
        cells = [_spent(found, server, asked, _SOME) for server in SERVERS]
        lines.append(_row([asked.name, str(_SOME), *cells]))
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _described(asked: Endpoint, venues: int) -> str:
    calls = asked.calls(venues)
    if not calls:
        return f"{asked.name}: no call"
    return f"{asked.name}: {calls} call{'s' if calls > 1 else ''}, {asked.turns} deep"


def _speed(found: Rounds, server: str, asked: Endpoint, clients: int) -> str:
    speed, half, last = (
        found.median(figure, server, asked.name, clients) for figure in (rate, p50, p99)
    )
    return f"{speed:,.0f}/s, {_ms(half)} / {_ms(last)}"


def _spent(found: Rounds, server: str, asked: Endpoint, clients: int) -> str:
    return f"{found.median(cpu, server, asked.name, clients):,.0f} µs"


def _ratio(found: Rounds, asked: Endpoint, clients: int) -> str:
    ratios = found.ratios(rate, (FASTAPI, FASTAPI_THREADS), asked.name, clients)
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def _ms(value: float) -> str:
    return f"{value:,.1f}" if value < 10 else f"{value:,.0f}"


def _what_waits(found: Rounds) -> str:
    most, calls = found.clients(AGGREGATE.name)[-1], AGGREGATE.calls(found.venues)
    alone, slowest = _pair(found, p50, AGGREGATE, 1), _pair(found, p99, AGGREGATE, most)
    crowd, bound = _pair(found, rate, AGGREGATE, most), THREADS / (calls * found.latency / 1000)
    views, blocking = (
        found.median(rate, server, AGGREGATE.name, most) for server in (FLASK_ASYNC, FLASK_THREADS)
    )
    return (
        f"**What waits for several answers.** A client alone has its order books after "
        f"{_ms(alone[0])} ms, with `def` after {_ms(alone[1])}: the calls go together, or in turn. "
        f"{most} clients get {crowd[0]:,.0f} answers a second (p99 {_ms(slowest[0])} ms), with `def` "
        f"{crowd[1]:,.0f} (p99 {_ms(slowest[1])} ms); {THREADS} threads that wait in turn cannot give "
        f"more than {bound:,.0f}. Flask's views give {views:,.0f} over the asynchronous services, "
        f"{blocking:,.0f} over blocking ones."
    )


def _what_does_not(found: Rounds) -> str:
    alone = _pair(found, p50, TICKER, 1)
    store, work = _pair(found, rate, STATUS, _SOME), _pair(found, rate, ZONES, _SOME)
    spent = _pair(found, cpu, AGGREGATE, _SOME)
    return (
        "**Where async gains nothing.** One call, one request at a time: "
        f"{_ms(alone[0])} ms, with `def` {_ms(alone[1])}. An endpoint that only reads the store: "
        f"{store[0]:,.0f} answers a second for {_SOME} clients, with `def` {store[1]:,.0f}. One that "
        f"only computes: {work[0]:,.0f}, with `def` {work[1]:,.0f}; a process has one interpreter lock "
        "either way. And calls that go together are not free: the order books take "
        f"{spent[0]:,.0f} µs of CPU, with `def` {spent[1]:,.0f}."
    )


def _pair(
    found: Rounds, figure: Callable[..., float], asked: Endpoint, clients: int
) -> tuple[float, float]:
    """FastAPI's, with asynchronous endpoints and with `def`."""
    first, second = (
        found.median(figure, server, asked.name, clients) for server in (FASTAPI, FASTAPI_THREADS)
    )
    return first, second


def _how(found: Rounds) -> str:
    rounds = len(found.of(FASTAPI, STATUS.name, 1))
    how = f"Medians of {rounds} rounds, {found.latency:g} ms a call, {found.venues} venues"
    return f"{how}, {THREADS} threads, one process each. {page.measured()}"
