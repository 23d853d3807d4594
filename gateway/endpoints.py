"""What an app serves, in one notation for Flask and FastAPI. Pure."""

import re
from dataclasses import dataclass
from typing import NamedTuple

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
class Inventory:
    """What each stack serves; an empty tuple is a stack that is not there."""

    legacy: Served = ()
    modern: Served = ()


def parse_endpoint(route: str) -> Endpoint:
    """`GET /x` → Endpoint."""
    method, _, template = route.partition(" ")
    return Endpoint(method, template)
