"""Stops sending a route to modern while modern fails it right now. Pure: local, instant, no statistics.

closed ──errors──► open ──its time is over──► half-open ──three probes pass──► closed
                     ▲                            └────────one fails──────┘
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

IN_A_ROW: Final = 5  # errors
SHARE: Final = 0.3  # of the requests
ENOUGH: Final = 10  # requests to speak of a share
WINDOW: Final = 60.0  # seconds
LAST: Final = 20  # requests, where the window holds fewer than ENOUGH
OPEN: Final = 30.0  # seconds for the first time, twice as many for the second
LONGEST: Final = 300.0
JITTER: Final = 0.1  # the workers of a fleet must not all probe at once
PROBES: Final = 3
FORGOTTEN: Final = 600.0  # seconds without an error after which it opens as for the first time


class State(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Change:
    """A breaker that goes from one state to another, and why."""

    before: State
    after: State
    why: str
    seconds: float = 0.0  # until the first probe, when it opens


class Breaker:
    """One route's, in one worker. `random` gives numbers from 0 to 1.

    Times are seconds of a clock that does not jump.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self.state = State.CLOSED
        self.why = ""  # it is not closed
        self._random = random
        self._times = 0  # that it opened since it was well for long
        self._until = 0.0
        self._probing = self._passed = 0
        self._row = 0  # errors since the last success
        self._last_error = 0.0
        self._last: deque[bool] = deque(maxlen=LAST)  # whether each was an error
        self._seconds: deque[_Second] = deque()

    def tick(self, now: float) -> Change | None:
        """Lets probes in when it is time."""
        if self.state is not State.OPEN or now < self._until:
            return None
        self._probing = self._passed = 0
        return self._turned(State.HALF_OPEN, self.why)

    @property
    def admitting(self) -> bool:
        """Whether a request that came now might go to modern."""
        if self.state is State.HALF_OPEN:
            return self._probing + self._passed < PROBES
        return self.state is State.CLOSED

    def admits(self) -> bool:
        """Whether one request may go to modern; then its outcome, or that it has none, must be told."""
        admitted = self.admitting
        if admitted and self.state is State.HALF_OPEN:
            self._probing += 1
        return admitted

    def cancelled(self) -> None:
        """The client of a request left: nobody knows what would have become of it."""
        self._probing = max(0, self._probing - 1)

    def passed(self, at: float, requests: int) -> None:
        """So many went well before it was kept; told in their order."""
        self._last.extend([False] * min(requests, LAST))
        self._seconds.append(_Second(at, requests))

    def observe(self, now: float, *, error: bool) -> Change | None:
        """What became of a request, and what follows."""
        if error:
            if now - self._last_error >= FORGOTTEN:
                self._times = 0
            self._last_error = now
        if self.state is State.HALF_OPEN:
            return self._probed(now, error=error)
        if self.state is State.OPEN:  # it was on its way already
            return None
        self._count(now, error=error)
        why = self._too_many() if error else ""
        return self._opened(now, why) if why else None

    def idle(self, now: float) -> bool:
        """It remembers nothing that matters: as good as a new one."""
        patience = FORGOTTEN if self._times else WINDOW
        well = self.state is State.CLOSED and not any(self._last)
        return well and now - self._last_error >= patience

    def _probed(self, now: float, *, error: bool) -> Change | None:
        self._probing = max(0, self._probing - 1)
        if error:
            return self._opened(now, "a probe failed")
        self._passed += 1
        if self._passed < PROBES:
            return None
        self._forget()
        return self._turned(State.CLOSED, f"{PROBES} probes passed")

    def _opened(self, now: float, why: str) -> Change:
        self._times += 1
        seconds = min(OPEN * self._times, LONGEST) * (1 + JITTER * (2 * self._random() - 1))
        self._until = now + seconds
        self._forget()
        return self._turned(State.OPEN, why, seconds)

    def _turned(self, after: State, why: str, seconds: float = 0.0) -> Change:
        before, self.state = self.state, after
        self.why = why if after is not State.CLOSED else ""
        return Change(before, after, why, seconds)

    def _forget(self) -> None:
        self._row = 0
        self._last.clear()
        self._seconds.clear()

    def _count(self, now: float, *, error: bool) -> None:
        self._row = self._row + 1 if error else 0
        self._last.append(error)
        while self._seconds and self._seconds[0].at <= now - WINDOW:
            self._seconds.popleft()
        if not self._seconds or now - self._seconds[-1].at >= 1.0:
            self._seconds.append(_Second(now))
        self._seconds[-1].requests += 1
        self._seconds[-1].errors += error

    def _too_many(self) -> str:
        """Why it opens, if it does."""
        if self._row >= IN_A_ROW:
            return f"{self._row} errors in a row"
        requests = sum(second.requests for second in self._seconds)
        errors = sum(second.errors for second in self._seconds)
        of = f"requests in {WINDOW:g} s"
        if requests < ENOUGH:
            requests, errors, of = len(self._last), sum(self._last), "last requests"
        if requests < ENOUGH or errors < SHARE * requests:
            return ""
        return f"{errors} errors of the {requests} {of}"


@dataclass(slots=True)
class _Second:
    """What came within a second."""

    at: float
    requests: int = 0
    errors: int = 0
