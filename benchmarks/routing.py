"""Match, decide and compile, from 10 to 10 000 routes and rules: `python -m benchmarks.routing`.

Every case is timed in turn, round after round, so that a busy machine slows all of them alike; the
median of the rounds is printed. Werkzeug's own matcher stands beside up to 1 000 routes: for 10 000 its
map takes half a minute to make.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import count, cycle
from time import perf_counter, process_time
from typing import Any, Final

from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule

from benchmarks.page import keep, measured
from benchmarks.target import Target
from gateway.assignment import decide
from gateway.door.index import Index
from gateway.door.rules import Door, DoorRule
from gateway.endpoints import Inventory, endpoints_of
from gateway.head import HeadReader, UnitSource
from gateway.plan.compile import compile_plan
from gateway.plan.document import Document, parse
from gateway.routing import RouteTable

_SIZES: Final = (10, 100, 1000, 10_000)  # routes
_RULES: Final = (1, 100, 1000, 10_000)  # over 10 000 routes
_WERKZEUG: Final = 1000  # routes at most
_CALLS, _ROUNDS = 500, 25
_LIMIT: Final = 4.0  # microseconds
_CASES: Final = {
    "literal": "/api/v1/r{n}",
    "integer": "/api/v1/r{n}/77",
    "two variables": "/api/v1/r{n}/77/sub/x",
    "unknown": "/api/v1/r{n}/77/other",
}
_BELOW: Final = ("", "/{i:int}", "/{i:int}/sub/{name}", "/{name}/{rest:path}")
_SCOPE: Final = {"client": ("127.0.0.1", 1)}
_HEADERS: Final = [
    (b"host", b"127.0.0.1"),
    (b"user-agent", b"bench/1"),
    (b"accept", b"application/json"),
    (b"x-api-key", b"client-4711"),
]
_CLIENTS: Final = [b"x-api-key=client-%d" % number for number in range(100)]
_READER: Final = HeadReader((UnitSource("header", b"x-api-key"), UnitSource("client")))

Raw = dict[str, Any]
Call = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="in results/ and docs/performance.md")
    options = parser.parse_args()
    raw = {
        "routes": _timed({case: call for size in _SIZES for case, call in _of_routes(size)}),
        "rules": _timed(dict(_of_rules())),
        "made": [*(_made(size, 0) for size in _SIZES), *(_made(10_000, n) for n in _RULES)],
    }
    if options.keep:
        keep("routing", raw, _markdown(raw))
    sys.stdout.write(_markdown(raw))


def targets(raw: Raw) -> list[Target]:
    found = {name: _both(raw["routes"], name) for name in _CASES}
    slowest = max(max(times) for times in found.values())
    steepest = max(max(times) / times[0] for times in found.values())
    return [
        Target(
            "P6",
            "match + decide at 10 to 10 000 routes, for a client that is new",
            f"≤ {_LIMIT:g} µs, flat within 2 times",
            f"{slowest:.1f} µs at most, {steepest:.1f} times from 10 routes on",
            slowest <= _LIMIT and steepest <= 2,
        )
    ]


def door_of(size: int) -> Door:
    """So many rules, as those of a Flask app."""
    paths = (f"/api/v1/r{number // 4}{_BELOW[number % 4]}" for number in range(size))
    return Door(tuple(DoorRule(path, frozenset({"GET", "HEAD", "OPTIONS"})) for path in paths))


def plan_of(door: Door, rules: int, percent: int = 5) -> str:
    """With a split of its own for the first routes."""
    lines = (
        f"  - {{route: 'GET {one.template}', modern: {percent}}}\n" for one in door.rules[:rules]
    )
    return "phase: gradual\nroutes:\n" + "".join(lines) if rules else "phase: gradual\n"


def _of_routes(size: int) -> Iterator[tuple[str, Call]]:
    table = _table(size, min(size, 100))
    for name, template in _CASES.items():
        path = template.format(n=size // 8)
        yield f"{name}, {size}, match", partial(table.match, "GET", path)
        yield f"{name}, {size}, known", _decided(table, path, cycle(_CLIENTS).__next__)
        new = count().__next__
        yield f"{name}, {size}, new", _decided(table, path, partial(_new, new))
        yield f"{name}, {size}, unit", _with_unit(table, path)
        if size <= _WERKZEUG:
            yield f"{name}, {size}, Werkzeug", _werkzeug(size, path)


def _of_rules() -> Iterator[tuple[str, Call]]:
    for rules in _RULES:
        yield str(rules), _with_unit(_table(10_000, rules), "/api/v1/r0/77")


def _decided(table: RouteTable, path: str, client: Callable[[], bytes]) -> Call:
    def call() -> object:
        matched = table.match("GET", path)
        return decide(table, matched.route if matched else None, client())

    return call


def _new(number: Callable[[], int]) -> bytes:
    return b"x-api-key=new-%d" % number()


def _with_unit(table: RouteTable, path: str) -> Call:
    def call() -> object:
        found, _ = _READER.read(_HEADERS)
        matched = table.match("GET", path)
        return decide(table, matched.route if matched else None, _READER.unit(found, _SCOPE))

    return call


def _werkzeug(size: int, path: str) -> Call:
    adapter = _map(size).bind("localhost")

    def call() -> object:
        try:
            return adapter.match(path, "GET")
        except NotFound:
            return None

    return call


@cache
def _map(size: int) -> Map:
    rules = (one.template for one in door_of(size).rules)
    spelled = (one.replace("{i:int}", "<int:i>").replace("{name}", "<name>") for one in rules)
    return Map(
        [
            Rule(one.replace("{rest:path}", "<path:rest>"), methods=["GET"], endpoint=one)
            for one in spelled
        ]
    )


def _timed(calls: dict[str, Call]) -> dict[str, float]:
    """Microseconds of one call, the median of the rounds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_ROUNDS):
        for name, call in calls.items():
            began = perf_counter()
            for _ in range(_CALLS):
                call()
            times[name].append((perf_counter() - began) / _CALLS * 1e6)
    return {name: statistics.median(found) for name, found in times.items()}


@dataclass(frozen=True, slots=True)
class _Given:
    """What a table is compiled of."""

    document: Document
    inventory: Inventory

    def table(self) -> RouteTable:
        return compile_plan(
            self.document, self.inventory, version=1, secret=b"a secret of 32 bytes"
        )


def _given(routes: int, rules: int) -> _Given:
    door = door_of(routes)
    served = endpoints_of(door)
    return _Given(parse(plan_of(door, rules)), Inventory(served, served, door))


def _table(routes: int, rules: int) -> RouteTable:
    table = _given(routes, rules).table()
    if len(table.routes) != routes or sum(route.split == 5000 for route in table.routes) != rules:
        raise RuntimeError(f"a table of {routes} routes and {rules} rules is wrong")
    return table


def _made(routes: int, rules: int) -> dict[str, float]:
    """Processor seconds: to read the plan, to make the index once, and to compile each plan."""
    door = door_of(routes)
    text = plan_of(door, rules, percent=6)  # another than before: what was parsed is kept
    reading, _ = _seconds(lambda: parse(text))
    indexing, _ = _seconds(lambda: Index(door.rules))
    given = _given(routes, rules)
    given.table()
    compiling = min(_seconds(given.table)[0] for _ in range(3))
    return {
        "routes": routes,
        "rules": rules,
        "read": reading,
        "index": indexing,
        "compile": compiling,
    }


def _seconds(call: Call) -> tuple[float, object]:
    began = process_time()
    result = call()
    return process_time() - began, result


def _both(times: dict[str, float], name: str) -> list[float]:
    """Match and decide, by size."""
    return [times[f"{name}, {size}, new"] for size in _SIZES]


def _markdown(raw: Raw) -> str:
    lines = [
        "| case | routes | match, µs | and decide | for a new client | and reading the head | Werkzeug |\n",
        "|---|---|---|---|---|---|---|\n",
    ]
    for name in _CASES:
        for size in _SIZES:
            kinds = ("match", "known", "new", "unit", "Werkzeug")
            found = [raw["routes"].get(f"{name}, {size}, {kind}") for kind in kinds]
            cells = " | ".join("" if one is None else f"{one:.2f}" for one in found)
            lines.append(f"| {name} | {size} | {cells} |\n")
    rules = "; ".join(f"{rules} rules {time:.2f} µs" for rules, time in raw["rules"].items())
    lines.append(f"\nAll three against the rules of a plan over 10 000 routes: {rules}.\n\n")
    lines.append(
        "| routes | rules | read the plan, s | index of the routes, once, s | compile, s |\n"
    )
    lines.append("|---|---|---|---|---|\n")
    for one in raw["made"]:
        cells = " | ".join(f"{one[key]:.3f}" for key in ("read", "index", "compile"))
        lines.append(f"| {one['routes']:.0f} | {one['rules']:.0f} | {cells} |\n")
    return f"{''.join(lines)}\n{measured()}\n"


if __name__ == "__main__":
    main()
