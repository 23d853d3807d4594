"""THE HOT PATH: match, decide, forward, respond, observe. Read this first.

    request ─► 1 match    route    = table.match(method, path)
               2 decide   decision = decide(table, route, unit, …)
               3 forward  await stacks[decision.stack](scope, receive, observed_send)
               4 respond  messages go straight to the server; two headers are added to the first
               5 observe  every observer sees the exchange after the last byte

`plan` is one reference to an immutable object, read once per request: no request is ever answered by
half of one plan and half of another.
"""

import re
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from random import getrandbits
from time import perf_counter, time
from typing import Any, Final

import structlog

from gateway.assignment import Decision, decide
from gateway.exchange import Exchange, Observer
from gateway.head import IDEMPOTENCY_KEY, OVERRIDE, REQUEST_ID, Header, HeadReader, clean
from gateway.override import Overrides
from gateway.pins import Pins, pin_of
from gateway.routing import Route, RouteTable
from gateway.words import Stack

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNMATCHED: Final = "unmatched"
CLIENT_LEFT: Final = 499  # nginx's number for a client that closed before the answer began
_SANE_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ActivePlan:
    """What one plan version means to the hot path; swapped as a whole."""

    table: RouteTable
    reader: HeadReader


class Dispatch:
    """The ASGI app behind the port. `plan` and `stacks` are set before the first request."""

    def __init__(
        self, observers: Sequence[Observer], overrides: Overrides, *, served_by: bool = True
    ) -> None:
        self.plan: ActivePlan
        self.stacks: Mapping[Stack, App] = {}
        self.in_flight = dict.fromkeys(Stack, 0)
        self._observers = observers
        self._overrides = overrides
        self._pins = Pins()
        self._served_by = {
            stack: ((b"x-served-by", stack.value.encode()),) if served_by else () for stack in Stack
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, at = perf_counter(), time()
        plan = self.plan
        found = _read(plan.reader, scope)
        path = _path(scope)
        route = plan.table.match(scope["method"], path)
        decision = self._decide(plan, route, found, scope)
        stack = decision.stack
        request_id = _request_id(found, scope)
        ours = (*self._served_by[stack], (REQUEST_ID, request_id))
        status, left = 0, False

        async def observed_send(message: Message) -> None:
            nonlocal status, left
            starts = message["type"] == "http.response.start"
            if starts:
                message["headers"] = [*message.get("headers", ()), *ours]
            try:
                await send(message)
            except OSError:  # some servers raise when the client has left, others go silent
                left = True
                raise
            if starts:
                status = message["status"]

        self.in_flight[stack] += 1
        try:
            await self.stacks[stack](scope, receive, observed_send)
        except CancelledError:
            raise
        except (SystemExit, KeyboardInterrupt) as error:  # they would end the worker
            status = 500
            raise RuntimeError(f"the app raised {type(error).__name__}") from error
        except BaseException:
            # The server answers as it would for the bare app; cut in the middle counts as failed too.
            status = status if left else 500
            raise
        finally:
            self.in_flight[stack] -= 1
            self._observe(
                Exchange(
                    at,
                    request_id.decode(),
                    route.id if route else UNMATCHED,
                    scope["method"],
                    path,
                    decision,
                    plan.table.version,
                    status or CLIENT_LEFT,
                    perf_counter() - began,
                )
            )

    def _decide(
        self, plan: ActivePlan, route: Route | None, found: dict[bytes, bytes], scope: Scope
    ) -> Decision:
        unit = plan.reader.unit(found, scope)
        override = self._overrides.verify(found[OVERRIDE], time()) if OVERRIDE in found else None
        if IDEMPOTENCY_KEY not in found:
            return decide(plan.table, route, unit, override)
        pin = pin_of(unit, found[IDEMPOTENCY_KEY])
        decision = decide(plan.table, route, unit, override, self._pins.get(pin))
        self._pins.keep(pin, decision.stack)
        return decision

    def _observe(self, exchange: Exchange) -> None:
        for observer in self._observers:
            try:
                observer.observe(exchange)
            except Exception:
                _log.exception("observer.failed", observer=type(observer).__name__)


def _path(scope: Scope) -> str:
    """`//api` is `/api` to Flask, whatever spells the second slash: so it is to the table."""
    path: str = scope["path"]
    return "/" + path.lstrip("/") if path.startswith("//") else path


def _read(reader: HeadReader, scope: Scope) -> dict[bytes, bytes]:
    headers: Sequence[Header] = scope["headers"]
    found, dirty = reader.read(headers)
    if dirty:
        scope["headers"] = clean(headers)
    return found


def _request_id(found: dict[bytes, bytes], scope: Scope) -> bytes:
    """The client's request id if it is sane, else a new one; either way the stack gets it."""
    given = found.get(REQUEST_ID)
    if given is not None and _SANE_ID.fullmatch(given):
        return given
    made = b"%016x" % getrandbits(64)  # 64 random bits: an id, no secret
    kept = (
        scope["headers"] if given is None else [h for h in scope["headers"] if h[0] != REQUEST_ID]
    )
    scope["headers"] = [*kept, (REQUEST_ID, made)]
    return made
