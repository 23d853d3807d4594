"""Shadows: what clients ask, asked of the other stack too, and both answers compared.

    the client has its answer ─► offer ─► queue ─► the other stack ─► compare ─► counted, told
                                   └ dropped, counted, if there is no room

Nothing of it is on the client's way but a copy of what it gets. Shadows wait for a lull, are bounded by their
number, their bytes and a deadline, and a Flask app in this process has threads of its own for them. Where the
answers differ, the stack that answered the client is asked again: what it says differently itself is noise.
"""

from asyncio import Queue, QueueFull, sleep
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from random import randrange
from time import perf_counter, time
from typing import Final

import anyio
import structlog

from gateway.answer import Answer as Live
from gateway.aside import aside
from gateway.faults import WORDS, fingerprint
from gateway.messages import App, Message, Send, from_the_start
from gateway.observe.metrics import FINDINGS, SHADOWS, SHADOWS_DROPPED
from gateway.routes import SPACE, Route
from gateway.settings import Settings
from gateway.shadow.accepted import Accepted
from gateway.shadow.compare import compare
from gateway.shadow.difference import Answer, Asked, Difference
from gateway.shadow.findings import Signatures
from gateway.shadow.marker import Marker
from gateway.shadow.noise import without_noise
from gateway.shadow.tap import Copied, Room, Tap
from gateway.words import Stack

_SHORT: Final = 2048  # bytes of two bodies that are compared in a tenth of a millisecond
_AT_ONCE: Final = 0.00005  # seconds in which the loop goes round when it has nothing else to do
_PAUSE: Final = 0.001  # seconds
_TRIES: Final = 100
_OTHER: Final = {Stack.LEGACY: Stack.MODERN, Stack.MODERN: Stack.LEGACY}
_log = structlog.get_logger()


class Shadows:
    """Those of one worker. `stacks` are asked; `told` hears of each: route, outcome, and what differs."""

    def __init__(
        self,
        settings: Settings,
        marker: Marker,
        stacks: Mapping[Stack, App],
        told: Callable[[str, str, str], None],
    ) -> None:
        self._stacks, self._marker, self._told = stacks, marker, told
        self._at_once, self._deadline = settings.shadow_threads, settings.shadow_deadline
        self._room = Room(settings.shadow_memory)
        self._waiting = Queue[Tap](settings.shadow_queue)
        self._accepted = Accepted(settings.plan.with_name("parity.yaml"))
        self._signatures = Signatures()

    def tap(self, route: Route, stack: Stack, send: Send) -> Tap | None:
        """Of a sample of requests, what copies the answer."""
        if randrange(SPACE) >= route.shadow:  # noqa: S311 (a sample, no secret)
            return None
        return Tap(send, route.id, stack, self._room)

    def made(self, marker: bytes) -> bool:
        """Whether a gateway with this secret has sent a request that carries this."""
        return self._marker.knows(marker, time())

    def offer(self, tap: Tap, live: Live) -> None:
        """The client has its answer."""
        reason = _unfit(tap, live)
        if not reason:
            try:
                self._waiting.put_nowait(tap)
            except QueueFull:
                reason = "full"
        if reason:
            SHADOWS_DROPPED.labels(reason).inc()
            tap.drop()

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tasks:
            for _ in range(self._at_once):
                tasks.start_soon(self._work)

    async def _work(self) -> None:
        while True:
            tap = await self._waiting.get()
            await _lull()
            difference = ""
            try:
                outcome, found = await self._shadow(tap)
                difference = self._named(tap, found) if found else ""
            except Exception:  # a bug of ours ends neither the data plane nor the next shadow
                _log.exception("shadow.failed", route=tap.route)
                outcome = "failed"
            SHADOWS.labels(tap.route, outcome).inc()
            self._told(tap.route, outcome, difference)
            tap.drop()

    async def _shadow(self, tap: Tap) -> tuple[str, tuple[Difference, ...]]:
        """What came of it, and the differences that stand."""
        live, other = tap.answer(), await self._ask(_OTHER[tap.stack], tap)
        if other is None:
            return "no_answer", ()
        legacy, modern = (live, other) if tap.stack is Stack.LEGACY else (other, live)
        found = await _compared(legacy, modern, tap)
        if not found:
            return "equal", ()
        today = datetime.now(UTC).date()
        found = await aside(self._accepted.without, found, tap.route, today)
        if not found:
            return "accepted", ()
        again = await self._ask(tap.stack, tap)
        if again is not None:
            found = without_noise(found, await _compared(live, again, tap))
        return ("different" if found else "noise"), found

    def _named(self, tap: Tap, found: tuple[Difference, ...]) -> str:
        """The differences as one; of one that is new, a line in the log."""
        name, new = self._signatures.named(tap.route, found)
        for kind in {one.kind for one in found}:
            FINDINGS.labels(tap.route, kind).inc()
        if new:
            _log.warning("shadow.different", route=tap.route, places=name, request_id=_id(tap))
        return name

    async def _ask(self, stack: Stack, tap: Tap) -> Answer | None:
        """What a stack says now; None if it says nothing in time, or cannot be reached."""
        scope = tap.scopes[stack].copy()
        scope["headers"] = [*scope["headers"], self._marker.header(time())]
        copied, raised = Copied(), False
        with anyio.move_on_after(self._deadline) as waited:
            try:
                await self._stacks[stack](scope, from_the_start(_silence), copied.send)
            except (Exception, SystemExit, KeyboardInterrupt) as error:
                raised = True
                fault = fingerprint(error)  # no text of the app's
                _log.info("shadow.raised", route=tap.route, stack=stack, fault=fault)
        if waited.cancelled_caught or copied.fault in WORDS:
            return None
        answer = copied.answer()
        return answer if copied.status or not raised else replace(answer, status=500)


def _unfit(tap: Tap, live: Live) -> str:
    """Why there is nothing to compare."""
    cut = not tap.complete or live.left or live.fault in WORDS
    reasons = {
        "body": not tap.scopes,
        "failed_over": live.failed,
        "large": tap.large,
        "full": tap.full,
        "cut": cut,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


async def _lull() -> None:
    """Until nobody else wants the loop, or the interpreter; for a tenth of a second at most."""
    for _ in range(_TRIES):
        began = perf_counter()
        await sleep(0)
        if perf_counter() - began < _AT_ONCE:
            return
        await sleep(_PAUSE)


async def _silence() -> Message:
    """A client that neither says anything more nor leaves."""
    await anyio.sleep_forever()
    return {"type": "http.disconnect"}


async def _compared(expected: Answer, got: Answer, tap: Tap) -> tuple[Difference, ...]:
    """In a thread if it takes longer than to go there."""
    if len(expected.body) + len(got.body) < _SHORT:
        return compare(expected, got, _asked(tap))
    return await aside(compare, expected, got, _asked(tap))


def _asked(tap: Tap) -> Asked:
    scope = tap.scopes[Stack.LEGACY]
    host = next((value for name, value in scope["headers"] if name == b"host"), b"localhost")
    return Asked(scope["method"], f"{scope['scheme']}://{host.decode('latin-1')}{scope['path']}")


def _id(tap: Tap) -> str:
    headers = tap.scopes[Stack.LEGACY]["headers"]
    return next((value.decode() for name, value in headers if name == b"x-request-id"), "")
