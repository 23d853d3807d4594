"""How long a match takes, from 10 to 10 000 routes, beside Werkzeug's own matcher.

    python -m benchmarks.routing

Every case is timed in turn, round after round, so that a busy machine slows all of them alike; the
median of the rounds is printed.
"""

import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, MapAdapter, Rule

from gateway.door.url_map import front_door
from gateway.routes import Route
from gateway.routing import RouteTable
from gateway.words import Phase

_SIZES: Final = (10, 100, 1000, 10_000)  # routes
_CALLS, _ROUNDS = 2000, 15
_CASES: Final = {
    "literal": "/api/v1/r{n}",
    "integer": "/api/v1/r{n}/77",
    "two variables": "/api/v1/r{n}/77/sub/x",
    "unknown": "/api/v1/r{n}/77/other",
}


class _App:
    def __init__(self, size: int) -> None:
        self.url_map = Map()
        for n in range(-(-size // 4)):
            below = f"/api/v1/r{n}"
            paths = [below, below, f"{below}/<int:i>", f"{below}/<int:i>/sub/<name>"]
            for method, path in zip(("GET", "POST", "GET", "GET"), paths, strict=True):
                self.url_map.add(Rule(path, methods=[method], endpoint=method + path))


def main() -> None:
    """Prints a row per case and size: microseconds of the table, of Werkzeug, and their ratio."""
    calls: dict[tuple[str, int], tuple[Callable[[], Any], Callable[[], Any]]] = {}
    for size in _SIZES:
        app = _App(size)
        table, adapter = _table(app), app.url_map.bind("localhost")
        for name, template in _CASES.items():
            path = template.format(n=size // 8)
            calls[name, size] = (
                lambda t=table, p=path: t.match("GET", p),
                _werkzeug(adapter, path),
            )
    times: dict[tuple[str, int, int], list[float]] = {}
    for _ in range(_ROUNDS):
        for (name, size), pair in calls.items():
            for which, call in enumerate(pair):
                times.setdefault((name, size, which), []).append(_timed(call))
    sys.stdout.write(
        "| case | routes | table, µs | Werkzeug, µs | ratio |\n|---|---|---|---|---|\n"
    )
    for name, size in calls:
        ours, theirs = (statistics.median(times[name, size, which]) for which in (0, 1))
        sys.stdout.write(f"| {name} | {size} | {ours:.2f} | {theirs:.1f} | {theirs / ours:.0f} |\n")


def _table(app: _App) -> RouteTable:
    door = front_door(app)
    if door is None:
        raise RuntimeError("an app with a url_map has a front door")
    routes = (
        Route(method, rule.template, legacy=True, modern=True)
        for rule in door.rules
        for method in rule.methods or ()
    )
    return RouteTable(tuple(routes), Phase.GRADUAL, door=door)


def _werkzeug(adapter: MapAdapter, path: str) -> Callable[[], Any]:
    def match() -> Any:
        try:
            return adapter.match(path, "GET")
        except NotFound:
            return None

    return match


def _timed(call: Callable[[], Any]) -> float:
    """Microseconds of one call."""
    began = perf_counter()
    for _ in range(_CALLS):
        call()
    return (perf_counter() - began) / _CALLS * 1e6


if __name__ == "__main__":
    main()
