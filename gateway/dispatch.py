"""THE HOT PATH: match, decide, forward, respond, observe. Read this first.

    request ─► 1 match    route    = table.match(method, path)          as legacy's own rules do
               2 decide   decision = decide(table, route, unit, …)
               3 forward  await stacks[decision.stack](scope, receive, answer.send)
               4 respond  messages go straight to the server; two headers are added to the first
               5 observe  every observer sees the exchange after the last byte

`plan` is one reference to an immutable object, read once per request: no request is ever answered by
half of one plan and half of another.

Where modern fails a safe request before the first byte, legacy answers instead, once (`_fail_over`); it
counts against modern all the same.
"""

import re
from asyncio import CancelledError, Task, current_task
from binascii import hexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import getrandbits
from time import perf_counter, time
from types import FrameType
from typing import Any, Final

import structlog

from gateway.answer import Answer, ClientTooSlow
from gateway.assignment import Decision, decide
from gateway.breakers import CLIENT_LEFT, Breakers
from gateway.door.entry import Matched
from gateway.exchange import Exchange, Observer, exchange_of
from gateway.failover import Budget
from gateway.faults import NOBODYS, TIMEOUT
from gateway.head import (
    IDEMPOTENCY_KEY,
    OURS,
    OVERRIDE,
    REQUEST_ID,
    Header,
    HeadReader,
    clean,
    has_body,
    spelled,
)
from gateway.messages import FOUND, OWN, TASK, App, Message, Receive, Scope, Send
from gateway.observe.lag import Running, request_ids
from gateway.observe.metrics import HEADERS_DROPPED
from gateway.override import Overrides
from gateway.pins import Pins, pin_of
from gateway.refusal import refuse
from gateway.routes import Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.words import UNMATCHED, Reason, Stack

_CLOSE: Final = (b"connection", b"close")
_LENGTH: Final = b"content-length"
_CODING: Final = b"transfer-encoding"
_DECIDED: Final = 8192  # decisions of a plan that are kept, 3 MB: a client comes again
_SAFE: Final = frozenset({"GET", "HEAD"})
_SANE_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ActivePlan:
    """What one plan version means to the hot path; swapped as a whole."""

    table: RouteTable
    reader: HeadReader
    door: App | None = None  # answers what no route is for, where there is no legacy to do it
    decided: dict[tuple[str, bytes], Decision] = field(default_factory=dict)  # by route and unit


class Dispatch:
    """The ASGI app behind the port. `plan` and `stacks` are set before the first request."""

    def __init__(
        self,
        observers: Sequence[Observer],
        overrides: Overrides,
        settings: Settings,
        breakers: Breakers | None = None,
    ) -> None:
        self.plan: ActivePlan
        self.stacks: Mapping[Stack, App] = {}
        self.in_flight = dict.fromkeys(Stack, 0)
        self.budget = Budget()
        self.breakers = breakers or Breakers()
        self._observers = [self.breakers, *observers]
        self._overrides = overrides
        self._pins = Pins()
        self._running: set[Answer] = set()
        self._deadline, self._body_limit = settings.deadline, settings.body_limit
        self._served_by: Mapping[Stack, tuple[Header, ...]] = {
            stack: ((b"x-served-by", stack.value.encode()),) if settings.served_by else ()
            for stack in Stack
        }
        self._too_large = f"Request body too large: at most {settings.body_limit} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        at, plan = time(), self.plan
        table, method, path = plan.table, scope["method"], scope["path"]
        path = _with_one_slash(path) if path.startswith("//") else path
        by_edge = scope.pop(FOUND, None)
        found, dirty = plan.reader.read(scope["headers"], by_edge)
        if dirty:
            _drop_headers(scope)
        domain = table.domain(found, scope["scheme"]) if table.by_host else ""
        matched = table.match(method, path, domain)
        route = matched.route if matched else None
        decision = self._decide(plan, route, found, scope)
        stack, reason, _ = decision
        request_id = _request_id(found.get(REQUEST_ID), scope)
        task = scope.pop(TASK, None) or current_task()
        answer = Answer(send, self._served_by[stack], request_id, task)
        answer.by_edge = by_edge is not None
        answer.route = name = route.id if route else UNMATCHED
        breaker = self.breakers.tripped.get(name)
        barred = breaker is not None and stack is not Stack.MODERN and not breaker.admitting
        framed = _LENGTH in found or _CODING in found
        if framed and has_body(found):
            receive = answer.receiving(receive, self._body_limit)
        elif route is not None and stack is Stack.MODERN and method in _SAFE:
            # Not where somebody asked for modern by an override, nor where there is no other stack.
            by_split = route.failover and reason is Reason.SPLIT
            answer.budget = self.budget if by_split else None
        self.budget.requests += 1
        self._running.add(answer)
        try:
            if framed and _declared(found) > self._body_limit:
                await refuse(answer.send, 413, self._too_large, _CLOSE, fault=NOBODYS)
            elif stack is Stack.LEGACY:
                await self._ask(stack, answer, scope, receive)
            elif matched is None and plan.door is not None:
                await self._ask(stack, answer, scope, receive, plan.door)
            else:
                await self._ask(stack, answer, _for_modern(scope, matched), receive)
                if answer.failed:
                    await self._fail_over(answer, scope, receive)
        finally:
            self._running.discard(answer)
            self._observe(
                exchange_of(
                    (
                        at,
                        request_id.decode(),
                        name,
                        method,
                        path,
                        decision,
                        table.version,
                        answer.status or CLIENT_LEFT,
                        perf_counter() - answer.began,
                        answer.failed,
                        answer.over_budget,
                        answer.fault,
                        breaker is not None,
                        barred,
                    )
                )
            )

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
        answer.again(self._served_by[Stack.LEGACY])
        await self._ask(Stack.LEGACY, answer, scope, _from_the_start(receive))

    def _decide(
        self, plan: ActivePlan, route: Route | None, found: dict[bytes, bytes], scope: Scope
    ) -> Decision:
        unit = plan.reader.unit(found, scope)
        if self.breakers.tripped or OVERRIDE in found or IDEMPOTENCY_KEY in found:
            return self._decide_anew(plan, route, found, unit)
        asked = (route.id if route else UNMATCHED, unit)
        decision = plan.decided.get(asked)
        if decision is None:
            if len(plan.decided) >= _DECIDED:
                plan.decided.clear()
            decision = plan.decided[asked] = decide(plan.table, route, unit)
        return decision

    def _decide_anew(
        self, plan: ActivePlan, route: Route | None, found: dict[bytes, bytes], unit: bytes
    ) -> Decision:
        """Where a breaker, an override or a pin may have a say."""
        broken = self.breakers.refuses if self.breakers.tripped else None
        override = self._overrides.verify(found[OVERRIDE], time()) if OVERRIDE in found else None
        if IDEMPOTENCY_KEY not in found:
            return decide(plan.table, route, unit, override, None, broken)
        pin = pin_of(unit, found[IDEMPOTENCY_KEY])
        decision = decide(plan.table, route, unit, override, self._pins.get(pin), broken)
        self._pins.keep(pin, decision.stack)
        return decision

    def _observe(self, exchange: Exchange) -> None:
        for observer in self._observers:
            try:
                observer.observe(exchange)
            except Exception:
                _log.exception("observer.failed", observer=type(observer).__name__)


def _with_one_slash(path: str) -> str:
    """`//api` is `/api` to Flask, whatever spells the second slash: so it is to the table."""
    return "/" + path.lstrip("/")


def _for_modern(scope: Scope, matched: Matched | None) -> Scope:
    """A copy, for an app may write into its scope, under the path that modern's template has."""
    copy = {**scope}
    if matched is not None and matched.route.own:
        copy[OWN] = True
    elif matched is not None and matched.path:
        copy["path"], copy["raw_path"] = matched.path, spelled(matched.path)
    elif copy["path"].startswith("//"):
        copy["path"] = path = _with_one_slash(copy["path"])
        copy["raw_path"] = spelled(path)
    return copy


def _drop_headers(scope: Scope) -> None:
    """Those that never reach a stack."""
    headers: Sequence[Header] = scope["headers"]
    scope["headers"] = clean(headers)
    for name, _ in headers:
        if b"_" in name:
            HEADERS_DROPPED.labels("underscore").inc()
        elif name.startswith(OURS) and name != OVERRIDE:
            HEADERS_DROPPED.labels("banyan").inc()


def _request_id(given: bytes | None, scope: Scope) -> bytes:
    """The client's request id if it is sane, else a new one; either way the stack gets it."""
    headers: Sequence[Header] = scope["headers"]
    if given is not None:
        if _SANE_ID.fullmatch(given):
            return given
        headers = [header for header in headers if header[0] != REQUEST_ID]
    made = hexlify(getrandbits(64).to_bytes(8))  # an id, no secret
    scope["headers"] = [*headers, (REQUEST_ID, made)]
    return made


def _harmless(error: BaseException) -> BaseException:
    """An app that exits ends its request, not the worker."""
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return RuntimeError(f"the app raised {type(error).__name__}")
    return error


def _declared(found: Mapping[bytes, bytes]) -> int:
    """The body's length as the client declares it; 0 if it does not."""
    length = found.get(_LENGTH, b"")
    return int(length) if length.isdigit() else 0


def _from_the_start(receive: Receive) -> Receive:
    """A `receive` for an app that has not been told yet that the request has no body."""
    told = False

    async def anew() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return anew
