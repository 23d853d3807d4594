"""One idempotency key, one stack: a repeated request finds the stack that has the first answer.

Kept per worker. Across workers the split does the same for a unit until it is changed.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from time import monotonic
from typing import Final

from gateway.words import Stack

KEPT: Final = 86_400.0  # seconds; as long as services usually remember an idempotency key
LIMIT: Final = 10_000  # keys; the oldest go first

Pin = bytes


def pin_of(unit: bytes, key: bytes) -> Pin:
    """A unit's idempotency key in 16 bytes, however long a client makes both."""
    return blake2b(unit, digest_size=16, key=blake2b(key).digest()).digest()


class Pins:
    """Remembers which stack answered a unit's idempotency key, LIMIT keys for KEPT seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Pin, tuple[Stack, float]] = OrderedDict()

    def get(self, pin: Pin) -> Stack | None:
        stack, since = self._kept.get(pin, (None, 0.0))
        return stack if self._clock() - since < KEPT else None

    def keep(self, pin: Pin, stack: Stack) -> None:
        """The first stack stays, unless it was not asked again this time or the pin has expired."""
        if self.get(pin) is stack:
            return
        self._kept[pin] = (stack, self._clock())
        self._kept.move_to_end(pin)
        if len(self._kept) > LIMIT:
            self._kept.popitem(last=False)
