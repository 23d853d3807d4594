"""What an app serves, in one notation for Flask and FastAPI. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from gateway.door.rules import VARIABLE, Door, DoorRule

_SAMPLES: Final = {"int": "7", "float": "1.5", "uuid": str(UUID(int=7)), "bool": "true"}
_TEMPLATES: Final = 32_768  # whose shape is kept

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
        return self.method, _shape(self.template)


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
        return endpoints_of(self.door)

    def with_legacy(self, told: Told) -> "Inventory":
        return replace(self, legacy=told.served, door=told.door)

    def with_modern(self, told: Told) -> "Inventory":
        return replace(self, modern=told.served, kit=told.kit, facts=told.facts)


def parse_endpoint(route: str) -> Endpoint:
    """`GET /x` → Endpoint."""
    method, _, template = route.partition(" ")
    return Endpoint(method, template)


def endpoints_of(door: Door) -> tuple[Endpoint, ...]:
    """The routes of an app's rules, without the methods that follow from others."""
    return tuple(dict.fromkeys(one for rule in door.rules for one in _routes_of(rule)))


def own_methods(methods: Iterable[str]) -> list[str]:
    """Without HEAD where there is GET: it follows."""
    named = set(methods)
    return sorted(named - {"HEAD"} if "GET" in named else named)


def sample(template: str, types: Mapping[str, str]) -> str:
    """A path that a template takes, with values of its variables' types."""
    return VARIABLE.sub(
        lambda found: _SAMPLES.get(types.get(found["name"], found["kind"] or ""), "sample-7"),
        template,
    )


@lru_cache(_TEMPLATES)
def _shape(template: str) -> str:
    """Each plan over the same routes asks for the same ones."""
    return VARIABLE.sub(lambda variable: "{path}" if variable["kind"] == "path" else "{}", template)


def _routes_of(rule: DoorRule) -> Iterator[Endpoint]:
    automatic = {"OPTIONS"} if rule.automatic_options else set()
    methods = ["*"] if rule.methods is None else own_methods(rule.methods - automatic)
    yield from (Endpoint(method, rule.template) for method in methods)
