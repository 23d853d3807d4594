"""Which stack answers, and why. Pure: the hot path and `banyan explain` call the same `decide`."""

from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.words import Phase, Reason, Stack


class Decision(NamedTuple):
    """A stack, the reason for it, and the unit's bucket (0 to SPACE - 1)."""

    stack: Stack
    reason: Reason
    bucket: int


def cohort_key(secret: bytes, cohort: str) -> bytes:
    """The 32 bytes that key a cohort's hash: on all its routes a unit has the same bucket."""
    return blake2b(cohort.encode(), digest_size=32, key=blake2b(secret).digest()).digest()


def bucket_of(key: bytes, unit: bytes) -> int:
    """Keyed BLAKE2b (RFC 7693) of the unit modulo SPACE; the modulo's bias is below 2**-47."""
    return int.from_bytes(blake2b(unit, digest_size=8, key=key).digest(), "big") % SPACE


def decide(  # noqa: PLR0913, PLR0917 (an object for each request would cost more than the rest)
    table: RouteTable,
    route: Route | None,
    unit: bytes,
    override: Stack | None = None,
    pinned: Stack | None = None,
    broken: Callable[[Route], bool] | None = None,
) -> Decision:
    """The stack for `unit` on `route` (None: no route of the table).

    `broken` says whether modern fails the route right now; it is asked only about what would go there.
    The split is the half-open interval [0, split) of buckets: raising it moves nobody back, 0 is
    nobody and SPACE is everybody by the same comparison.
    """
    bucket = bucket_of(route.key if route else table.key, unit)
    certain = _certain(table, route)
    if certain is not None:
        return Decision(*certain, bucket)
    if override is not None:
        return Decision(override, Reason.OVERRIDE, bucket)
    if pinned is not None:  # also while modern fails: elsewhere it would be done twice
        return Decision(pinned, Reason.PINNED, bucket)
    if route is None or bucket >= route.split:
        return Decision(Stack.LEGACY, Reason.SPLIT, bucket)
    if broken is not None and broken(route):
        return Decision(Stack.LEGACY, Reason.BREAKER, bucket)
    return Decision(Stack.MODERN, Reason.SPLIT, bucket)


def _certain(table: RouteTable, route: Route | None) -> tuple[Stack, Reason] | None:
    """What holds for every unit: the kill switch, the phase, a stack that does not serve the route."""
    if table.kill_switch:
        return Stack.LEGACY, Reason.KILL_SWITCH
    if table.phase is Phase.PARALLEL:
        return Stack.LEGACY, Reason.PHASE
    if table.phase is Phase.FULL:
        return Stack.MODERN, Reason.PHASE
    if not (route.modern if route else not table.legacy):
        return Stack.LEGACY, Reason.MODERN_MISSING
    if not (route.legacy if route else table.legacy):
        return Stack.MODERN, Reason.LEGACY_MISSING
    return None
