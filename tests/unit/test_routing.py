"""The route table by its own rules; against Werkzeug's matcher it stands in `tests/door`."""

import pytest
from werkzeug.routing import Map, Rule

from gateway.door.rules import Door, DoorRule
from gateway.door.url_map import front_door
from gateway.routes import Route
from gateway.routing import RouteTable
from gateway.words import Phase

ORDERS = Route("GET", "/api/orders", legacy=True, modern=True)
ORDER = Route("GET", "/api/orders/{order_id}", legacy=True, modern=True)
CANCEL = Route("DELETE", "/api/orders/{order_id}", legacy=True, modern=True)
HISTORY = Route("GET", "/api/orders/history", legacy=True, modern=True)
TABLE = RouteTable((ORDERS, ORDER, CANCEL, HISTORY), Phase.GRADUAL)


def found(table: RouteTable, method: str, path: str) -> Route | None:
    matched = table.match(method, path)
    return matched.route if matched else None


def test_a_literal_segment_beats_a_variable_one() -> None:
    assert found(TABLE, "GET", "/api/orders/history") is HISTORY


def test_a_literal_without_the_method_leaves_the_path_to_the_variable() -> None:
    assert found(TABLE, "DELETE", "/api/orders/history") is CANCEL


def test_head_finds_the_route_of_get() -> None:
    assert found(TABLE, "HEAD", "/api/orders") is ORDERS


@pytest.mark.parametrize("path", ["", "/", "//", "/api/orders/", "/files/", "/" * 10_000])
def test_odd_paths_are_answered_without_error(path: str) -> None:
    assert TABLE.match("GET", path) is None


def test_a_mixed_segment_counts_as_a_variable_one() -> None:
    report = Route("GET", "/reports/{name}.csv", legacy=True, modern=True)
    table = RouteTable((report,), Phase.GRADUAL)
    assert found(table, "GET", "/reports/may.csv") is report
    assert found(table, "GET", "/reports/may.pdf") is None


def test_any_method_is_the_last_choice() -> None:
    anything = Route("*", "/m/{rest:path}", legacy=True, modern=True)
    exact = Route("GET", "/m/{rest:path}", legacy=True, modern=True)
    both = RouteTable((anything, exact), Phase.GRADUAL)
    assert found(both, "GET", "/m/x/y") is exact
    assert found(both, "PATCH", "/m/x/y") is anything


def test_a_rule_that_no_route_stands_for_still_takes_its_path_from_others() -> None:
    """Legacy's `/u/me` is legacy's, whatever modern's `/u/{name}` would do with it."""
    door = Door((DoorRule("/u/me", frozenset({"GET"})), DoorRule("/u/{name}", frozenset({"GET"}))))
    somebody = Route("GET", "/u/{name}", legacy=True, modern=True)
    table = RouteTable((somebody,), Phase.GRADUAL, door=door)
    assert found(table, "GET", "/u/me") is None
    assert found(table, "GET", "/u/you") is somebody


def test_a_route_of_modern_alone_is_found_beside_the_rules_of_legacy() -> None:
    door = Door((DoorRule("/old", frozenset({"GET"})),))
    table = RouteTable((Route("GET", "/new", legacy=False, modern=True),), Phase.FULL, door=door)
    assert found(table, "GET", "/new") is not None


def test_the_search_looks_at_a_handful_of_segments_among_10_000_routes() -> None:
    """Counted, not timed; `python -m benchmarks.routing` times it."""
    rules = [
        Rule(f"/api/v1/r{n}/<int:i>/sub/<name>", endpoint=str(n), methods=["GET"])
        for n in range(10_000)
    ]

    class App:
        url_map = Map(rules)

    door = front_door(App())
    assert door is not None
    routes = tuple(Route("GET", rule.template, legacy=True, modern=True) for rule in door.rules)
    table = RouteTable(routes, Phase.GRADUAL, door=door)
    looked = 0

    class Counting(str):
        __slots__ = ()

        def __hash__(self) -> int:
            nonlocal looked
            looked += 1
            return super().__hash__()

        def split(self, *_: object) -> list[str]:
            return [Counting(segment) for segment in str(self).split("/")]

    assert found(table, "GET", Counting("/api/v1/r7000/5/sub/x")) is not None
    assert looked < 30
