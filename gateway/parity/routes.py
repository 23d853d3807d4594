"""The routes that both stacks serve, those that one lacks, and what modern's OpenAPI says of each. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.door.rules import VARIABLE
from gateway.endpoints import Endpoint, Inventory
from gateway.parity.model import SAFE, UNSAFE
from gateway.parity.schema import Node, Schemas


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation; `place` is `path`, `query`, `header` or `cookie`."""

    name: str
    place: str
    required: bool
    schema: Node


@dataclass(frozen=True, slots=True)
class Operation:
    """What is known of one route of both stacks. Its label is legacy's spelling, as in a plan."""

    endpoint: Endpoint
    parameters: tuple[Parameter, ...] = ()
    bodies: Mapping[str, Node] | None = None  # media type → schema; None: takes no body

    @property
    def is_safe(self) -> bool:
        return self.endpoint.method in SAFE

    def at(self, place: str) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.place == place]


def shared(inventory: Inventory) -> list[Endpoint]:
    """What both serve, in legacy's order; one that does not tell counts as serving what the other does."""
    legacy, modern = inventory.legacy, inventory.modern
    if legacy is None or modern is None:
        return list(dict.fromkeys(legacy or modern or ()))
    shapes = {endpoint.shape for endpoint in modern}
    return list(dict.fromkeys(endpoint for endpoint in legacy if endpoint.shape in shapes))


def alone(inventory: Inventory) -> tuple[list[Endpoint], list[Endpoint]]:
    """What legacy serves and modern does not, and the other way round."""
    legacy, modern = inventory.legacy, inventory.modern
    if legacy is None or modern is None:
        return [], []
    ours, theirs = ({endpoint.shape for endpoint in served} for served in (legacy, modern))
    return (
        [endpoint for endpoint in dict.fromkeys(legacy) if endpoint.shape not in theirs],
        [endpoint for endpoint in dict.fromkeys(modern) if endpoint.shape not in ours],
    )


def operations(endpoints: list[Endpoint], document: Mapping[str, Any] | None) -> list[Operation]:
    """Each route with its parameters and bodies; without a document, those of its template alone."""
    paths = (document or {}).get("paths", {})
    described = {
        (method.upper(), _nameless(template)): (node, item)
        for template, item in paths.items()
        for method, node in item.items()
    }
    schemas = Schemas(document or {})
    found = []
    for endpoint in endpoints:
        node, item = described.get((endpoint.method, _nameless(endpoint.template)), ({}, {}))
        declared = [schemas.resolved(one) for one in (*item.get("parameters", ()), *_of(node))]
        parameters = tuple(_parameters(endpoint, declared))
        found.append(Operation(endpoint, parameters, _bodies(schemas, node)))
    return found


def unserved_method(endpoint: Endpoint, path: str, inventory: Inventory) -> str | None:
    """A method that changes things and that no route of either stack has at this path; None if all do.

    A variable counts as any segments, so that no doubt sends a DELETE to a route.
    """
    served = {
        other.method
        for other in (*(inventory.legacy or ()), *(inventory.modern or ()), endpoint)
        if re.fullmatch(_loose(other.template), path)
    }
    free = (method for method in UNSAFE if method not in served)
    return None if "*" in served else next(free, None)


def _loose(template: str) -> str:
    literals = re.split(r"\{[^}]*\}", template)
    return ".+".join(re.escape(literal) for literal in literals) + "/?"


def _of(node: Node) -> list[Node]:
    return list(node.get("parameters", ()))


def _nameless(template: str) -> str:
    """OpenAPI keeps neither converters nor legacy's names."""
    return VARIABLE.sub("{}", template)


def _parameters(endpoint: Endpoint, declared: list[dict[str, Any]]) -> Iterator[Parameter]:
    """The variables of the path, by legacy's names, and what is declared beside them."""
    in_path = iter([one for one in declared if one.get("in") == "path"])
    for name, kind in VARIABLE.findall(endpoint.template):
        schema = next(in_path, {}).get("schema", {})
        yield Parameter(name, "path", True, {**_TYPES.get(kind, {}), **schema})
    for one in declared:
        if one.get("in") != "path":
            schema = _with_examples(one)
            required = bool(one.get("required"))
            yield Parameter(str(one.get("name")), str(one.get("in")), required, schema)


_TYPES: Final[dict[str, Node]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
}


def _with_examples(node: Node) -> Node:
    """Examples may stand beside a schema instead of in it."""
    named = {key: node[key] for key in ("example", "examples") if key in node}
    return {**node.get("schema", {}), **named}


def _bodies(schemas: Schemas, node: Node) -> dict[str, Node] | None:
    if "requestBody" not in node:
        return None
    content = schemas.resolved(node["requestBody"]).get("content", {})
    return {media: _with_examples(one) for media, one in content.items()}
