"""What a stack says differently each time it is asked. Pure."""

from collections.abc import Iterable
from typing import Final

from gateway.shadow.difference import Difference, Kind

# That it is of another type, or not there, is never noise.
NOISY: Final = frozenset({Kind.VALUE, Kind.HEADER, Kind.ORDER})


def without_noise(
    found: Iterable[Difference], itself: Iterable[Difference]
) -> tuple[Difference, ...]:
    """The differences of two stacks, less those where one of them differs from `itself`."""
    noise = {(one.path, one.kind) for one in itself if one.kind in NOISY}
    return tuple(one for one in found if (one.path, one.kind) not in noise)
