"""How many failing answers of modern legacy may give instead. Pure.

Without a bound, a modern stack that is down would send legacy all of its traffic at once, on top of its
own; 20 % is Finagle's default of a retry budget.
"""

from collections import deque
from typing import Final

WINDOW: Final = 10  # seconds
SHARE: Final = 0.2  # of the requests in the window
FLOOR: Final = 10  # a second, however few requests there are


class Budget:
    """Counts requests and failovers of the last WINDOW seconds, second by second.

    `requests` is the worker's running count of requests; `tick` is called once a second.
    """

    def __init__(self) -> None:
        self.requests = 0
        self._taken = 0
        self._seconds: deque[tuple[int, int]] = deque([(0, 0)], maxlen=WINDOW)

    def tick(self) -> None:
        """A second has passed."""
        self._seconds.append((self.requests, self._taken))

    def take(self) -> bool:
        """Whether one more failover is allowed; then it counts."""
        requests, taken = self._seconds[0]
        allowed = max(SHARE * (self.requests - requests), FLOOR * WINDOW)
        if self._taken - taken >= allowed:
            return False
        self._taken += 1
        return True
