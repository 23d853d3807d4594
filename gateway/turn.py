"""What is done for a request at once: matched and decided when it comes, shown to the observers at its end.

All of it is compiled (pyproject.toml), and nothing of it waits: a traceback that crosses a compiled
coroutine is lost, so those that an app's errors pass are in `dispatch`.
"""

import re
from asyncio import current_task
from binascii import hexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import getrandbits
from time import perf_counter, time
from typing import Final

import structlog

from gateway.answer import Answer
from gateway.assignment import Decision, decide
from gateway.breakers import CLIENT_LEFT, Breakers
from gateway.door.entry import Matched
from gateway.exchange import Exchange, Observer, exchange_of
from gateway.failover import Budget
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
from gateway.judge.breaker import Breaker
from gateway.messages import FOUND, OWN, TASK, App, Receive, Scope, Send
from gateway.observe.metrics import HEADERS_DROPPED
from gateway.override import Overrides
from gateway.pins import Pins, pin_of
from gateway.routes import Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.shadow.live import Shadows
from gateway.shadow.marker import SHADOW
from gateway.shadow.tap import Tap
from gateway.words import UNMATCHED, Reason, Stack

LOOP: Final = 508  # Loop Detected (RFC 5842)
_TOO_LARGE: Final = 413
_LENGTH: Final = b"content-length"
_CODING: Final = b"transfer-encoding"
_SAFE: Final = frozenset({"GET", "HEAD"})
_SANE_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_MODERN: Final = Stack.MODERN  # a look into an enum takes longer than all that is done with it here
_SPLIT: Final = Reason.SPLIT
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ActivePlan:
    """What one plan version means to the hot path; swapped as a whole."""

    table: RouteTable
    reader: HeadReader
    door: App | None = None  # answers what no route is for, where there is no legacy to do it


class Turn:
    """One request, from its match to its last byte."""

    __slots__ = (
        "answer", "at", "barred", "decision", "matched", "method", "path", "receive", "refused", "tap",
        "tripped", "version",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913, PLR0917 (one call, and positions are what is cheap)
        self,
        at: float,
        method: str,
        path: str,
        version: int,
        matched: Matched | None,
        decision: Decision,
        answer: Answer,
        receive: Receive,
        breaker: Breaker | None,
    ) -> None:
        self.at = at  # seconds since 1970
        self.method = method
        self.path = path
        self.version = version  # of the plan
        self.matched = matched
        self.decision = decision
        self.answer = answer
        self.receive = receive
        self.refused = 0  # the status that it gets from the gateway itself
        self.tap: Tap | None = None  # what copies the answer, if it is shadowed
        self.tripped = breaker is not None
        stack = decision.stack
        self.barred = breaker is not None and stack is not _MODERN and not breaker.admitting

    def for_modern(self, scope: Scope) -> Scope:
        """A copy, for an app may write into its scope, under the path that modern's template has."""
        copy = scope.copy() if isinstance(scope, dict) else {**scope}
        matched = self.matched
        if matched is not None and matched.route.own:
            copy[OWN] = True
        elif matched is not None and matched.path:
            copy["path"], copy["raw_path"] = matched.path, spelled(matched.path)
        elif copy["path"].startswith("//"):
            copy["path"] = path = _with_one_slash(copy["path"])
            copy["raw_path"] = spelled(path)
        return copy

    def exchange(self) -> Exchange:
        """What became of it."""
        answer = self.answer
        return exchange_of(
            (
                self.at,
                answer.request_id[1].decode(),
                answer.route,
                self.method,
                self.path,
                self.decision,
                self.version,
                answer.status or CLIENT_LEFT,
                perf_counter() - answer.began,
                answer.failed,
                answer.over_budget,
                answer.fault,
                self.tripped,
                self.barred,
            )
        )


class Turns:
    """Begins and ends the turns of one worker."""

    def __init__(
        self,
        observers: Sequence[Observer],
        overrides: Overrides,
        settings: Settings,
        breakers: Breakers,
        budget: Budget,
    ) -> None:
        self.shadows: Shadows | None = None
        self._observers = list(observers)
        self._overrides = overrides
        self._breakers = breakers
        self._budget = budget
        self._pins = Pins()
        self._body_limit = settings.body_limit
        self.served_by: dict[Stack, tuple[Header, ...]] = {
            stack: ((b"x-served-by", stack.value.encode()),) if settings.served_by else ()
            for stack in Stack
        }

    def begin(self, plan: ActivePlan, scope: Scope, receive: Receive, send: Send) -> Turn:
        """Matches, decides, and takes from the scope what no app gets."""
        at, table = time(), plan.table
        method, path = scope["method"], scope["path"]
        path = _with_one_slash(path) if path.startswith("//") else path
        by_edge = scope.pop(FOUND, None)
        found, dirty = plan.reader.read(scope["headers"], by_edge)
        looped = dirty and self._drop_headers(scope, found)
        domain = table.domain(found, scope["scheme"]) if table.by_host else ""
        matched = table.match(method, path, domain)
        route = matched.route if matched else None
        decision = self._decide(plan, route, found, scope)
        request_id = _request_id(found.get(REQUEST_ID), scope)
        task = scope.pop(TASK, None) or current_task()
        tap = None
        if route is not None and route.shadow and (tap := self._tap(route, method, decision, send)):
            send = tap.send
        answer = Answer(send, self.served_by[decision.stack], request_id, task)
        answer.by_edge = by_edge is not None
        answer.route = route.id if route else UNMATCHED
        breaker = self._breakers.tripped.get(answer.route)
        turn = Turn(at, method, path, table.version, matched, decision, answer, receive, breaker)
        framed = _LENGTH in found or _CODING in found
        if framed and has_body(found):
            turn.receive = answer.receiving(receive, self._body_limit)
            if _declared(found) > self._body_limit:
                turn.refused = _TOO_LARGE
        elif route is not None and method in _SAFE and _may_fail_over(route, decision):
            answer.budget = self._budget
        if tap is not None:
            turn.tap = tap
            if turn.receive is receive:  # what has a body is not asked twice
                tap.keep(scope, turn.for_modern(scope))
        if looped:
            turn.refused = LOOP
        self._budget.requests += 1
        return turn

    def end(self, turn: Turn) -> None:
        """Shows it to the observers, and lets the other stack be asked."""
        if turn.tap is not None and self.shadows is not None:
            self.shadows.offer(turn.tap, turn.answer)
        exchange = turn.exchange()
        for observer in self._observers:
            try:
                observer.observe(exchange)
            except Exception:  # its bug costs neither the client nor the other observers
                _log.exception("observer.failed", observer=type(observer).__name__)

    def _decide(
        self, plan: ActivePlan, route: Route | None, found: dict[bytes, bytes], scope: Scope
    ) -> Decision:
        unit = plan.reader.unit(found, scope)
        if self._breakers.tripped or OVERRIDE in found or IDEMPOTENCY_KEY in found:
            return self._decide_otherwise(plan, route, found, unit)
        return decide(plan.table, route, unit)

    def _tap(self, route: Route, method: str, decision: Decision, send: Send) -> Tap | None:
        """None for most, and while modern fails so often that it is spared."""
        if self.shadows is None or method not in _SAFE or route.id in self._breakers.tripped:
            return None
        return self.shadows.tap(route, decision.stack, send)

    def _drop_headers(self, scope: Scope, found: dict[bytes, bytes]) -> bool:
        """Those that never reach a stack; True: one of them says that this is a shadow."""
        headers: Sequence[Header] = scope["headers"]
        scope["headers"] = clean(headers)
        for name, _ in headers:
            if b"_" in name:
                HEADERS_DROPPED.labels("underscore").inc()
            elif name.startswith(OURS) and name != OVERRIDE:
                HEADERS_DROPPED.labels("banyan").inc()
        marked = found.get(SHADOW)
        return marked is not None and self.shadows is not None and self.shadows.made(marked)

    def _decide_otherwise(
        self, plan: ActivePlan, route: Route | None, found: dict[bytes, bytes], unit: bytes
    ) -> Decision:
        """Where a breaker, an override or a pin may have a say."""
        broken = self._breakers.refuses if self._breakers.tripped else None
        override = self._overrides.verify(found[OVERRIDE], time()) if OVERRIDE in found else None
        if IDEMPOTENCY_KEY not in found:
            return decide(plan.table, route, unit, override, None, broken)
        pin = pin_of(unit, found[IDEMPOTENCY_KEY])
        decision = decide(plan.table, route, unit, override, self._pins.get(pin), broken)
        self._pins.keep(pin, decision.stack)
        return decision


def _with_one_slash(path: str) -> str:
    """`//api` is `/api` to Flask, whatever spells the second slash: so it is to the table."""
    return "/" + path.lstrip("/")


def _may_fail_over(route: Route, decision: Decision) -> bool:
    """Not where somebody asked for modern by an override, nor where there is no other stack."""
    return route.failover and decision.stack is _MODERN and decision.reason is _SPLIT


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


def _declared(found: Mapping[bytes, bytes]) -> int:
    """The body's length as the client declares it; 0 if it does not."""
    length = found.get(_LENGTH, b"")
    return int(length) if length.isdigit() else 0
