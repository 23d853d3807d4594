"""Both apps' routes side by side, with what a client could notice if modern answered. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gateway.door.entry import Entry
from gateway.door.rules import CONVERTERS, VARIABLE, Converter, DoorRule
from gateway.door.trie import SLASH, Trie
from gateway.endpoints import Endpoint, Inventory, sample


class Where(StrEnum):
    """Who serves a route."""

    BOTH = "both"
    LEGACY = "legacy only"
    MODERN = "modern only"


class Kind(StrEnum):
    """What a note is about."""

    METHODS = "methods"  # both know the path, not for the same methods
    CONVERTER = "converter"  # legacy's variable takes other texts than modern's type
    SLASH = "slash"  # the paths differ by the slash at their end
    SHADOWED = "shadowed"  # an earlier route of modern's answers instead
    SWALLOWED = "swallowed"  # another route of modern's would answer
    HOST = "host"
    REDIRECT = "redirect"
    OPTIONS = "options"
    DOCS = "docs"


class Note(NamedTuple):
    """One thing to know before the route is moved; `mended` says what already takes care of it."""

    kind: Kind
    text: str
    mended: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A route, who serves it, and what to know about it."""

    endpoint: Endpoint
    where: Where
    notes: tuple[Note, ...] = ()


def listing(inventory: Inventory) -> list[Listed]:
    """Every route that either app serves, legacy's first, in the order in which the apps tell them."""
    return list(_Listing(inventory).rows())


class _Listing:
    def __init__(self, inventory: Inventory) -> None:
        self._legacy = inventory.legacy or ()
        self._modern = inventory.modern or ()
        self._facts = inventory.facts
        self._spelled = {endpoint.shape: endpoint for endpoint in inventory.spelled}
        self._twins = {endpoint.shape: endpoint for endpoint in self._modern}
        self._rules = _by_template(inventory.door.rules if inventory.door else ())
        self._methods = {"legacy": _methods(self._legacy), "modern": _methods(self._modern)}
        self._search = _search(self._modern)

    def rows(self) -> Iterator[Listed]:
        known = set()
        for endpoint in self._legacy:
            twin = self._twin(endpoint)
            known.add(endpoint.shape)
            if twin is None:
                yield Listed(endpoint, Where.LEGACY, tuple(self._alone(endpoint)))
            else:
                known.add(twin.shape)
                yield Listed(endpoint, Where.BOTH, tuple(self._pair(endpoint, twin)))
        for endpoint in self._modern:
            if endpoint.shape not in known:
                spelled = self._spelled.get(endpoint.shape, endpoint)  # as traffic is counted
                yield Listed(spelled, Where.MODERN, tuple(self._new(endpoint)))

    def _twin(self, endpoint: Endpoint) -> Endpoint | None:
        """Modern's route of the same shape, or its mount."""
        _, template = endpoint.shape
        return self._twins.get(endpoint.shape) or self._twins.get(("*", template))

    def _pair(self, endpoint: Endpoint, twin: Endpoint) -> Iterator[Note]:
        yield from self._of_legacy(endpoint)
        yield from self._types(endpoint, twin)
        if twin.id in self._facts.shadowed:
            yield Note(
                Kind.SHADOWED,
                f"{self._facts.shadowed[twin.id]} is registered before it and answers",
            )

    def _alone(self, endpoint: Endpoint) -> Iterator[Note]:
        yield from self._of_legacy(endpoint)
        _, template = endpoint.shape
        others = self._methods["modern"].get(template)
        if others:
            yield Note(
                Kind.METHODS, f"modern serves this path for {', '.join(sorted(others))} only"
            )
        slashed = self._methods["modern"].get(_other_slash(template))
        if slashed and endpoint.method in slashed:
            yield Note(Kind.SLASH, f"modern serves {_other_slash(endpoint.template)}")
        found = self._search.find(endpoint.method, sample(endpoint.template, {}))
        if found is not None and found is not SLASH:
            method = next(iter(found.rule.methods or "*"))
            text = f"modern would answer by {method} {found.rule.template}"
            yield Note(Kind.SWALLOWED, text, "front door")

    def _new(self, endpoint: Endpoint) -> Iterator[Note]:
        if endpoint.id in self._facts.docs:
            yield Note(Kind.DOCS, "a page for developers that clients of legacy never saw")
        _, template = endpoint.shape
        others = self._methods["legacy"].get(template)
        if others and endpoint.method != "*":
            yield Note(
                Kind.METHODS, f"legacy serves this path for {', '.join(sorted(others))} only"
            )
        if endpoint.id in self._facts.shadowed:
            yield Note(
                Kind.SHADOWED,
                f"{self._facts.shadowed[endpoint.id]} is registered before it and answers",
            )

    def _of_legacy(self, endpoint: Endpoint) -> Iterator[Note]:
        """What the rules behind a route do that no template shows."""
        for rule in self._rules.get(endpoint.template, ()):
            if rule.methods is not None and endpoint.method not in rule.methods:
                continue
            if rule.domain:
                yield Note(Kind.HOST, f"only for {rule.domain}", "front door")
            if not rule.strict_slashes:
                yield Note(
                    Kind.SLASH, "legacy takes it with and without a slash at its end", "front door"
                )
            if endpoint.method == "OPTIONS":
                yield Note(Kind.OPTIONS, "legacy has a view for OPTIONS")
            for turn in rule.turns:
                values = ", ".join(f"{name}={value}" for name, value in turn.values.items())
                goes = f"redirects to {turn.target or 'where only the app knows'}"
                yield Note(Kind.REDIRECT, f"{values}: {goes}" if values else goes, "front door")
            yield from _narrow(rule)

    def _types(self, endpoint: Endpoint, twin: Endpoint) -> Iterator[Note]:
        """Variables whose texts modern's type refuses, and legacy takes."""
        types = self._facts.types.get(twin.id, {})
        declared = [types.get(found["name"]) for found in VARIABLE.finditer(twin.template)]
        for found, kind in zip(VARIABLE.finditer(endpoint.template), declared, strict=False):
            own = found["kind"] or "string"
            if kind in {None, own, "string"} or (own == "int" and kind == "float"):
                continue
            yield Note(Kind.CONVERTER, f"`{found['name']}` is {own} to legacy and {kind} to modern")


def _narrow(rule: DoorRule) -> Iterator[Note]:
    for name, converter in rule.converters.items():
        if converter.kind == "opaque":
            yield Note(
                Kind.CONVERTER, f"`{name}`: code of legacy's reads it, and may refuse what fits"
            )
        yield Note(Kind.CONVERTER, f"`{name}`: legacy takes only {_range(converter)}", "front door")


def _range(converter: Converter) -> str:
    known = CONVERTERS.get(converter.kind)
    parts = [] if known and converter.regex == known.regex else [f"what fits {converter.regex}"]
    if converter.digits:
        parts.append(f"{converter.digits} digits")
    if converter.minimum is not None:
        parts.append(f"from {converter.minimum:g}")
    if converter.maximum is not None:
        parts.append(f"up to {converter.maximum:g}")
    return ", ".join(parts) or "texts of its kind"


def _by_template(rules: Iterable[DoorRule]) -> dict[str, list[DoorRule]]:
    found: dict[str, list[DoorRule]] = defaultdict(list)
    for rule in rules:
        found[rule.template].append(rule)
    return found


def _methods(endpoints: Iterable[Endpoint]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for endpoint in endpoints:
        method, template = endpoint.shape
        found[template].add(method)
    return found


def _other_slash(template: str) -> str:
    return template[:-1] if template.endswith("/") else f"{template}/"


def _search(endpoints: Iterable[Endpoint]) -> Trie:
    trie = Trie()
    for endpoint in endpoints:
        methods = None if endpoint.method == "*" else frozenset({endpoint.method})
        rule = DoorRule(endpoint.template, methods, automatic_options=False)
        trie.insert(Entry(rule))
    return trie
