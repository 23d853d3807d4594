"""What the admin API says about itself is whole: a client can be generated from it."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from tests.control.api import Api, api

__all__ = ["api"]

Operation = dict[str, Any]


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.app.openapi()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api/"):
                yield f"{method.upper()} {path}", operation


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()


def test_every_operation_has_a_summary_of_its_own_words_and_a_tag(
    document: dict[str, Any],
) -> None:
    found = dict(operations(document))
    for name, operation in found.items():
        assert operation["tags"], name
        assert operation["description"], name
    summaries = [operation["summary"] for operation in found.values()]
    assert len(set(summaries)) == len(summaries) == 30


def test_b080_every_operation_says_that_it_takes_a_token(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["security"] == [{"HTTPBearer": []}], name
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        errors = {key: one for key, one in operation["responses"].items() if key[0] != "2"}
        assert {"401", "403", "503", "default"} <= errors.keys(), name
        for key, one in errors.items():
            schema = {"$ref": "#/components/schemas/Problem"}
            assert one["content"] == {"application/problem+json": {"schema": schema}}, (name, key)


def test_what_takes_values_says_what_it_answers_to_wrong_ones(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if "requestBody" in operation or operation.get("parameters"):
            assert "422" in operation["responses"], name


def test_what_takes_a_precondition_says_what_it_answers_where_it_fails(
    document: dict[str, Any],
) -> None:
    conditional = [
        name
        for name, operation in operations(document)
        if any(one["name"] == "if-match" for one in operation.get("parameters", ()))
        and {"400", "409", "412"} <= operation["responses"].keys()
    ]
    assert len(conditional) == 6


def test_every_field_of_a_body_has_an_example_that_its_schema_allows(
    document: dict[str, Any],
) -> None:
    seen = 0
    for name, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            model = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            for field, schema in model["properties"].items():
                assert schema["examples"], (name, field)
                whole = {**schema, "components": document["components"]}
                for example in schema["examples"]:
                    assert jsonschema_rs.is_valid(whole, example), (name, field)
                    seen += 1
    assert seen > 20
