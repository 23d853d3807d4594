"""The route table: immutable, compiled once per plan, swapped by one reference. Pure.

A path is split at `/` and walked through a trie; a literal segment beats a variable one, and a walk
that ends without the method goes back and tries the next alternative, as Werkzeug's matcher does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.words import Phase

SPACE: Final = 100_000  # buckets of a split: one is 0.001 %

_VARIABLE = re.compile(r"\{(?:\w+)(?::(\w+))?\}")
_KINDS: Mapping[str, Callable[[str], object]] = {
    # Werkzeug's converters: digits only, a point required, dashes required.
    "int": re.compile(r"\d+").fullmatch,
    "float": re.compile(r"\d+\.\d+").fullmatch,
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch,
}


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path template, and the share of its units that modern answers."""

    method: str
    template: (
        str  # `/api/orders/{order_id}`, with a kind where it matters: `{n:int}`, `{rest:path}`
    )
    legacy: bool  # legacy serves it
    modern: bool  # modern serves it
    split: int = 0  # buckets, 0 to SPACE
    cohort: str = ""
    key: bytes = b""  # keys the cohort's hash
    failover: bool = True  # legacy answers where modern fails a safe request

    @property
    def id(self) -> str:
        """The metric label and the name in a plan: `GET /api/orders/{order_id}`."""
        return f"{self.method} {self.template}"


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    variables: dict[str, "_Node"] = field(default_factory=dict)  # kind → what follows
    rest: "_Node | None" = None  # a `path` variable: one or more segments
    methods: dict[str, Route] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RouteTable:
    """Every route the gateway knows, under one phase of one plan version."""

    routes: tuple[Route, ...]
    phase: Phase
    version: int = 0
    kill_switch: bool = False
    legacy: bool = True  # there is a legacy stack: it answers what no route names
    key: bytes = b""  # keys the hash where no route does
    _root: _Node = field(default_factory=_Node, init=False)
    _static: dict[str, dict[str, Route]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for route in self.routes:
            self._insert(route)

    def match(self, method: str, path: str) -> Route | None:
        """The route of a decoded path; HEAD finds the route of GET."""
        static = self._static.get(path)
        if static is not None and method in static:
            return static[method]
        return _Walk(path.split("/"), method).find(self._root, 0)

    def _insert(self, route: Route) -> None:
        methods = self._static.setdefault(route.template, {}) if "{" not in route.template else None
        for target in (methods, self._node(route.template).methods):
            if target is not None:
                target[route.method] = route
                if route.method == "GET":
                    target["HEAD"] = route

    def _node(self, template: str) -> _Node:
        node = self._root
        for segment in template.split("/"):
            kind = kind_of(segment)
            if kind is None:
                node = node.literals.setdefault(segment, _Node())
            elif kind == "path":
                node.rest = node.rest or _Node()
                node = node.rest
            else:
                following = node.variables.setdefault(kind, _Node())
                # A kind that refuses something is asked before `string`, which takes everything.
                node.variables = dict(
                    sorted(node.variables.items(), key=lambda v: v[0] == "string")
                )
                node = following
        return node


def kind_of(segment: str) -> str | None:
    """`{n:int}` → `int`, `{name}` and `{name}.csv` → `string`; None: the segment is a literal."""
    variable = _VARIABLE.fullmatch(segment)
    if variable:
        return variable[1] or "string"
    return "string" if "{" in segment else None


class _Walk:
    """One search. What has failed is not tried again: several `path` variables in one template would
    otherwise take time to the power of their number.
    """

    __slots__ = ("_failed", "_method", "_segments")

    def __init__(self, segments: list[str], method: str) -> None:
        self._segments = segments
        self._method = method
        self._failed: set[tuple[int, int]] = set()  # a node's id, a position

    def find(self, node: _Node, at: int) -> Route | None:
        if at == len(self._segments):
            return node.methods.get(self._method) or node.methods.get("*")
        segment = self._segments[at]
        if not segment:
            return self.find(node.literals[""], at + 1) if "" in node.literals else None
        if segment in node.literals and (found := self.find(node.literals[segment], at + 1)):
            return found
        for kind, following in node.variables.items():
            accepts = _KINDS.get(kind)
            if (accepts is None or accepts(segment)) and (found := self.find(following, at + 1)):
                return found
        return self._find_rest(node.rest, at) if node.rest else None

    def _find_rest(self, rest: _Node, at: int) -> Route | None:
        """A template that goes on after the variable beats one that ends with it."""
        last = len(self._segments)
        for end in (*range(at + 1, last), last):
            if (id(rest), end) not in self._failed:
                if found := self.find(rest, end):
                    return found
                self._failed.add((id(rest), end))
        return None
