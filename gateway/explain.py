"""Why a request goes where it goes: the hot path's own `decide`, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import Any
from urllib.parse import unquote

from gateway.assignment import Decision, decide
from gateway.door.outcome import Outcome
from gateway.endpoints import Inventory
from gateway.head import OVERRIDE, Header, HeadReader
from gateway.override import Overrides
from gateway.plan.compile import compile_plan
from gateway.plan.document import Document
from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.words import Phase, Reason, Stack


@dataclass(frozen=True, slots=True)
class Question:
    """A request that somebody wonders about."""

    method: str
    path: str  # as a client would send it, with or without a query
    headers: Sequence[Header] = ()
    client: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Trace:
    """Every step of one decision."""

    route: Route | None
    unit: str
    override: Stack | None
    table: RouteTable
    decision: Decision
    said: Outcome | None = None  # by the front door, where no route is reached

    def as_json(self) -> dict[str, Any]:
        return {
            "route": self.route.id if self.route else None,
            "front_door": self.said._asdict() if self.said else None,
            "plan_version": self.table.version,
            "unit": self.unit,
            "cohort": self.route.cohort if self.route else None,
            "bucket": self.decision.bucket,
            "steps": self.steps(),
            "stack": self.decision.stack,
            "reason": self.decision.reason,
        }

    def steps(self) -> dict[str, str]:
        """The reasons in their order, up to the one that decided."""
        reasons = list(Reason)
        reached = reasons[: reasons.index(self.decision.reason) + 1]
        return {reason.value: self._step(reason) for reason in reached}

    def _step(self, reason: Reason) -> str:
        route, table = self.route, self.table
        split = route.split if route else 0
        texts = {
            Reason.KILL_SWITCH: "on: everything to legacy" if table.kill_switch else "off",
            Reason.PHASE: f"{table.phase}" + ("" if table.phase is Phase.GRADUAL else ": decides"),
            Reason.MODERN_MISSING: _modern_missing(route, table),
            Reason.LEGACY_MISSING: _served(Stack.LEGACY, route.legacy if route else table.legacy),
            Reason.OVERRIDE: self.override or "none that holds",
            Reason.PINNED: "not known here: workers remember which stack had an Idempotency-Key",
            Reason.BREAKER: "not known here: workers see for themselves whether modern fails",
            Reason.SPLIT: f"{split * 100 / SPACE:g} %: modern has the buckets below {split}",
        }
        return str(texts[reason])


def explained(
    settings: Settings, inventory: Inventory, document: Document, version: int, asked: Question
) -> Trace:
    """The decision for one request under a plan. Raises PlanRefused."""
    secret = settings.secret_bytes()
    table = compile_plan(document, inventory, version=version, secret=secret)
    reader = HeadReader(document.plan.unit_sources, settings.trusted_proxies)
    pairs = list(asked.headers)
    found, _ = reader.read(pairs)
    unit = reader.unit(found, {"client": (asked.client, 0), "headers": pairs})
    override = None
    if OVERRIDE in found:
        override = Overrides(secret).verify(found[OVERRIDE], time())
    decoded = "/" + unquote(asked.path.partition("?")[0]).lstrip("/")
    domain = table.domain(found, "http")
    matched = table.match(asked.method, decoded, domain)
    route = matched.route if matched else None
    said = None if matched else table.outcome(asked.method, decoded, domain)
    decision = decide(table, route, unit, override)
    return Trace(route, unit.decode("latin-1"), override, table, decision, said)


def _modern_missing(route: Route | None, table: RouteTable) -> str:
    if route is not None:
        return _served(Stack.MODERN, route.modern)
    if not table.legacy:
        return "no: there is no other stack"
    return "yes: no route; modern may serve it, but no rule opens it"


def _served(stack: Stack, serves: bool) -> str:
    return f"no: {stack} serves it" if serves else f"yes: {stack} does not serve it"
