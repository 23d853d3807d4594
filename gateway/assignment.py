"""Which stack answers, and why. Pure: the hot path and `banyan explain` call the same `decide`."""

from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Final, NamedTuple

from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.words import UNMATCHED, Reason, Stack


class Decision(NamedTuple):
    """A stack, the reason for it, and the unit's bucket (0 to SPACE - 1)."""

    stack: Stack
    reason: Reason
    bucket: int


_decided: Final = partial(tuple.__new__, Decision)  # `Decision(*three)` at half its cost
# To look into an enum takes longer than all the rest here
_LEGACY: Final = Stack.LEGACY
_MODERN: Final = Stack.MODERN
_SPLIT: Final = Reason.SPLIT
_KEYS: Final = 4096  # cohorts whose hash is kept
_KEPT: Final = 16384  # buckets that are kept, 3 MB: a client comes again, on this route or another
_SHORT: Final = 64  # bytes of a unit that is kept
_kept: Final[dict[bytes, int]] = {}  # by key and unit; plans share it


@lru_cache(_KEYS)
def cohort_key(secret: bytes, cohort: str) -> bytes:
    """The 32 bytes that key a cohort's hash: on all its routes a unit has the same bucket."""
    return blake2b(cohort.encode(), digest_size=32, key=blake2b(secret).digest()).digest()


def bucket_of(key: bytes, unit: bytes) -> int:
    """Keyed BLAKE2b (RFC 7693) of the unit modulo SPACE; the modulo's bias is below 2**-47."""
    asked = key + unit
    bucket = _kept.get(asked)
    if bucket is None:
        keyed = _keyed(key).copy()
        keyed.update(unit)
        bucket = int.from_bytes(keyed.digest(), "big") % SPACE
        if len(_kept) >= _KEPT:
            _kept.clear()
        if len(unit) <= _SHORT:
            _kept[asked] = bucket
    return bucket


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
    certain = table.certain.get(route.id if route else UNMATCHED)
    if certain is not None:
        return _decided((*certain, bucket))
    if override is not None:
        return _decided((override, Reason.OVERRIDE, bucket))
    if pinned is not None:  # also while modern fails: elsewhere it would be done twice
        return _decided((pinned, Reason.PINNED, bucket))
    if route is None or bucket >= route.split:
        return _decided((_LEGACY, _SPLIT, bucket))
    if broken is not None and broken(route):
        return _decided((_LEGACY, Reason.BREAKER, bucket))
    return _decided((_MODERN, _SPLIT, bucket))


@lru_cache(_KEYS)
def _keyed(key: bytes) -> blake2b:
    return blake2b(digest_size=8, key=key)
