"""Rules of the front door, as they are exported and kept: what Werkzeug knows about a path. Pure.

They outlive the Flask app: in `phase: full` nothing but them tells what its clients could ask for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

VARIABLE: Final = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>\w+))?\}")


@dataclass(frozen=True, slots=True)
class Converter:
    """How a variable reads its text: Werkzeug's converter of that kind, or one of the app's own."""

    kind: str
    regex: str
    weight: int = 100  # a smaller one is asked first
    isolating: bool = True  # its text is within one segment
    digits: int = 0  # exactly so many characters; 0: any number
    minimum: float | None = None  # of a number
    maximum: float | None = None


# werkzeug.routing.converters (3.1); a test compares them.
CONVERTERS: Final[Mapping[str, Converter]] = {
    "string": Converter("string", "[^/]{1,}"),
    "path": Converter("path", "[^/].*?", weight=200, isolating=False),
    "int": Converter("int", r"\d+", weight=50),
    "float": Converter("float", r"\d+\.\d+", weight=50),
    "uuid": Converter(
        "uuid", "[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"
    ),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """A redirect that a rule makes where its variables have these values, as a URL writes them."""

    values: Mapping[str, str]
    target: (
        str  # a template over the rule's variables, or an absolute URL; empty: only the app knows
    )


@dataclass(frozen=True, slots=True)
class DoorRule:
    """One rule of a `url_map`, in the gateway's notation: `/items/{item_id:int}`."""

    template: str
    methods: frozenset[str] | None = None  # None: any
    converters: Mapping[str, Converter] = field(default_factory=dict)  # where a kind is not enough
    domain: str = ""  # the template of a host or a subdomain
    strict_slashes: bool = True
    merge_slashes: bool = True
    automatic_options: bool = True  # the framework answers OPTIONS, no view does
    turns: tuple[Turn, ...] = ()

    def converter(self, name: str, kind: str | None) -> Converter:
        """A kind that nobody knows is any segment."""
        known = CONVERTERS.get(kind or "string", CONVERTERS["string"])
        return self.converters.get(name, known)

    def variables(self) -> Iterator[tuple[str, Converter]]:
        """Those of the path, in their order."""
        for found in VARIABLE.finditer(self.template):
            yield found["name"], self.converter(found["name"], found["kind"])


class Hosts(StrEnum):
    """What rules are kept apart by, besides their paths."""

    NONE = "none"
    HOST = "host"  # host_matching
    SUBDOMAIN = "subdomain"  # subdomain_matching


@dataclass(frozen=True, slots=True)
class Door:
    """Every rule of a Flask app, in the order in which it added them."""

    rules: tuple[DoorRule, ...]
    merge_slashes: bool = True
    hosts: Hosts = Hosts.NONE
    server_name: str = ""  # what subdomains stand before; empty: the request's own host
    default_subdomain: str = ""
