"""What a split would do to the clients that access logs tell of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from gateway.endpoints import parse_endpoint
from gateway.plan.diff import rule_key
from gateway.plan.patterns import is_pattern, matches, rank
from gateway.routes import SPACE
from gateway.whatif import Asked, Change, Seen, what_if
from gateway.words import UNMATCHED, Phase

if TYPE_CHECKING:
    from gateway.cli.client import Client

_PERCENT: Final = 100 / SPACE
_COHORT: Final = "migration"


@dataclass(frozen=True, slots=True)
class InForce:
    """What the plan in force says; nothing where there is none."""

    phase: Phase = Phase.GRADUAL
    kill_switch: bool = False
    splits: Mapping[str, float] = field(default_factory=dict)  # percent, of routes that can move
    fixed: frozenset[str] = frozenset()  # routes that one stack serves alone
    cohorts: Mapping[str, str] = field(default_factory=dict)  # by route or pattern of a rule
    cohort: str = _COHORT

    def share(self, route: str) -> int:
        """Buckets of modern, all things considered."""
        if self.kill_switch or self.phase is Phase.PARALLEL:
            return 0
        if self.phase is Phase.FULL:
            return SPACE
        return round(self.splits.get(route, 0.0) / _PERCENT)

    def cohort_of(self, route: str) -> str:
        """As the plan's compiler finds it: the rule that names it, then the closest pattern."""
        endpoint = parse_endpoint(route)
        for rule, cohort in self.cohorts.items():
            if not is_pattern(rule) and rule_key(rule) == rule_key(route):
                return cohort
        found = [rule for rule in self.cohorts if is_pattern(rule) and matches(rule, endpoint)]
        return self.cohorts[max(found, key=rank)] if found else self.cohort


@dataclass(frozen=True, slots=True)
class Row:
    """One route."""

    route: str
    before: float  # percent for modern
    after: float
    buckets: tuple[int, int]  # who moves has one of these: from the first to before the second
    clients: int
    moving: int
    to: str  # the stack they move to
    requests: int
    theirs: int  # requests of those who move
    first: float | None  # seconds since 1970
    last: float | None

    @property
    def share(self) -> float:
        """Of the requests, those of clients who move; 0 to 1."""
        return self.theirs / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """All routes, and what to know of the logs."""

    rows: tuple[Row, ...]
    clients: int  # seen on one of the routes
    moved: int  # of them, on one route at least
    seen: Seen
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # routes that were asked for
    hint: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "routes": [{**asdict(row), "share": row.share} for row in self.rows],
            "clients": self.clients,
            "moved": self.moved,
            "requests": self.seen.requests,
            "earlier": self.seen.earlier,
            "left_out": self.seen.left_out,
            "other_lines": self.seen.other,
            "notes": list(self.notes),
        }


def in_force(client: "Client") -> InForce:
    """Of the control plane; an empty one where nobody has made a plan. Raises Refused, NoControlPlane."""
    from gateway.cli.answers import Refused
    from gateway.cli.inventory import NoInventory

    try:
        report = client.ask("GET", "/routes")
        plan = client.ask("GET", "/plan")["plan"]
    except NoInventory:
        return InForce()
    except Refused as refused:
        if refused.status != 409:
            raise
        return InForce()
    default = plan["defaults"]["cohort"]
    rows = report["routes"]
    return InForce(
        Phase(report["plan"]["phase"]),
        report["plan"]["kill_switch"],
        {row["route"]: row["split"] for row in rows if row["split"] is not None},
        frozenset(row["route"] for row in rows if row["split"] is None and row["served"]),
        {rule["route"]: rule["cohort"] or default for rule in plan["routes"]},
        default,
    )


def forecast(seen: Seen, plan: InForce, routes: Sequence[str], after: int) -> Forecast:
    """`routes` are names or patterns; none: every route that the logs tell of and that can move."""
    known = dict.fromkeys([*plan.splits, *seen.routes])
    movable = [route for route in known if route not in plan.fixed and route != UNMATCHED]
    asked_for = [route for route in movable if route in seen.routes]
    unknown = tuple(route for route in routes if not _named(route, movable))
    if unknown:
        return Forecast((), 0, 0, seen, unknown=unknown, hint=_hint(unknown[0], movable, plan))
    asked = [
        one
        for route in routes
        for one in _named(route, asked_for if is_pattern(route) else movable)
    ]
    changes = [
        Change(route, plan.cohort_of(route), plan.share(route), after)
        for route in dict.fromkeys(asked if routes else asked_for)
    ]
    found = what_if(changes, seen.samples())
    rows = tuple(_row(change, seen.routes.get(change.route)) for change in changes)
    notes = tuple(_notes(found.moved, found.clients, len(rows), seen, plan))
    return Forecast(rows, found.clients, found.moved, seen, notes)


def _named(route: str, known: Sequence[str]) -> list[str]:
    """The known routes that a name or a pattern means, whatever its variables are called."""
    if " " not in route:
        return []
    if is_pattern(route):
        return [one for one in known if matches(route, parse_endpoint(one))]
    return [one for one in known if rule_key(one) == rule_key(route)]


def _hint(route: str, known: Sequence[str], plan: InForce) -> str:
    if any(rule_key(route) == rule_key(one) for one in plan.fixed):
        return ": one stack serves it alone, nobody can move"
    near = get_close_matches(route, known, 1)
    return f"; nearest: {near[0]}" if near else ""


def _row(change: Change, asked: Asked | None) -> Row:
    low, high = sorted((change.before, change.after))
    asked = asked or Asked(0.0, 0.0)
    return Row(
        change.route,
        change.before * _PERCENT,
        change.after * _PERCENT,
        (low, high),
        clients=len(asked.requests),
        moving=asked.sample().clients(low, high),
        to="modern" if change.after > change.before else "legacy",
        requests=asked.between(),
        theirs=asked.between(low, high),
        first=asked.first if asked.requests else None,
        last=asked.last if asked.requests else None,
    )


def _notes(moved: int, clients: int, routes: int, seen: Seen, plan: InForce) -> Iterator[str]:
    if routes > 1:
        yield f"all together: {moved} of {clients} clients move on at least one route"
    earlier = f", {seen.earlier} earlier left out" if seen.earlier else ""
    yield f"{_count(seen.requests, 'request')} read{earlier}"
    if seen.left_out:
        yield f"not counted: {_count(seen.left_out, 'request')} on further routes"
    if seen.other:
        is_ = "is" if seen.other == 1 else "are"
        yield f"{_count(seen.other, 'line')} {is_} none of an access log"
    if plan.kill_switch:
        yield "the kill switch is on: no split decides before `banyan resume`"
    elif plan.phase is not Phase.GRADUAL:
        yield f"the phase is {plan.phase}: no split decides before `banyan phase gradual`"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
