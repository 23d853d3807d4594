"""The plan as a document: frozen, strict, and sure of its numbers."""

import re
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.head import UnitSource
from gateway.plan.judging import Guard, RampRule
from gateway.plan.named import one_of
from gateway.plan.numbers import Percent, buckets
from gateway.plan.patterns import is_pattern
from gateway.words import Phase, Stack

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_FAILOVERS: Final = ("safe", "never")
SAMPLED: Final = ("GET", "*")  # methods of routes whose requests may be asked twice
_UNITS: Final = ("header:x-api-key", "header:authorization", "client")


def _route(value: object) -> str:
    """`METHOD /path`, the path with `{variables}`; `*` is every method, `/**` everything below."""
    method, _, template = str(value).partition(" ")
    if not isinstance(value, str) or not template.startswith("/") or " " in template:
        raise ValueError(
            f"{value!r} is no route: METHOD /path, as in `GET /api/orders/{{order_id}}`"
        )
    if method == "HEAD":
        raise ValueError(f"HEAD has no split of its own; nearest: GET {template}")
    if method not in _METHODS:
        near = get_close_matches(method.upper(), _METHODS, 1, cutoff=0.0)
        raise ValueError(f"{method!r} is no method: {', '.join(_METHODS)}; nearest: {near[0]}")
    if "**" in template.removesuffix("/**"):
        raise ValueError(f"{value!r}: `**` stands only at the end, as in `* /api/**`")
    return str(value)


def _unit(value: object) -> str:
    kind, _, name = str(value).partition(":")
    if value == "client" or (kind in {"header", "cookie"} and _TOKEN.fullmatch(name)):
        return str(value)
    raise ValueError(f"{value!r} is no unit: `header:NAME`, `cookie:NAME` or `client`")


RoutePattern = Annotated[str, BeforeValidator(_route)]
Failover = Annotated[Literal["safe", "never"], one_of(_FAILOVERS, "failover")]
FrontDoor = Annotated[Literal["legacy", "modern"], one_of(list(Stack), "front door")]
Cohort = Annotated[str, Field(min_length=1, max_length=64)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shadow(_Strict):
    """Requests that the other stack is asked too, when the client has its answer: GET and HEAD alone."""

    sample: Percent = Decimal(0)


class RouteRule(_Strict):
    """One line of `routes`: a route, or a pattern of routes, and its share for modern."""

    route: RoutePattern
    modern: Percent
    cohort: Cohort | None = None  # default: the one of `defaults`
    failover: Failover | None = None  # likewise
    shadow: Shadow | None = None  # likewise
    guard: Guard | None = None  # likewise
    ramp: RampRule | None = None
    front_door: FrontDoor = "legacy"  # whose routing decides: `modern` tries modern's own, at 100 %

    @model_validator(mode="after")
    def _own_routing_is_for_all(self) -> Self:
        if self.front_door == "modern" and self.modern != 100:
            raise ValueError(
                "front_door: modern is for a route that modern answers alone; nearest: modern: 100"
            )
        return self

    @model_validator(mode="after")
    def _shadows_reads(self) -> Self:
        method = self.route.partition(" ")[0]
        if self.shadow is not None and self.shadow.sample and method not in SAMPLED:
            raise ValueError(
                f"shadow: what a {method} does would be done twice; nearest: shadow: {{sample: 0}}"
            )
        return self

    @model_validator(mode="after")
    def _ramps_one_route(self) -> Self:
        if self.ramp is not None and is_pattern(self.route):
            raise ValueError("ramp: a pattern has no evidence of its own; nearest: name each route")
        return self

    @property
    def split(self) -> int:
        """The share in buckets, 0 to SPACE."""
        return buckets(self.modern)


class Defaults(_Strict):
    """What holds for every route that both stacks serve and no rule names."""

    modern: Percent = Decimal(0)
    cohort: Cohort = "migration"
    guard: Guard = Guard()
    failover: Failover = "safe"  # legacy answers where modern fails a GET or HEAD; `never`
    shadow: Shadow = Shadow()
    unit: Annotated[tuple[Annotated[str, BeforeValidator(_unit)], ...], Field(min_length=1)] = (
        _UNITS
    )


class Plan(_Strict):
    """The traffic plan."""

    phase: Annotated[Phase, one_of(list(Phase), "phase")]
    kill_switch: bool = Field(False, strict=True)  # true: everything goes to legacy, now
    defaults: Defaults = Defaults()
    routes: tuple[RouteRule, ...] = ()

    @property
    def unit_sources(self) -> tuple[UnitSource, ...]:
        return tuple(_source(unit) for unit in self.defaults.unit)


def _source(unit: str) -> UnitSource:
    kind, _, name = unit.partition(":")
    if kind == "client":
        return UnitSource(kind)
    return UnitSource(kind, (name.lower() if kind == "header" else name).encode("latin-1"))


def field_names(loc: tuple[Any, ...]) -> tuple[str, ...]:
    """The fields a document may have at `loc`, for the nearest right name."""
    models: dict[tuple[Any, ...], type[BaseModel]] = {(): Plan, ("defaults",): Defaults}
    nested: dict[Any, type[BaseModel]] = {"guard": Guard, "ramp": RampRule, "shadow": Shadow}
    model = models.get(loc) or nested.get(loc[-1], RouteRule)
    return tuple(model.model_fields)
