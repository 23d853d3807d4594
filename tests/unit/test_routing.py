"""The route table against Werkzeug's matcher and by its own rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from gateway.inventory import flask_endpoints
from gateway.routing import Route, RouteTable, _Walk
from gateway.words import Phase

RULES = [
    ("GET", "/"),
    ("GET", "/api/orders"),
    ("POST", "/api/orders"),
    ("GET", "/api/orders/history"),
    ("GET", "/api/orders/<order_id>"),
    ("DELETE", "/api/orders/<order_id>"),
    ("GET", "/items/<int:item_id>"),
    ("GET", "/items/<name>/parts"),
    ("GET", "/price/<float:x>"),
    ("GET", "/u/<uuid:u>"),
    ("GET", "/files/<path:p>"),
    ("GET", "/files/<path:p>/meta"),
    ("GET", "/slash/"),
    ("PUT", "/slash/"),
]


class App:
    """What `flask_endpoints` looks at."""

    url_map = Map(
        [Rule(path, methods=[method], endpoint=f"{method} {path}") for method, path in RULES]
    )


def table() -> RouteTable:
    served = flask_endpoints(App()) or ()
    routes = (Route(method, template, legacy=True, modern=True) for method, template in served)
    return RouteTable(tuple(routes), Phase.GRADUAL)


TABLE = table()
ADAPTER = App.url_map.bind("localhost")
SEGMENTS = [
    "", "api", "orders", "history", "items", "parts", "files", "meta", "slash", "price", "u",
    "7", "-7", "x", "1.5", "123e4567-e89b-12d3-a456-426614174000",
]  # fmt: skip


def by_werkzeug(method: str, path: str) -> str | None:
    try:
        rule, _ = ADAPTER.match(path, method, return_rule=True)
    except HTTPException:
        return None
    return str(rule.endpoint)


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE"]),
    st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=5),
)
def test_the_table_finds_the_rule_that_werkzeug_finds(method: str, segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    expected = by_werkzeug(method, path)
    if "//" in path:
        return  # Werkzeug merges slashes by a redirect; the table leaves those to legacy
    found = TABLE.match(method, path)
    assert (found and _flask(found.template)) == (expected and expected.partition(" ")[2])


def _flask(template: str) -> str:
    for kind in ("int", "float", "uuid", "path"):
        template = template.replace(f":{kind}}}", f"\0{kind}>")
    parts = template.replace("{", "<").replace("}", ">").split("<")
    return parts[0] + "".join(
        f"<{kind}:{name}>{rest[len(kind) + 1 :]}" if marked else f"<{part}"
        for part in parts[1:]
        for name, marked, rest in [part.partition("\0")]
        for kind in [rest.partition(">")[0]]
    )


def test_a_literal_segment_beats_a_variable_one() -> None:
    found = TABLE.match("GET", "/api/orders/history")
    assert found is not None
    assert found.id == "GET /api/orders/history"


def test_a_literal_without_the_method_leaves_the_path_to_the_variable() -> None:
    found = TABLE.match("DELETE", "/api/orders/history")
    assert found is not None
    assert found.id == "DELETE /api/orders/{order_id}"


def test_head_finds_the_route_of_get() -> None:
    assert TABLE.match("HEAD", "/api/orders") is TABLE.match("GET", "/api/orders")


@pytest.mark.parametrize("path", ["", "/", "//", "/api/orders/", "/files/", "/" * 10_000])
def test_odd_paths_are_answered_without_error(path: str) -> None:
    found = TABLE.match("GET", path)
    assert (found is not None) == (path == "/")


def test_b128_several_path_variables_take_no_time_to_speak_of() -> None:
    """Counted, not timed: how often the search looks at a segment."""
    looked = 0

    class Counting(list[str]):
        def __getitem__(self, at: Any) -> Any:
            nonlocal looked
            looked += 1
            return super().__getitem__(at)

    route = Route("GET", "/f/{a:path}/x/{b:path}/y/{c:path}/z", legacy=True, modern=True)
    table = RouteTable((route,), Phase.GRADUAL)
    segments = Counting(("/f" + "/x/y" * 100).split("/"))
    assert _Walk(segments, "GET").find(table._root, 0) is None
    assert looked < 10 * len(segments)


def test_a_mixed_segment_counts_as_a_variable_one() -> None:
    report = Route("GET", "/reports/{name}.csv", legacy=True, modern=True)
    assert RouteTable((report,), Phase.GRADUAL).match("GET", "/reports/may.csv") is report


def test_any_method_is_the_last_choice() -> None:
    anything = Route("*", "/m/{rest:path}", legacy=True, modern=True)
    exact = Route("GET", "/m/{rest:path}", legacy=True, modern=True)
    both = RouteTable((anything, exact), Phase.GRADUAL)
    assert both.match("GET", "/m/x/y") is exact
    assert both.match("PATCH", "/m/x/y") is anything
