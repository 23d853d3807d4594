"""What an app serves, in one notation for Flask and FastAPI. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gateway.door.rules import Door, DoorRule

_VARIABLE = re.compile(r"\{\w+(?::(\w+))?\}")

Shape = tuple[str, str]  # a method and a template whose variables have lost their names


class Endpoint(NamedTuple):
    """A method (`*`: any) on a path template in the gateway's notation: `/x/{n:int}/{rest:path}`."""

    method: str
    template: str

    @property
    def id(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def shape(self) -> Shape:
        """Two endpoints are one route when they differ in the names of variables only."""
        return self.method, _VARIABLE.sub(
            lambda variable: "{path}" if variable[1] == "path" else "{}", self.template
        )


Served = tuple[Endpoint, ...] | None  # None: the app does not tell (it is no Flask, no FastAPI)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a FastAPI app's routes say besides their paths; keys and values are ids of endpoints."""

    types: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of path parameters
    shadowed: Mapping[str, str] = field(default_factory=dict)  # by the one that answers instead
    docs: frozenset[str] = frozenset()  # pages for developers


@dataclass(frozen=True, slots=True)
class Told:
    """What one app tells about itself."""

    served: Served
    door: Door | None = None  # of a Flask app: its routing rules
    kit: tuple[str, ...] = ()  # the kit's behaviours that a FastAPI app has
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What each stack serves; an empty tuple is a stack that is not there."""

    legacy: Served = ()
    modern: Served = ()
    door: Door | None = None  # legacy's routing rules, also when legacy is gone
    kit: tuple[str, ...] = ()  # the kit's behaviours that modern has
    facts: Facts = field(default_factory=Facts)  # of modern

    @property
    def spelled(self) -> tuple[Endpoint, ...]:
        """Routes as legacy spells them: what it serves, or what its rules say where it is gone."""
        if self.legacy or self.door is None:
            return self.legacy or ()
        return tuple(dict.fromkeys(one for rule in self.door.rules for one in _routes_of(rule)))

    def with_legacy(self, told: Told) -> "Inventory":
        return replace(self, legacy=told.served, door=told.door)

    def with_modern(self, told: Told) -> "Inventory":
        return replace(self, modern=told.served, kit=told.kit, facts=told.facts)


def parse_endpoint(route: str) -> Endpoint:
    """`GET /x` → Endpoint."""
    method, _, template = route.partition(" ")
    return Endpoint(method, template)


def _routes_of(rule: DoorRule) -> Iterator[Endpoint]:
    """Without the methods that follow from others."""
    methods = {"*"} if rule.methods is None else set(rule.methods)
    methods -= {"HEAD"} if "GET" in methods else set()
    methods -= {"OPTIONS"} if rule.automatic_options else set()
    yield from (Endpoint(method, rule.template) for method in sorted(methods))
