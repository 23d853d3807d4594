"""The breakers of one worker: a route has one from modern's first error until that is forgotten."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import random
from time import monotonic
from typing import Final

import structlog

from gateway.exchange import Exchange
from gateway.faults import NOBODYS
from gateway.judge.breaker import LAST, WINDOW, Breaker, Change, State
from gateway.observe.metrics import BREAKER_STATE
from gateway.routes import Route
from gateway.words import UNMATCHED, Reason, Stack

CLIENT_LEFT: Final = 499  # nginx's number for a client that closed before the answer began
_MODERN: Final = Stack.MODERN  # a look into an enum takes longer than all that is done with it here
_LEVELS: Final = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}
_log = structlog.get_logger()


@dataclass(slots=True)
class Breakers:
    """Observes exchanges at once, not in batches; `tick` is called each second.

    `told` hears of every change.
    """

    told: Callable[[str, Change], None] = lambda _route, _change: None
    clock: Callable[[], float] = monotonic
    random: Callable[[], float] = random
    tripped: dict[str, Breaker] = field(default_factory=dict)  # those that are not closed
    _kept: dict[str, Breaker] = field(default_factory=dict)
    _past: "_Past" = field(init=False)

    def __post_init__(self) -> None:
        self._past = _Past()

    def refuses(self, route: Route) -> bool:
        """Whether a request must not go to modern now; if it may, it can be a probe."""
        breaker = self.tripped.get(route.id)
        return breaker is not None and not breaker.admits()

    def observe(self, exchange: Exchange) -> None:
        route = exchange.route
        if exchange.decision.stack is not _MODERN or route == UNMATCHED:
            return
        breaker = self._kept.get(route)
        failed = exchange.failed or exchange.fault
        if breaker is None and exchange.status < CLIENT_LEFT and not failed:
            self._past.add(route)  # what nearly every request comes to
            return
        error = exchange.error
        silent = not error and _says_nothing(exchange)
        if not (error or silent):
            self._past.add(route)
        if breaker is None:
            if not error:
                return
            breaker = self._kept[route] = self._made(route)
        if breaker.state is not State.CLOSED and not _is_probe(exchange):
            return
        if silent:
            breaker.cancelled()
        else:
            self._turned(route, breaker.observe(self.clock(), error=error))

    def tick(self) -> None:
        """Lets probes in where it is time, and forgets what is long past."""
        now = self.clock()
        self._past.tick(now)
        for route, breaker in list(self._kept.items()):
            self._turned(route, breaker.tick(now))
            if breaker.idle(now):
                del self._kept[route]

    def document(self) -> dict[str, dict[str, str]]:
        """Those that are not closed, as JSON: route → state and why."""
        return {
            route: {"state": breaker.state.value, "why": breaker.why}
            for route, breaker in self.tripped.items()
        }

    def _made(self, route: str) -> Breaker:
        """One that knows what went well before the first error: that is most of a share."""
        breaker = Breaker(self.random)
        for at, count in self._past.of(route, self.clock()):
            breaker.passed(at, count)
        return breaker

    def _turned(self, route: str, change: Change | None) -> None:
        if change is None:
            return
        if change.after is State.CLOSED:
            self.tripped.pop(route, None)
        else:
            self.tripped[route] = self._kept[route]
        BREAKER_STATE.labels(route).set(_LEVELS[change.after])
        _log.warning(
            "breaker.turned",
            route=route,
            before=change.before.value,
            state=change.after.value,
            why=change.why,
            seconds=round(change.seconds, 1),
        )
        self.told(route, change)


def _says_nothing(exchange: Exchange) -> bool:
    """Of modern, which did not fail: the client left before it answered, or it was not asked at all."""
    return exchange.status == CLIENT_LEFT or exchange.fault == NOBODYS


def _is_probe(exchange: Exchange) -> bool:
    """Not what was on its way when the breaker opened, nor what it does not refuse: an override, a pin."""
    return exchange.tripped and exchange.decision.reason not in {Reason.OVERRIDE, Reason.PINNED}


class _Past:
    """How many requests of each route went well: in the seconds of a window, and before it."""

    def __init__(self) -> None:
        self._now: dict[str, int] = {}  # since the last tick
        self._seconds: deque[tuple[float, dict[str, int]]] = deque()
        self._before: dict[str, int] = {}  # LAST at most: a breaker looks back no further

    def add(self, route: str) -> None:
        self._now[route] = self._now.get(route, 0) + 1

    def tick(self, now: float) -> None:
        """To be called each second."""
        if self._now:
            self._seconds.append((now, self._now))
            self._now = {}
        while self._seconds and self._seconds[0][0] <= now - WINDOW:
            for route, count in self._seconds.popleft()[1].items():
                self._before[route] = min(LAST, self._before.get(route, 0) + count)

    def of(self, route: str, now: float) -> Iterator[tuple[float, int]]:
        """When how many, the oldest first."""
        yield float("-inf"), self._before.get(route, 0)
        for at, counts in self._seconds:
            yield at, counts.get(route, 0)
        yield now, self._now.get(route, 0)
