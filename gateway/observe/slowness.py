"""What is slow on a route: slower than legacy's 99th percentile in the last five to ten minutes."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

TURN: Final = 300.0  # seconds of a generation
ENOUGH: Final = 200  # answers of legacy; of fewer, nobody knows what is slow
_PERCENTILE: Final = 0.99
_FIRST: Final = 0.0005  # seconds
_FACTOR: Final = 1.15  # between two bounds: a threshold is so much too high at most
_BOUNDS: Final = [_FIRST * _FACTOR**n for n in range(86)]  # up to 72 s


class _Durations:
    """Legacy's answers on one route, by duration, in this generation and in the one before."""

    __slots__ = ("before", "now", "threshold")

    def __init__(self) -> None:
        self.now = [0] * (len(_BOUNDS) + 1)
        self.before = [0] * (len(_BOUNDS) + 1)
        self.threshold = float("inf")

    def measure(self) -> None:
        """With too little to go by, what was slow before still is."""
        both = [a + b for a, b in zip(self.now, self.before, strict=True)]
        rest = (1 - _PERCENTILE) * sum(both)
        if sum(both) < ENOUGH:
            return
        above = 0
        for at in range(len(both) - 1, -1, -1):
            above += both[at]
            if above > rest:
                self.threshold = _BOUNDS[at] if at < len(_BOUNDS) else float("inf")
                return


class Slowness:
    """Learns from legacy's answers; a threshold holds from one `tick` to the next, so that an answer is
    judged by those before it.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._routes: dict[str, _Durations] = {}

    def learn(self, route: str, took: Iterable[float]) -> None:
        """How long legacy took, in seconds, for each of some requests."""
        durations = self._routes.get(route) or self._routes.setdefault(route, _Durations())
        for seconds in took:
            durations.now[bisect_left(_BOUNDS, seconds)] += 1

    def threshold(self, route: str) -> float:
        """Seconds; infinite while nobody knows."""
        durations = self._routes.get(route)
        return durations.threshold if durations else float("inf")

    def tick(self) -> None:
        """To be called every few seconds."""
        turns = int((self._clock() - self._since) / TURN)
        self._since += turns * TURN
        for durations in self._routes.values():
            durations.measure()
            for _ in range(min(turns, 2)):
                durations.before, durations.now = durations.now, [0] * (len(_BOUNDS) + 1)
