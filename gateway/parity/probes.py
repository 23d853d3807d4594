"""The requests that a route is asked: a good one, then one thing changed at a time. Pure, deterministic.

A budget bounds them: what every route has comes first, then parameters and body take turns.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import islice
from typing import Final
from urllib.parse import unquote

from gateway.door.rules import VARIABLE
from gateway.endpoints import Endpoint, Inventory
from gateway.parity.asks import Ask, Spelled
from gateway.parity.bodies import Case, body_cases, in_turn, with_good_body
from gateway.parity.examples import Example, examples_for
from gateway.parity.files import FileRefused
from gateway.parity.model import SAFE, Probe
from gateway.parity.routes import Operation, Parameter, unserved_method
from gateway.parity.schema import Schemas
from gateway.shadow.difference import Json

_ORIGIN: Final = "https://elsewhere.example"
_COOKIES: Final = 'odd="a b"; odd=2; empty=; naked; pct=%C3%A9'
_AUTHORIZATIONS: Final = ("Basic !", "Bearer a.b.c")
_CONDITIONS: Final = (
    ("If-None-Match", "*"),
    ("If-Modified-Since", "Fri, 31 Dec 2049 23:59:59 GMT"),
    ("Range", "bytes=0-3"),
    ("Range", "bytes=0-0,2-2"),
)
_SEGMENTS: Final[Mapping[str, tuple[str | bytes, ...]]] = {
    "int": ("2147483647", "0", "-1", "007", "1.5", "abc", "\uff11"),
    "float": ("2.5", "1", "-1.5", "1e3", "nan", "abc"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "12345678123456781234567812345678", "abc"),
    "path": ("not/there", "", "a//b", "a/../b", "a b", "é"),
    "": ("not-there", "a b", "é", b"\xff", "a/b", "%2F", "."),
}
_WHOLE: Final[Mapping[str, str]] = {"int": "1", "float": "1.5", "path": "a/b"}
_UUID: Final = "12345678-1234-5678-1234-567812345678"


@dataclass(frozen=True, slots=True)
class Generator:
    """Makes the probes of any route of one pair."""

    schemas: Schemas
    inventory: Inventory
    examples: tuple[Example, ...]
    budget: int
    writes: bool  # unsafe methods may be sent

    def probes(self, operation: Operation) -> tuple[list[Probe], int]:
        """At most `budget`, none twice, and how many more there would be. Raises FileRefused."""
        seen: set[tuple[object, ...]] = set()
        made = [
            probe
            for what, ask in self._cases(operation)
            if (self.writes or ask.method in SAFE)
            and (probe := ask.probe(operation.endpoint, what)).sent not in seen
            and not seen.add(probe.sent)  # type: ignore[func-returns-value]  # None is what it gives
        ]
        return made[: self.budget], max(0, len(made) - self.budget)

    def plain(self, operation: Operation) -> Probe:
        """The good request alone."""
        return self._base(operation).probe(operation.endpoint, "plain, after writes")

    def _cases(self, operation: Operation) -> Iterator[Case]:
        base = self._base(operation)
        for number, example in enumerate(self._own(operation), 1):
            yield f"example {number}", _applied(base, example, operation)
        yield "plain", base
        if optional := [p for p in operation.at("query") if not p.required]:
            yield "every parameter", self._with_all(base, optional)
        yield from self._around(operation, base)
        groups = [self._parameter(base, p) for p in operation.parameters if p.place != "path"]
        groups += [_segments(base, name, kind) for name, kind in _variables(operation)]
        groups += body_cases(base, operation.bodies, self.schemas) if not operation.is_safe else []
        yield from in_turn(groups)

    def _base(self, operation: Operation) -> Ask:
        """What the other probes of the route begin with."""
        path = {name: _segment(kind) for name, kind in _variables(operation)}
        path |= {p.name: text for p in operation.at("path") if (text := self._example_of(p))}
        ask = with_good_body(Ask(operation.endpoint.method, path), operation.bodies, self.schemas)
        for parameter in operation.parameters:
            if parameter.required and parameter.place != "path":
                ask = _given(ask, parameter, self._good(parameter))
        general = [example for example in self._matching(operation) if not example.is_request]
        for example in [*general, *islice(self._own(operation), 1)]:
            ask = _applied(ask, example, operation)
        return ask

    def _around(self, operation: Operation, base: Ask) -> Iterator[Case]:
        """What has nothing to do with what the route takes: methods, slashes, other origins."""
        empty = replace(base, body=b"").with_header("Content-Type", None)
        if base.method == "GET":
            yield "HEAD", replace(base, method="HEAD")
        yield "OPTIONS", replace(empty, method="OPTIONS")
        yield "unknown parameter", base.with_query("zz_unknown", "1")
        yield "trailing slash", replace(base, spelled=Spelled.SLASH)
        yield "leading slashes", replace(base, spelled=Spelled.LEADING)
        yield "slash doubled", replace(base, spelled=Spelled.DOUBLED)
        path = unquote(empty.probe(operation.endpoint, "").target.partition("?")[0])
        if wrong := unserved_method(operation.endpoint, path, self.inventory):
            yield f"wrong method {wrong}", replace(empty, method=wrong)
        yield "from another origin", base.with_header("Origin", _ORIGIN)
        asked = empty.with_header("Origin", _ORIGIN)
        preflight = asked.with_header("Access-Control-Request-Method", base.method)
        yield "preflight", replace(preflight, method="OPTIONS")
        yield "odd cookies", base.with_header("Cookie", _COOKIES)
        yield "no authorization", base.with_header("Authorization", None)
        for text in _AUTHORIZATIONS:
            yield f"authorization {text}", base.with_header("Authorization", text)
        for name, text in _CONDITIONS if base.method == "GET" else ():
            yield f"{name} {text}", base.with_header(name, text)

    def _parameter(self, base: Ask, parameter: Parameter) -> Iterator[Case]:
        name = f"{parameter.place} {parameter.name}"
        good = self._good(parameter)
        yield f"{name}: good", _given(base, parameter, good)
        yield f"{name}: missing", _given(base, parameter)
        for what, text in self.schemas.texts(parameter.schema):
            yield f"{name}: {what}", _given(base, parameter, text)
        if parameter.place == "query":
            yield f"{name}: repeated", base.with_query(parameter.name, good, "zzz")
            yield f"{name}: not UTF-8", base.with_query(parameter.name, b"\xff")

    def _with_all(self, base: Ask, parameters: Iterable[Parameter]) -> Ask:
        for parameter in parameters:
            base = base.with_query(parameter.name, self._good(parameter))
        return base

    def _good(self, parameter: Parameter) -> str:
        return _text(self.schemas.good(parameter.schema))

    def _example_of(self, parameter: Parameter) -> str:
        """Only what the document names: what is made up may be refused by a converter."""
        node = self.schemas.resolved(parameter.schema)
        named = node.keys() & {"example", "examples", "default", "enum", "const"}
        return self._good(parameter) if named else ""

    def _matching(self, operation: Operation) -> list[Example]:
        return examples_for(operation.endpoint, self.examples)

    def _own(self, operation: Operation) -> Iterator[Example]:
        return (example for example in self._matching(operation) if example.is_request)


def check_examples(examples: Iterable[Example], endpoints: list[Endpoint]) -> None:
    """Raises FileRefused for one that names no route or no variable of it: it would have no effect."""
    for number, example in enumerate(examples, 1):
        matching = [endpoint for endpoint in endpoints if examples_for(endpoint, [example])]
        if not matching:
            near = get_close_matches(example.route, [e.id for e in endpoints], 1, cutoff=0.0)
            nearest = f"; nearest: {near[0]}" if near else ""
            raise FileRefused(f"example {number}: not both stacks serve {example.route}{nearest}")
        known = {name for e in matching for name, _ in VARIABLE.findall(e.template)}
        if unknown := sorted(example.path.keys() - known):
            raise FileRefused(f"example {number}: {example.route} has no variable {unknown[0]!r}")


def _applied(ask: Ask, example: Example, operation: Operation) -> Ask:
    names = {name for name, _ in _variables(operation)}
    for name in example.path.keys() & names:
        ask = ask.with_path(name, str(example.path[name]))
    if isinstance(example.query, str):
        ask = replace(ask, query=example.query)
    else:
        for name, value in example.query.items():
            ask = ask.with_query(name, _text(value))
    if isinstance(example.body, str):
        ask = replace(ask, body=example.body.encode())
    elif example.body is not None:
        ask = ask.with_json(example.body)
    for name, text in example.headers.items():
        ask = ask.with_header(name, text)
    return ask


def _given(ask: Ask, parameter: Parameter, *texts: str) -> Ask:
    """With the parameter, or without it."""
    if parameter.place == "query":
        return ask.with_query(parameter.name, *texts)
    if parameter.place == "cookie":
        return ask.with_header("Cookie", f"{parameter.name}={texts[0]}" if texts else None)
    return ask.with_header(parameter.name, texts[0] if texts else None)


def _segments(base: Ask, name: str, kind: str) -> Iterator[Case]:
    for value in _SEGMENTS.get(kind, _SEGMENTS[""]):
        yield f"path {name}: {value!r}", base.with_path(name, value)


def _segment(kind: str) -> str | bytes:
    return _UUID if kind == "uuid" else _WHOLE.get(kind, "abc")


def _variables(operation: Operation) -> list[tuple[str, str]]:
    return VARIABLE.findall(operation.endpoint.template)


def _text(value: Json) -> str:
    """As a client writes it into a query: `true`, not `True`."""
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    return value if isinstance(value, str) else str(value).lower()
