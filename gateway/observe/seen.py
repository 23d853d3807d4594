"""What the workers of a fleet did on each route, as a heartbeat carries it; `Traffic` counts it."""

from collections.abc import Iterable
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from gateway.observe.batches import BINS
from gateway.words import Stack

_Count = Annotated[int, Field(ge=0, strict=True)]
_Bins = Annotated[list[_Count], Field(min_length=BINS, max_length=BINS)]
_Time = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class StackTraffic(BaseModel):
    """One stack on one route. What a newer worker tells besides is ignored."""

    model_config = ConfigDict(frozen=True)

    requests: _Count
    errors: _Count  # status 5xx of the stack that was decided for
    rescued: _Count  # of them, those that legacy answered in its place
    last: _Time  # when the stack was last asked, in seconds since 1970
    bins: _Bins  # requests by duration, not cumulative

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum(self.bins) != self.requests:
            raise ValueError(f"{self.requests} requests have {sum(self.bins)} durations")
        return self


Seen = dict[str, dict[Stack, StackTraffic]]  # by route
_SEEN: Final = TypeAdapter(Seen)
_NOBODY: Final = StackTraffic(requests=0, errors=0, rescued=0, last=0.0, bins=[0] * BINS)


def read_traffic(document: object) -> Seen:
    """What `Traffic.document` made, from JSON. Raises ValueError for anything else."""
    return _SEEN.validate_python(document)


def merged(workers: Iterable[Seen]) -> Seen:
    """What all workers did."""
    found: Seen = {}
    for seen in workers:
        for route, stacks in seen.items():
            both = found.setdefault(route, {})
            for stack, one in stacks.items():
                both[stack] = _sum(both.get(stack, _NOBODY), one)
    return found


def _sum(one: StackTraffic, other: StackTraffic) -> StackTraffic:
    return StackTraffic.model_construct(
        requests=one.requests + other.requests,
        errors=one.errors + other.errors,
        rescued=one.rescued + other.rescued,
        last=max(one.last, other.last),
        bins=[a + b for a, b in zip(one.bins, other.bins, strict=True)],
    )
