"""The front door decides as Werkzeug's matcher does, whatever the rules and the path."""

from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.routing import BaseConverter, Map, Rule

from gateway.door.outcome import outcome
from gateway.door.rules import CONVERTERS
from gateway.door.url_map import front_door
from gateway.endpoints import Endpoint, Inventory
from gateway.listing import listing
from tests.door.oracle import App, Pair, table_of

SEGMENTS = [
    "a", "b", "items", "<int:i>", "<x>", "<path:p>", "<float:f>", "<any(a, b):y>", "<uuid:u>",
    "<int(min=2, max=5):i>", "<int(fixed_digits=2):i>", "<int(signed=True):i>", "<float(signed=True):f>",
    "<string(length=2):s>", "<string(minlength=2, maxlength=3):s>",
    "<x>-<int:i>", "<x>.csv", "<x>-<z>-<w>", "v<int:i>", "<path:p>-<path:q>", "<string(maxlength=2):s>-<z>",
]  # fmt: skip
TEXTS = [
    "a", "b", "items", "1", "3", "12", "٣", "٣٤", "-4", "1.5", "-1.5", "aa", "aaa", "x-1", "x-٣", "a-b-c", "--", "---",
    "q.csv", "v7", "", "zz", "00000000-0000-0000-0000-00000000000A", "a\n", "7\n", "page", "al", "alias", "e", "9" * 4301,
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"]
EXTRAS: dict[str, tuple[dict[str, Any], ...]] = {
    "defaults": ({"defaults": {"n": 1}, "string": "/page/"}, {"string": "/page/<int:n>"}),
    "alias": ({"string": "/al/<int:k>"}, {"string": "/alias/<int:k>", "alias": True}),
    "redirect": ({"string": "/e/<x>", "redirect_to": "/a/<x>"},),
}


def distinct(segments: list[str]) -> bool:
    names = [
        part.split(">")[0]
        for text in segments
        for part in text.split(":" if ":" in text else "<")[1:]
    ]
    return len(names) == len(set(names))


@st.composite
def rules(draw: Any) -> list[Rule]:
    paths = st.lists(st.sampled_from(SEGMENTS), max_size=3).filter(distinct)
    made = []
    for segments in draw(st.lists(paths, min_size=1, max_size=7)):
        text = "/" + "/".join(segments)
        text += "/" if text != "/" and draw(st.booleans()) else ""
        made.append(
            Rule(
                text.replace("/", "//", 1) if draw(st.integers(0, 15)) == 0 else text,
                endpoint=draw(st.sampled_from("efgh")),
                methods=draw(
                    st.sampled_from([["GET"], ["GET", "POST"], ["PUT"], None, ["OPTIONS", "GET"]])
                ),
                strict_slashes=draw(st.sampled_from([None, None, False])),
                merge_slashes=draw(st.sampled_from([None, None, False])),
            )
        )
    for name in draw(st.sets(st.sampled_from(sorted(EXTRAS)))):
        made += [Rule(**options, endpoint=name) for options in EXTRAS[name]]
    return made


paths = st.lists(st.sampled_from(TEXTS), max_size=4).map(
    lambda texts: "/" + "/".join(texts).lstrip("/")
)


@settings(max_examples=100, deadline=None)
@given(
    rules(),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(METHODS), paths), min_size=5, max_size=40),
)
def test_p001_p013_p018_every_request_finds_what_werkzeug_finds(
    made: list[Rule], merge: bool, requests: list[tuple[str, str]]
) -> None:
    try:
        app = App(made, merge_slashes=merge)
    except (ValueError, SyntaxError):  # a variable twice
        return
    pair = Pair(app)
    for method, path in requests:
        assert pair.door(method, path) == pair.werkzeug(method, path), (method, path)


def test_the_converters_are_werkzeugs() -> None:
    app = App([Rule(f"/{kind}/<{kind}:x>", endpoint=kind) for kind in CONVERTERS])
    door = front_door(app)
    assert door is not None
    assert [rule.converters for rule in door.rules] == [{}] * len(CONVERTERS)


class Even(BaseConverter):
    """Reads its text by code, which no table can know."""

    regex = r"\d+"

    def to_python(self, value: str) -> int:
        return int(value)


def test_a_converter_of_the_apps_own_keeps_its_expression() -> None:
    url_map = Map([], converters={"even": Even})
    url_map.add(Rule("/e/<even:x>", endpoint="e", methods=["GET"]))
    app = App([])
    app.url_map = url_map
    door = front_door(app)
    assert door is not None
    assert door.rules[0].template == "/e/{x}"
    assert door.rules[0].converters["x"].kind == "opaque"
    assert table_of(door).match("GET", "/e/22") is not None
    assert table_of(door).match("GET", "/e/two") is None


def flask_app() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/both", view_func=lambda: "x", methods=["GET", "POST"])
    app.add_url_rule("/own", endpoint="own", view_func=lambda: "x", methods=["OPTIONS"])
    app.add_url_rule(
        "/none", endpoint="none", view_func=lambda: "x", provide_automatic_options=False
    )
    return app


@pytest.mark.parametrize("path", ["/both", "/own", "/none", "/nope"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "HEAD", "PUT"])
def test_p015_options_that_flask_answers_are_no_route(method: str, path: str) -> None:
    app = flask_app()
    door = front_door(app)
    assert door is not None
    answer = app.test_client().open(path, method=method)
    said = outcome(table_of(door).trie, method, path, "")
    expected = (answer.status_code, set(answer.allow or ()))
    if said is None:  # a view answers
        assert answer.status_code == 200
        assert answer.data in {b"x", b""}
    else:
        assert (said.status, set(said.allow)) == expected


@pytest.mark.parametrize(
    ("rule", "options", "asked", "forwarded"),
    [
        ("/items/<int:i>", {}, "/items/٣", "/items/3"),
        ("/items/<int:i>", {}, "/items/05", ""),
        ("/items/<int:i>/<name>", {}, "/items/٣٤/é", "/items/34/é"),
        ("/fl/<float:x>", {}, "/fl/\u0661.\u0665", "/fl/1.5"),
        ("/gone", {"strict_slashes": False}, "/gone/", "/gone"),
        ("/gone/", {"strict_slashes": False}, "/gone", "/gone/"),
        ("/path/<path:p>", {"strict_slashes": False}, "/path/a/", "/path/a/"),
    ],
)
def test_p010_p018_modern_is_asked_for_the_path_that_its_template_has(
    rule: str, options: dict[str, Any], asked: str, forwarded: str
) -> None:
    pair = Pair(App([Rule(rule, endpoint="e", methods=["GET"], **options)]))
    matched = pair.table.match("GET", asked)
    assert matched is not None
    assert (matched.path or asked) == (forwarded or asked)


@pytest.mark.parametrize("target", ["/new/<n>", "new/<n>", "https://other.example/<n>"])
def test_p018_a_redirect_goes_where_werkzeug_sends_it(target: str) -> None:
    pair = Pair(App([Rule("/old/<n>", endpoint="e", redirect_to=target)]))
    assert pair.door("GET", "/old/7") == pair.werkzeug("GET", "/old/7")


def test_a_route_of_a_legacy_that_is_gone_is_listed_as_its_traffic_is_counted() -> None:
    door = front_door(App([Rule("/items/<int:i>", endpoint="e", methods=["GET"])]))
    inventory = Inventory((), (Endpoint("GET", "/items/{item_id}"),), door)
    assert [row.endpoint.id for row in listing(inventory)] == ["GET /items/{i:int}"]
