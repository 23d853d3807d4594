"""What each stack did on each route since this worker's start, small enough for a heartbeat.

It counts as `Metrics` does, and is read without prometheus-client: the workers of a fleet are elsewhere.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from gateway.exchange import Exchange
from gateway.words import Stack

BOUNDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip  # seconds; a bin holds what is at most its bound, one more holds what is above all
_BINS: Final = len(BOUNDS) + 1
_BATCH: Final = 64  # exchanges

_Count = Annotated[int, Field(ge=0, strict=True)]
_Bins = Annotated[list[_Count], Field(min_length=_BINS, max_length=_BINS)]
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
_NOBODY: Final = StackTraffic(requests=0, errors=0, rescued=0, last=0.0, bins=[0] * _BINS)


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


class _Row:
    """One stack on one route, as it is counted."""

    __slots__ = ("bins", "errors", "last", "rescued")

    def __init__(self) -> None:
        self.errors, self.rescued, self.last = 0, 0, 0.0
        self.bins = [0] * _BINS


class Traffic:
    """Counts exchanges, 64 at a time, as `Metrics` does. 1.5 kB a route."""

    def __init__(self) -> None:
        # Not by (route, stack): the hash of an enum's member is a call into Python.
        self._legacy: dict[str, _Row] = {}
        self._modern: dict[str, _Row] = {}
        self._exchanges: list[Exchange] = []

    def observe(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        if len(self._exchanges) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Counts what waits; the worker calls it each second and at its end."""
        exchanges, self._exchanges = self._exchanges, []
        modern = Stack.MODERN  # looked up once: an enum's member is found by Python code
        for exchange in exchanges:
            rows = self._modern if exchange.decision.stack is modern else self._legacy
            row = rows.get(exchange.route) or rows.setdefault(exchange.route, _Row())
            row.bins[bisect_left(BOUNDS, exchange.seconds)] += 1
            # They come in the order of their ends, not of their beginnings.
            if exchange.at > row.last:  # noqa: PLR1730 (max() is a fifth of the whole cost)
                row.last = exchange.at
            if exchange.failed:
                self._failed_over(exchange, row)
            elif exchange.status >= 500:
                row.errors += 1

    def _failed_over(self, exchange: Exchange, row: _Row) -> None:
        """Modern failed, and legacy was asked as well."""
        row.errors += 1
        if exchange.status < 500:
            row.rescued += 1
        legacy = self._legacy.setdefault(exchange.route, _Row())
        legacy.last = max(legacy.last, exchange.at)

    def clear(self) -> None:
        """Begins anew; what was counted is told elsewhere."""
        self._legacy, self._modern, self._exchanges = {}, {}, []

    def document(self) -> dict[str, dict[str, dict[str, object]]]:
        """Route → stack → what it did, as JSON. To be called on the loop that observes."""
        self.flush()
        found: dict[str, dict[str, dict[str, object]]] = {}
        for stack, rows in ((Stack.LEGACY, self._legacy), (Stack.MODERN, self._modern)):
            for route, row in rows.items():
                found.setdefault(route, {})[stack.value] = _counted(row)
        return found


def _counted(row: _Row) -> dict[str, object]:
    return {
        "requests": sum(row.bins),
        "errors": row.errors,
        "rescued": row.rescued,
        "last": row.last,
        "bins": list(row.bins),
    }
