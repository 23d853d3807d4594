"""`banyan validate` and `banyan explain`: the plan's own compiler and the hot path's own `decide`."""

from dataclasses import dataclass, replace
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import unquote

from gateway.assignment import Decision, decide
from gateway.cli.text import printable
from gateway.door.outcome import Outcome
from gateway.endpoints import Inventory, Told
from gateway.errors import BanyanError
from gateway.head import OVERRIDE, HeadReader
from gateway.inventory import read_inventory
from gateway.override import Overrides
from gateway.parity.gate import gate_of
from gateway.plan.compile import compile_plan
from gateway.plan.document import Document, PlanRefused, parse
from gateway.plan.file import read_plan
from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.stacks.host import exported
from gateway.stacks.load import told_at
from gateway.words import Phase, Reason, Stack


class NoInventory(BanyanError):
    """Neither settings nor an earlier start tell which routes there are."""

    exit_code = 2


def known_inventory(settings: Settings) -> Inventory:
    """What the stacks serve: asked from the apps that the settings name, else as last seen.

    Raises NoInventory and StackNotFound.
    """
    if settings.legacy is None and settings.modern is None:
        stored = read_inventory(settings.inventory_path)
        if stored is None:
            raise NoInventory(
                "which routes are there? Name the stacks (--legacy, --modern), or start "
                f"`banyan up` once: it leaves {settings.inventory_path}"
            )
        return stored
    inventory = Inventory()
    return inventory.with_legacy(_told(settings, Stack.LEGACY)).with_modern(
        _told(settings, Stack.MODERN)
    )


def check(settings: Settings, file: Path) -> tuple[list[str], str]:
    """What is wrong with a plan file, as `file:line: …`, and a line about it if nothing is."""
    try:
        inventory = known_inventory(settings)
        document = parse(read_plan(file))
        gate = gate_of(settings, inventory)
        table = compile_plan(
            document, inventory, version=0, secret=settings.secret_bytes(), gate=gate
        )
    except PlanRefused as refusal:
        return [f"{file}: {problem}" for problem in refusal.problems], ""
    split = sum(route.split > 0 for route in table.routes)
    return (
        [],
        f"{file}: accepted; phase {table.phase}, {len(table.routes)} routes, {split} above 0 %",
    )


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
            "unit": self.unit,
            "bucket": self.decision.bucket,
            "steps": self.steps(),
            "stack": self.decision.stack,
            "reason": self.decision.reason,
        }

    def as_text(self) -> str:
        label = self.route.id if self.route else f"no route of the table: unmatched{self._said()}"
        lines = [
            ("route", label),
            ("unit", f"{self.unit} → bucket {self.decision.bucket} of {SPACE}"),
        ]
        lines += self.steps().items()
        lines.append(("answer", f"{self.decision.stack} ({self.decision.reason})"))
        return "\n".join(f"  {name:<15} {printable(text)}" for name, text in lines)

    def _said(self) -> str:
        if self.said is None:
            return ""
        what = self.said.location or ", ".join(self.said.allow)
        return f"; the front door says {self.said.status}{what and f' ({what})'}"

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
            Reason.SPLIT: f"{split * 100 / SPACE:g} %: modern has the buckets below {split}",
        }
        return str(texts[reason])


def explained(settings: Settings, method: str, path: str, headers: list[str], client: str) -> Trace:
    """The decision for one request under the plan in the file. Raises PlanRefused, NoInventory."""
    document, table = _compiled(settings, settings.plan)
    reader = HeadReader(document.plan.unit_sources, settings.trusted_proxies)
    pairs = [_pair(header) for header in headers]
    found, _ = reader.read(pairs)
    unit = reader.unit(found, {"client": (client, 0), "headers": pairs})
    override = None
    if OVERRIDE in found:
        override = Overrides(settings.secret_bytes()).verify(found[OVERRIDE], time())
    decoded = "/" + unquote(path.partition("?")[0]).lstrip("/")
    domain = table.domain(found, "http")
    matched = table.match(method, decoded, domain)
    route = matched.route if matched else None
    said = None if matched else table.outcome(method, decoded, domain)
    decision = decide(table, route, unit, override)
    return Trace(route, unit.decode("latin-1"), override, table, decision, said)


def _told(settings: Settings, stack: Stack) -> Told:
    value = settings.legacy if stack is Stack.LEGACY else settings.modern
    told = told_at(f"BANYAN_{stack.upper()}", value) if value else Told(())
    file = exported(settings, stack) if not told.served else None
    return told if file is None else replace(file, served=file.served if value else ())


def _compiled(settings: Settings, file: Path) -> tuple[Document, RouteTable]:
    document = parse(read_plan(file))
    secret = settings.secret_bytes()
    return document, compile_plan(document, known_inventory(settings), version=0, secret=secret)


def _modern_missing(route: Route | None, table: RouteTable) -> str:
    if route is not None:
        return _served(Stack.MODERN, route.modern)
    if not table.legacy:
        return "no: there is no other stack"
    return "yes: no route; modern may serve it, but no rule opens it"


def _served(stack: Stack, serves: bool) -> str:
    return f"no: {stack} serves it" if serves else f"yes: {stack} does not serve it"


def _pair(header: str) -> tuple[bytes, bytes]:
    name, _, value = header.partition(":")
    return name.strip().lower().encode(), value.strip().encode(errors="surrogateescape")
