"""THE HOT PATH: match, decide, forward, respond, observe. Read this first.

    request ─► 1 match    turn = turns.begin(plan, scope, …)    as legacy's own rules do
               2 decide   stack = turn.decision.stack           by split, override, pin, breaker
               3 forward  await stacks[stack](scope, receive, answer.send)
               4 respond  messages go straight to the server; two headers are added to the first
               5 observe  turns.end(turn)                       every observer sees it after the last byte

`plan` is one reference to an immutable object, read once per request: no request is ever answered by
half of one plan and half of another.

Where modern fails a safe request before the first byte, legacy answers instead, once (`_fail_over`); it
counts against modern all the same.
"""

from asyncio import CancelledError, Task
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import FrameType
from typing import Any, Final

import structlog

from gateway.answer import Answer, ClientTooSlow
from gateway.breakers import Breakers
from gateway.exchange import Observer
from gateway.failover import Budget
from gateway.faults import NOBODYS, TIMEOUT
from gateway.messages import App, Receive, Scope, Send, from_the_start
from gateway.observe.lag import Running, request_ids
from gateway.override import Overrides
from gateway.refusal import refuse
from gateway.settings import Settings
from gateway.shadow.live import Shadows
from gateway.turn import LOOP, ActivePlan, Turns
from gateway.words import Stack

_CLOSE: Final = (b"connection", b"close")
_LOOP_SAYS: Final = "A shadow has come back: a stack's address leads to a gateway with this secret"
_LEGACY: Final = Stack.LEGACY  # to look into an enum takes 600 instructions
_log = structlog.get_logger()


class Dispatch:
    """The ASGI app behind the port. `plan` and `stacks` are set before the first request."""

    def __init__(
        self,
        observers: Sequence[Observer],
        overrides: Overrides,
        settings: Settings,
        breakers: Breakers | None = None,
        shadows: Shadows | None = None,
    ) -> None:
        self.plan: ActivePlan
        self.stacks: Mapping[Stack, App] = {}
        self.in_flight = dict.fromkeys(Stack, 0)
        self.budget = Budget()
        self.breakers = breakers or Breakers()
        seeing = [self.breakers, *observers]
        self._turns = Turns(seeing, overrides, settings, self.breakers, self.budget)
        self._turns.shadows = shadows
        self._running: set[Answer] = set()
        self._deadline, self._body_limit = settings.deadline, settings.body_limit
        self._too_large = f"Request body too large: at most {settings.body_limit} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan = self.plan
        turn = self._turns.begin(plan, scope, receive, send)
        door = plan.door if turn.matched is None else None
        del plan  # an answer of hours would keep all its routes
        answer, receive, stack = turn.answer, turn.receive, turn.decision.stack
        self._running.add(answer)
        try:
            if turn.refused:
                await self._refuse(answer, turn.refused)
            elif stack is _LEGACY:
                await self._ask(stack, answer, scope, receive)
            elif door is not None:
                await self._ask(stack, answer, scope, receive, door)
            else:
                await self._ask(stack, answer, turn.for_modern(scope), receive)
                if answer.failed:
                    await self._fail_over(answer, scope, receive)
        finally:
            self._running.discard(answer)
            self._turns.end(turn)

    def cancel_overdue(self, excused: float = 0.0) -> None:
        """Ends the waiting for answers that have not begun within the deadline."""
        latest = perf_counter() - self._deadline
        for answer in list(self._running):
            answer.since += excused
            if answer.since < latest and not answer.status and answer.task is not None:
                answer.overdue = True
                answer.task.cancel()

    def who_runs(self, task: Task[Any] | None, frame: FrameType | None = None) -> Running | None:
        """The request that a task answers; may be called in another thread.

        Starlette's BaseHTTPMiddleware runs an app in a task of its own: then `frame` tells.
        """
        running = self._running.copy()
        found = next((one for one in running if one.task is task), None)
        if found is None:
            by_id = {one.request_id[1]: one for one in running}
            known = (by_id[name] for name in request_ids(frame) if name in by_id)
            found = next(known, None)
        return Running(found.route, found.asked) if found and found.asked else None

    async def _ask(
        self,
        stack: Stack,
        answer: Answer,
        scope: Scope,
        receive: Receive,
        app: App | None = None,
    ) -> None:
        """Lets a stack, or `app` in its place, answer.

        What it raises goes on to the server, unless another may answer.
        """
        self.in_flight[stack] += 1
        answer.asked = stack
        try:
            await (app or self.stacks[stack])(scope, receive, answer.send)
            answer.finish()
        except CancelledError:
            if not answer.overdue or answer.task is None:
                raise
            answer.task.uncancel()
        except BaseException as error:
            answer.blame(error)
            # The server answers as it would for the bare app; cut in the middle counts as failed too.
            if not answer.fail(500) and not answer.dropped:
                if not answer.left and not isinstance(error, ClientTooSlow):
                    answer.status = 500
                raise _harmless(error) from error.__cause__
        finally:
            self.in_flight[stack] -= 1
        if answer.too_large or answer.overdue:
            await self._refuse_in_its_place(answer)

    async def _refuse(self, answer: Answer, status: int) -> None:
        """No stack is asked."""
        if status == LOOP:
            await refuse(answer.send, status, _LOOP_SAYS, fault=NOBODYS)
        else:
            await refuse(answer.send, status, self._too_large, _CLOSE, fault=NOBODYS)

    async def _refuse_in_its_place(self, answer: Answer) -> None:
        """The gateway's own answer where the stack's was not to be had."""
        if answer.too_large and not answer.status:
            answer.dropped = False
            await refuse(answer.send, 413, self._too_large, _CLOSE, fault=NOBODYS)
        elif answer.overdue and not answer.status:
            await self._refuse_overdue(answer)

    async def _refuse_overdue(self, answer: Answer) -> None:
        answer.fault = answer.fault or TIMEOUT
        if not answer.fail(504):
            await refuse(answer.send, 504, f"No answer within {self._deadline:g} seconds")

    async def _fail_over(self, answer: Answer, scope: Scope, receive: Receive) -> None:
        """Legacy answers what modern failed; the request has no body, so it can be asked again."""
        answer.again(self._turns.served_by[Stack.LEGACY])
        await self._ask(Stack.LEGACY, answer, scope, from_the_start(receive))


def _harmless(error: BaseException) -> BaseException:
    """An app that exits ends its request, not the worker."""
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return RuntimeError(f"the app raised {type(error).__name__}")
    return error
