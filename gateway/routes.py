"""A route: what a plan splits and a metric is labelled with. Pure."""

from dataclasses import dataclass, field
from typing import Final

SPACE: Final = 100_000  # buckets of a split: one is 0.001 %


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
    own: bool = False  # modern's own routing decides: the request reaches it as the client sent it
    shadow: int = 0  # of SPACE safe requests, those that the other stack is asked too
    id: str = field(init=False)  # metric label, and name in a plan: `GET /api/orders/{order_id}`

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.method} {self.template}")
