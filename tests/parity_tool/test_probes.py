"""What a route is asked."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import Body, FastAPI, Header, Query
from flask import Flask
from pydantic import BaseModel, Field

from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import told_by
from gateway.parity.examples import Example, read_examples
from gateway.parity.files import FileRefused
from gateway.parity.model import Probe
from gateway.parity.probes import Generator, check_examples
from gateway.parity.routes import operations, shared
from gateway.parity.schema import Schemas


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Order(BaseModel):
    amount: Annotated[float, Field(gt=0, le=10)]
    note: str = "none"


def port() -> FastAPI:
    app = FastAPI(openapi_url="/openapi.json", docs_url=None, redoc_url=None)

    @app.get("/items/{item}")
    def items(
        item: int,
        size: Annotated[int, Query(ge=1, le=50)] = 10,
        colour: Colour = Colour.RED,
        deep: bool = False,
    ) -> None: ...

    @app.get("/needs")
    def needs(name: str, x_key: Annotated[str, Header()]) -> None: ...

    @app.get("/people/{person}")
    def people(person: UUID) -> None: ...

    @app.post("/orders")
    def orders(order: Order) -> None: ...

    @app.delete("/items/{item}")
    def remove(item: int) -> None: ...

    @app.put("/examples")
    def examples(order: Annotated[Order, Body(examples=[{"amount": 7}])]) -> None: ...

    return app


APP = port()
SERVED = told_by(APP).served
INVENTORY = Inventory(SERVED, SERVED)
DOCUMENT: Mapping[str, Any] = APP.openapi()


def generator(*examples: Example, writes: bool = True, budget: int = 1000) -> Generator:
    return Generator(Schemas(DOCUMENT), INVENTORY, examples, budget, writes)


def probes(route: str, *examples: Example, **options: Any) -> dict[str, Probe]:
    method, _, template = route.partition(" ")
    (operation,) = operations([Endpoint(method, template)], DOCUMENT)
    made, _ = generator(*examples, **options).probes(operation)
    return {probe.what: probe for probe in made}


@pytest.mark.parametrize(
    ("what", "target"),
    [
        ("plain", "/items/1"),
        ("every parameter", "/items/1?size=10&colour=red&deep=false"),
        ("query size: blank", "/items/1?size="),
        ("query size: junk", "/items/1?size=zzz"),
        ("query size: repeated", "/items/1?size=10&size=zzz"),
        ("query size: spelled '0'", "/items/1?size=0"),
        ("query size: out of bounds 51", "/items/1?size=51"),
        ("query size: not UTF-8", "/items/1?size=%FF"),
        ("query deep: spelled 'true'", "/items/1?deep=true"),
        ("query deep: spelled 'no'", "/items/1?deep=no"),
        ("query colour: in the other case", "/items/1?colour=RED"),
        ("unknown parameter", "/items/1?zz_unknown=1"),
        ("trailing slash", "/items/1/"),
        ("leading slashes", "//items/1"),
        ("slash doubled", "/items//1"),
        ("path item: 'abc'", "/items/abc"),
        ("path item: '2147483647'", "/items/2147483647"),
    ],
)
def test_a_read_is_asked_for_in_every_way(what: str, target: str) -> None:
    assert probes("GET /items/{item:int}")[what].target == target


@pytest.mark.parametrize(
    ("what", "header"),
    [
        ("If-None-Match *", ("If-None-Match", "*")),
        ("Range bytes=0-3", ("Range", "bytes=0-3")),
        ("authorization Basic !", ("Authorization", "Basic !")),
        ("odd cookies", ("Cookie", 'odd="a b"; odd=2; empty=; naked; pct=%C3%A9')),
    ],
)
def test_a_read_is_asked_for_with_every_kind_of_header(what: str, header: tuple[str, str]) -> None:
    assert header in probes("GET /items/{item:int}")[what].headers


def test_who_is_told_to_have_a_token_is_asked_without_it_too() -> None:
    token = Example(route="* /**", headers={"Authorization": "Bearer abc"})
    made = probes("GET /items/{item:int}", token)
    assert "Authorization" not in dict(made["no authorization"].headers)
    assert "no authorization" not in probes("GET /items/{item:int}")


def test_other_methods_are_tried_but_none_that_a_route_serves() -> None:
    methods = {probe.method for probe in probes("GET /items/{item:int}").values()}
    assert methods == {"GET", "HEAD", "OPTIONS", "PATCH"}


def test_what_is_required_is_there_and_is_left_out_once() -> None:
    made = probes("GET /needs")
    assert made["plain"].target == "/needs?name=abc"
    assert made["plain"].headers == (("x-key", "abc"),)
    assert made["query name: missing"].target == "/needs"
    assert made["header x-key: missing"].headers == ()


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("plain", b'{"amount": 1.5, "note": "none"}'),
        ("body: required members only", b'{"amount": 1.5}'),
        ("body amount: missing", b'{"note": "none"}'),
        ("body amount: null", b'{"amount": null, "note": "none"}'),
        ("body amount: as a string", b'{"amount": "1.5", "note": "none"}'),
        ("body amount: out of bounds 11.0", b'{"amount": 11.0, "note": "none"}'),
        ("body amount: out of bounds 0.0", b'{"amount": 0.0, "note": "none"}'),
        ("body: one member more", b'{"amount": 1.5, "note": "none", "zz_unknown": 1}'),
        ("body: []", b"[]"),
        ("body: none", b""),
        ("body: cut in half", b'{"amount": 1.5,'),
    ],
)
def test_a_body_is_wrong_in_every_way(what: str, body: bytes) -> None:
    assert probes("POST /orders")[what].body == body


@pytest.mark.parametrize(
    ("what", "headers"),
    [
        ("body: as text/plain", (("Content-Type", "text/plain"),)),
        ("body: without a content type", ()),
        ("body: with a charset", (("Content-Type", "application/json; charset=utf-8"),)),
    ],
)
def test_a_good_body_comes_with_other_types(
    what: str, headers: tuple[tuple[str, str], ...]
) -> None:
    made = probes("POST /orders")
    assert made[what].headers == headers
    assert made[what].body == made["plain"].body


def test_the_documents_own_example_is_the_good_body() -> None:
    assert probes("PUT /examples")["plain"].body == b'{"amount": 7}'


def test_without_writes_only_safe_methods_are_sent() -> None:
    made = probes("GET /items/{item:int}", writes=False)
    assert {probe.method for probe in made.values()} == {"GET", "HEAD", "OPTIONS"}


def test_the_same_probes_are_made_each_time_and_none_twice() -> None:
    first, second = (list(probes("POST /orders").values()) for _ in range(2))
    assert first == second
    assert len({probe.sent for probe in first}) == len(first)


def test_a_budget_keeps_what_matters_most_and_tells_what_it_left_out() -> None:
    (operation,) = operations([Endpoint("GET", "/items/{item:int}")], DOCUMENT)
    everything, none = generator().probes(operation)
    some, rest = generator(budget=10).probes(operation)
    assert some == everything[:10]
    assert (none, rest) == (0, len(everything) - 10)


def test_a_route_that_no_document_describes_is_asked_by_its_template() -> None:
    (operation,) = operations([Endpoint("GET", "/people/{person:uuid}/{rest:path}")], None)
    made, _ = replace(generator(), schemas=Schemas({})).probes(operation)
    assert made[0].target == "/people/12345678-1234-5678-1234-567812345678/a/b"


def test_an_example_is_asked_first_and_others_begin_with_it() -> None:
    example = Example(route="GET /items/{item:int}", path={"item": 17}, query={"size": 2})
    made = probes("GET /items/{item:int}", example)
    assert next(iter(made)) == "example 1"
    assert made["example 1"].target == "/items/17?size=2"
    assert made["query size: blank"].target == "/items/17?size="


def test_a_pattern_gives_a_token_to_every_request() -> None:
    example = Example(route="* /**", headers={"Authorization": "Bearer abc"})
    made = probes("GET /items/{item:int}", example)
    told = {
        dict(one.headers).get("Authorization")
        for what, one in made.items()
        if "authorization" not in what
    }
    assert told == {"Bearer abc"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- {route: GET /item}", "nearest: GET /items"),
        ("- {route: 'GET /items/{item:int}', path: {id: 1}}", "no variable 'id'"),
        ("- {route: GET /needs, querry: {}}", "querry"),
        ("- {route: GET needs}", "is no route"),
        ("- {route: [", "cannot be read as YAML"),
    ],
)
def test_an_example_that_would_have_no_effect_is_refused(
    text: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text(text)
    with pytest.raises(FileRefused, match=problem.replace("{", r"\{")):
        check_examples(read_examples(file), shared(INVENTORY))


def test_a_route_is_shared_whatever_its_variables_are_called() -> None:
    legacy = Flask("legacy", static_folder=None)
    legacy.add_url_rule("/items/<int:number>", view_func=lambda number: "", endpoint="items")
    inventory = Inventory(told_by(legacy).served, SERVED)
    (operation,) = operations(shared(inventory), DOCUMENT)
    assert operation.endpoint.id == "GET /items/{number:int}"
    assert [parameter.name for parameter in operation.at("query")] == ["size", "colour", "deep"]
