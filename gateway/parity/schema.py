"""From a JSON schema of OpenAPI to values that fit it and values that do not. Pure, deterministic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.shadow.difference import Json

Node = Mapping[str, Any]  # a schema: a document of somebody else's

_DEPTH: Final = 8  # of schemas in schemas that a made value follows
_BY_FORMAT: Final = {
    "date-time": "2024-01-02T03:04:05Z",
    "date": "2024-01-02",
    "time": "03:04:05",
    "uuid": "12345678-1234-5678-1234-567812345678",
    "email": "reader@example.com",
    "uri": "http://example.com/",
    "ipv4": "192.0.2.1",
    "binary": "content",
}
_SPELLINGS: Final = {
    "boolean": ("true", "false", "True", "0", "no"),
    "integer": ("-1", "0", "1.0", "1e2", "+1", " 1", "1_0", "\uff19", "99999999999999999999"),
    "number": ("-1", "0", "1e400", "nan", "inf", "+1", ".5", " 1", "1,5"),
}
_UNTYPED: Final = ("0", "-1", "1.5", "nan", "true", "99999999999999999999")


@dataclass(frozen=True, slots=True)
class Schemas:
    """Reads schemas of one OpenAPI document."""

    document: Node

    def resolved(self, schema: object) -> dict[str, Any]:
        """References followed, `allOf` joined, of alternatives the first that is not null."""
        node = dict(schema) if isinstance(schema, Mapping) else {}
        for _ in range(_DEPTH):
            if "$ref" in node:
                reference = str(node.pop("$ref"))
                node = {**self._target(reference), **node}
            elif parts := node.pop("allOf", None):
                merged = [self.resolved(part) for part in parts]
                node = {key: value for part in [*merged, node] for key, value in part.items()}
            elif options := node.pop("anyOf", None) or node.pop("oneOf", None):
                node = {**next((o for o in options if o.get("type") != "null"), {}), **node}
            else:
                break
        return node

    def good(self, schema: object, depth: int = _DEPTH) -> Json:
        """A value that fits, the document's own example before any that is made."""
        node = self.resolved(schema)
        example: Json
        for example in _examples(node):
            return example
        kind = _type(node)
        if depth and kind == "object":
            members = node.get("properties", {})
            return {name: self.good(member, depth - 1) for name, member in members.items()}
        if depth and kind == "array":
            count = max(1, int(node.get("minItems", 1)))
            return [self.good(node.get("items"), depth - 1)] * min(count, 100)
        return _scalar(node, kind)

    def texts(self, schema: object) -> Iterator[tuple[str, str]]:
        """What a parameter may be given that is no plain good value: how it is wrong, and the text."""
        node = self.resolved(schema)
        yield "blank", ""
        yield "junk", "zzz"
        kind = _type(node)
        for text in _SPELLINGS.get(kind, () if "enum" in node else _UNTYPED):
            yield f"spelled {text!r}", text
        for value in _outside(node):
            yield f"out of bounds {value}", str(value)
        for value in node.get("enum", [])[:1]:
            yield "in the other case", str(value).swapcase()
        yield "not ASCII", "é ☃"

    def others(self, schema: object) -> Iterator[tuple[str, Json]]:
        """What a member of a JSON body may be given that is no plain good value."""
        node = self.resolved(schema)
        kind, good = _type(node), self.good(node, 2)
        yield "null", None
        others: dict[str, Json] = {"string": "zzz", "integer": 1, "number": 1.5, "boolean": True,
                                   "array": [], "object": {}}  # fmt: skip
        for name, value in others.items():
            if name != kind:
                yield f"{name} for {kind or 'anything'}", value
        if kind in {"integer", "number", "boolean"}:
            yield "as a string", str(good).lower()
        if kind == "string":
            yield "empty", ""
        for bound in _outside(node):
            yield f"out of bounds {bound}", bound

    def _target(self, reference: str) -> Node:
        node: Any = self.document
        for step in reference.removeprefix("#/").split("/"):
            node = node.get(step.replace("~1", "/").replace("~0", "~"), {}) if node else {}
        return node if isinstance(node, Mapping) else {}


def _examples(node: Node) -> Iterator[Json]:
    """The values that the document itself names; of OpenAPI's `examples`, a mapping, their `value`."""
    if "example" in node:
        yield node["example"]
    examples = node.get("examples")
    if isinstance(examples, Mapping):
        yield from (one["value"] for one in examples.values() if "value" in one)
    elif isinstance(examples, list):
        yield from examples
    if node.get("default") is not None:
        yield node["default"]
    if "const" in node:
        yield node["const"]
    yield from node.get("enum", ())


def _type(node: Node) -> str:
    kind = node.get("type", "object" if "properties" in node else "")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return str(kind)


def _scalar(node: Node, kind: str) -> Json:
    match kind:
        case "integer" | "number":
            return _within(node, kind)
        case "boolean":
            return True
        case "null":
            return None
        case "array":
            return []
        case "object":
            return {}
    text = _BY_FORMAT.get(str(node.get("format")), "abc")
    return text.ljust(int(node.get("minLength", 0)), "a")[: int(node.get("maxLength", 1000))]


def _within(node: Node, kind: str) -> int | float:
    """1, or the nearest number within the bounds."""
    value: int | float = 1 if kind == "integer" else 1.5
    step: int | float = 1 if kind == "integer" else 0.5
    if (least := node.get("minimum", node.get("exclusiveMinimum"))) is not None and value <= least:
        value = least if "minimum" in node else least + step
    most = node.get("maximum", node.get("exclusiveMaximum"))
    if most is not None and value >= most:
        value = most if "maximum" in node else most - step
    return value


def _outside(node: Node) -> list[Json]:
    """The nearest values beyond the bounds."""
    found: list[Json] = []
    for name, step in (("minimum", -1), ("maximum", 1)):
        if isinstance(node.get(name), int | float):
            found.append(node[name] + step)
    exclusive = (node.get(name) for name in ("exclusiveMinimum", "exclusiveMaximum"))
    found.extend(bound for bound in exclusive if isinstance(bound, int | float))
    if isinstance(most := node.get("maxLength"), int) and most < 10_000:
        found.append("a" * (most + 1))
    return found
