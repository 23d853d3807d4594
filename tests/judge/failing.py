"""A gateway whose modern fails and whose time passes as a test says."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.breakers import Breakers
from gateway.dispatch import Dispatch
from gateway.head import HeadReader, UnitSource
from gateway.judge.breaker import OPEN, PROBES, Change
from gateway.override import Overrides
from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.turn import ActivePlan
from gateway.words import Phase, Stack
from tests.drive import Answer, AsgiTarget, Request
from tests.stacks import Recorder, TestClock

App = Callable[[Any, Any, Any], Awaitable[None]]
OVERRIDES = Overrides(b"secret")
ROUTE = "POST /x"


def answering(status: int) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


async def raising(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("modern is broken")


async def answering_and_raising(scope: Any, receive: Any, send: Any) -> None:
    """As Starlette does with an exception of a handler."""
    await answering(500)(scope, receive, send)
    raise ValueError("modern is broken")


async def hanging(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.Event().wait()


async def reading(scope: Any, receive: Any, send: Any) -> None:
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await answering(200)(scope, receive, send)


class Worker:
    """A gateway whose modern fails and whose time passes as a test says."""

    def __init__(
        self, *, failover: bool = False, legacy: bool = True, phase: Phase = Phase.GRADUAL
    ) -> None:
        self.clock, self.recorder = TestClock(), Recorder()
        self.changes: list[tuple[str, Change]] = []
        self.breakers = Breakers(
            lambda route, change: self.changes.append((route, change)),
            clock=self.clock,
            random=lambda: 0.5,
        )
        made = Settings(body_limit=4, deadline=0.001)
        self.dispatch = Dispatch([self.recorder], OVERRIDES, made, self.breakers)
        self.modern: App = answering(500)
        self.plan(failover=failover, legacy=legacy, phase=phase)
        self.dispatch.stacks = {Stack.LEGACY: answering(200), Stack.MODERN: self._ask_modern}

    def plan(
        self,
        split: int = SPACE,
        *,
        failover: bool = False,
        legacy: bool = True,
        phase: Phase = Phase.GRADUAL,
    ) -> None:
        routes = tuple(
            Route(method, path, legacy, True, split, "", b"key", failover)
            for method in ("GET", "POST")
            for path in ("/x", "/y")
        )
        table = RouteTable(routes, phase, 1, legacy=legacy, key=b"key")
        self.dispatch.plan = ActivePlan(table, HeadReader((UnitSource("client"),)))

    async def _ask_modern(self, scope: Any, receive: Any, send: Any) -> None:
        await self.modern(scope, receive, send)

    async def asks(
        self, path: str = "/x", method: str = "POST", body: bytes = b"", **headers: str
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await AsgiTarget(self.dispatch).send(Request(method, path, named, body))

    async def served_by(self, path: str = "/x", method: str = "POST", **headers: str) -> str | None:
        return (await self.asks(path, method, b"", **headers)).header("x-served-by")

    async def opens(self) -> None:
        self.modern = answering(500)
        for _ in range(5):
            await self.asks()
        assert self.state == "open"

    async def probes(self) -> None:
        """Its time is over: three may try."""
        await self.opens()
        self.passes(OPEN)
        assert self.state == "half-open"

    def passes(self, seconds: float) -> None:
        self.clock.now += seconds
        self.breakers.tick()

    @property
    def state(self) -> str:
        return self.breakers.document().get(ROUTE, {}).get("state", "closed")

    async def free(self) -> int:
        """How many may try modern now, at once."""
        self.modern = hanging
        tasks = [asyncio.create_task(self.asks()) for _ in range(PROBES + 3)]
        for _ in range(10):
            await asyncio.sleep(0)
        count = self.dispatch.in_flight[Stack.MODERN]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return count
