"""One request and what the client got, as observers see it."""

from functools import partial
from typing import Final, NamedTuple, Protocol

from gateway.assignment import Decision
from gateway.faults import NOBODYS


class Exchange(NamedTuple):
    """Made after the last byte; immutable (a named tuple costs a quarter of a frozen dataclass)."""

    at: float  # seconds since 1970, when the request came
    request_id: str
    route: str  # a route's id, or `unmatched`
    method: str
    path: str  # decoded, without the query
    decision: Decision
    plan_version: int
    status: int  # 499: the client left before the answer began
    seconds: float
    failed: int = 0  # status of modern's answer that legacy's replaced; 0: none was
    over_budget: bool = False  # legacy would have replaced it, had the budget allowed
    fault: str = ""  # what is known of a failure, see gateway.faults
    tripped: bool = False  # when it was decided, the route's breaker was not closed
    barred: bool = False  # nor would it have let this one pass, had the split said modern

    @property
    def error(self) -> bool:
        """The stack that was decided for has failed, whatever the client got."""
        return self.fault != NOBODYS and (bool(self.failed) or self.status >= 500)


exchange_of: Final = partial(tuple.__new__, Exchange)
"""`Exchange(*fields)` from a tuple of all its fields, at half the cost."""


class Observer(Protocol):
    """Sees every exchange, changes none. What it raises is logged and never reaches the client."""

    def observe(self, exchange: Exchange) -> None: ...
