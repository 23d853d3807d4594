"""What the schema says beyond what FastAPI reads from the endpoints: bodies and refusals.

The bodies are read and judged by the services, so the endpoints only document them; every operation
names each status that a client can get, and no other.
"""

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

Schema = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{model}"
ERROR: Final = REFERENCE.format(model="Error")
OPEN_PATHS: Final = frozenset({"/api/health"})
"""Asks for no token and touches nothing that can be unavailable."""

REASONS: Final = {
    400: "The request can never succeed as it is",
    401: "The token is missing or wrong",
    404: "What the path names does not exist",
    409: "In conflict with an earlier request",
    413: "The body is too large",
    415: "The body is not JSON by its content type",
    503: "The exchange or the store does not answer",
}


def request_body(model: type[BaseModel]) -> Schema:
    """For `openapi_extra` of an endpoint that takes `JsonObject`: what `model` says it is."""
    schema = model.model_json_schema(ref_template=REFERENCE)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def refusals(
    *statuses: int, model: type[BaseModel] | None = None
) -> dict[int | str, dict[str, Any]]:
    """For `responses` of an endpoint: statuses that do not follow from its parameters.

    `model` is their body, where that is not the envelope of every error.
    """
    return {
        status: {"description": REASONS[status]} | ({"model": model} if model else {})
        for status in statuses
    }


def describe(app: FastAPI) -> Callable[[], Schema]:
    """`app.openapi` with the refusals of every operation, made once."""
    plain = app.openapi

    def openapi() -> Schema:
        if app.openapi_schema is None:
            _complete(plain())
        return plain()

    return openapi


def _complete(schema: Schema) -> None:
    for path, item in schema["paths"].items():
        for operation in item.values():
            _add_refusals(operation, path)
            _hoist_definitions(operation, schema["components"]["schemas"])


def _add_refusals(operation: Schema, path: str) -> None:
    """Instead of `default`, which would announce any status."""
    responses = operation["responses"]
    responses.pop("default", None)
    for status in sorted(_implied(operation, path) - {int(known) for known in responses}):
        responses[str(status)] = {"description": REASONS[status]}
    for status, response in responses.items():
        if int(status) >= 400 and "content" not in response:
            response["content"] = {"application/json": {"schema": {"$ref": ERROR}}}
    operation["responses"] = dict(sorted(responses.items()))


def _implied(operation: Schema, path: str) -> set[int]:
    """What can refuse any request with such parameters."""
    if path in OPEN_PATHS:
        return set()
    queries = any(one["in"] == "query" for one in operation.get("parameters", ()))
    has_body = "requestBody" in operation
    return (
        {401, 503} | ({400} if queries or has_body else set()) | ({413, 415} if has_body else set())
    )


def _hoist_definitions(operation: Schema, components: Schema) -> None:
    """The models inside a documented body, to where their references point."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        components |= content["schema"].pop("$defs", {})
