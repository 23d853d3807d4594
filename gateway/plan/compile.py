"""From a plan and what the stacks serve to a RouteTable. A plan that does not compile is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

from gateway.assignment import cohort_key
from gateway.endpoints import Endpoint, Inventory, Shape, parse_endpoint
from gateway.plan.document import Document, PlanRefused, Problem
from gateway.plan.gate import Gate
from gateway.plan.judging import Guard
from gateway.plan.model import SAMPLED, Plan, RouteRule
from gateway.plan.numbers import buckets
from gateway.plan.patterns import Patterns, is_pattern, matches, rank
from gateway.routes import Route
from gateway.routing import RouteTable
from gateway.words import Phase

_NEAREST: Final = (
    10  # problems that are told with the nearest right value: each takes a look at all routes
)


def compile_plan(
    document: Document,
    inventory: Inventory,
    *,
    version: int,
    secret: bytes,
    gate: Gate | None = None,
) -> RouteTable:
    """The table of one plan version.

    Raises PlanRefused with everything that contradicts, or that `gate` does not let through.
    """
    return _Compiler(document, inventory, secret).table(version, gate)


@dataclass(frozen=True, slots=True)
class Governed:
    """A route table, and by route's id the rule that governs it; defaults govern the others."""

    table: RouteTable
    rules: Mapping[str, RouteRule]
    defaults: Guard


def compile_governed(
    document: Document, inventory: Inventory, *, version: int, secret: bytes
) -> Governed:
    """As `compile_plan`, for who must know the rules. Raises PlanRefused likewise."""
    compiler = _Compiler(document, inventory, secret)
    table = compiler.table(version, None)
    rules = {route: placed.rule for route, placed in compiler.placed.items()}
    return Governed(table, rules, document.plan.defaults.guard)


@dataclass(slots=True)
class _Known:
    """A route as the stacks know it; `legacy`'s spelling is the label."""

    endpoint: Endpoint
    legacy: bool
    modern: bool


@dataclass(slots=True)
class _Rule:
    """A rule of the plan, and where it stands."""

    rule: RouteRule
    line: int
    place: str

    def refuse(self, message: str) -> Problem:
        return Problem(message, self.line, self.place)


@dataclass(slots=True)
class _Compiler:
    document: Document
    inventory: Inventory
    secret: bytes
    problems: list[Problem] = field(default_factory=list)
    known: dict[Shape, list[_Known]] = field(default_factory=dict)
    placed: dict[str, _Rule] = field(default_factory=dict)  # a route's id → the rule it is under

    def table(self, version: int, gate: Gate | None) -> RouteTable:
        self._learn()
        exact, patterns = self._rules()
        routes = [*self._named(exact), *self._others(exact, patterns)]
        if (
            self.plan.kill_switch
        ):  # it decides, whatever a rule says: an emergency waits for no typo
            self.problems.clear()
        self._check_stacks()
        if self.problems:
            raise PlanRefused(self.problems)
        table = RouteTable(
            tuple(routes),
            phase=self.plan.phase,
            version=version,
            kill_switch=self.plan.kill_switch,
            legacy=self.inventory.legacy != (),
            door=self.inventory.door,
            key=cohort_key(self.secret, self.plan.defaults.cohort),
        )
        refused = [self._refused(*refusal) for refusal in gate.refusals(table)] if gate else []
        if refused:
            raise PlanRefused(refused)
        return table

    def _refused(self, route: Route, message: str) -> Problem:
        placed = self.placed.get(route.id)
        return placed.refuse(message) if placed else Problem(message)

    @property
    def plan(self) -> Plan:
        return self.document.plan

    @property
    def _complete(self) -> bool:
        """Both apps tell what they serve, so that an unknown route is a typo."""
        return self.inventory.legacy is not None and self.inventory.modern is not None

    def _learn(self) -> None:
        there = self.inventory.legacy != ()
        for endpoint in self.inventory.spelled:
            known = _Known(endpoint, legacy=there, modern=self.inventory.modern is None)
            self.known.setdefault(endpoint.shape, []).append(known)
        for endpoint in self.inventory.modern or ():
            alone = _Known(endpoint, legacy=self.inventory.legacy is None, modern=False)
            for known in self.known.setdefault(endpoint.shape, [alone]):
                known.modern = True
        self._learn_mounts()

    def _learn_mounts(self) -> None:
        """An app that modern mounts serves every method below its path: static files, for one."""
        mounts = {e.shape[1] for e in self.inventory.modern or () if e.method == "*"}
        for (_, template), found in self.known.items():
            if template in mounts:
                for known in found:
                    known.modern = True
        for shape, found in list(self.known.items()):
            if not any(known.legacy or known.modern for known in found):
                del self.known[shape]  # legacy is gone, and nobody serves it any more

    def _rules(self) -> tuple[dict[Shape, _Rule], list[_Rule]]:
        """The rules that name one route, by shape, and the patterns."""
        exact: dict[Shape, _Rule] = {}
        patterns = []
        for index, rule in enumerate(self.plan.routes):
            placed = _Rule(rule, self.document.rule_lines[index], f"routes[{index}].route")
            shape = parse_endpoint(rule.route).shape
            if is_pattern(rule.route):
                patterns.append(placed)
            elif shape in exact:
                first = exact[shape].line
                self.problems.append(placed.refuse(f"{rule.route} stands already in line {first}"))
            else:
                exact[shape] = placed
        return exact, patterns

    def _named(self, exact: dict[Shape, _Rule]) -> Iterator[Route]:
        for shape, placed in exact.items():
            found = self.known.get(shape)
            if found is None and self._complete:
                self.problems.append(placed.refuse(self._unknown(placed.rule.route)))
                continue
            endpoint = parse_endpoint(placed.rule.route)
            for known in found or [_Known(endpoint, legacy=True, modern=True)]:
                self._check_served(placed, known)
                yield self._route(known, placed)

    def _others(self, exact: dict[Shape, _Rule], patterns: list[_Rule]) -> Iterator[Route]:
        """What no rule names: patterns, then the defaults. A route of modern alone stays closed."""
        used: set[int] = set()
        named = Patterns(placed.rule.route for placed in patterns)
        for shape, found in self.known.items():
            for known in found if shape not in exact else ():
                matching = named.matching(known.endpoint)
                used.update(matching)
                rule = self._first(known, [patterns[number] for number in sorted(matching)])
                if rule is not None and known.legacy and known.modern:
                    yield self._route(known, rule)
                elif known.legacy or (self._without_legacy and self._is_new(known.endpoint)):
                    yield self._route(known, None)
        for index, placed in enumerate(patterns):
            if self._complete and index not in used:
                self.problems.append(placed.refuse(self._unused(placed.rule.route)))
            elif not self._complete:
                yield self._as_route(placed)

    def _is_new(self, endpoint: Endpoint) -> bool:
        """Neither a page for developers that clients of legacy never saw, nor a mount for paths of legacy's.

        A rule may open either.
        """
        if self.inventory.door is None:
            return True
        _, template = endpoint.shape
        mounted = endpoint.method == "*" and any(
            Endpoint("*", rule.template).shape[1] == template for rule in self.inventory.door.rules
        )
        return not mounted and endpoint.id not in self.inventory.facts.docs

    @property
    def _without_legacy(self) -> bool:
        return self.plan.phase is Phase.FULL or self.inventory.legacy == ()

    def _first(self, known: _Known, matching: list[_Rule]) -> _Rule | None:
        """The most specific pattern; of two of one rank it would be a matter of luck."""
        if not matching:
            return None
        *_, second, first = [None, *sorted(matching, key=lambda placed: rank(placed.rule.route))]
        if second is not None and rank(second.rule.route) == rank(first.rule.route):
            message = (
                f"matches {known.endpoint.id} as {second.rule.route} in line {second.line} does"
            )
            self.problems.append(first.refuse(f"{message}; name the route itself"))
        return first

    def _check_served(self, placed: _Rule, known: _Known) -> None:
        rule = placed.rule
        if not known.modern and rule.modern > 0:
            self.problems.append(
                placed.refuse(f"modern does not serve {rule.route}; nearest: modern: 0")
            )
        if not known.legacy and rule.modern < Decimal(100):
            self.problems.append(
                placed.refuse(f"legacy does not serve {rule.route}; nearest: modern: 100")
            )

    def _check_stacks(self) -> None:
        """Every request must have a stack to go to."""
        phase, switch = self.plan.phase, self.plan.kill_switch
        missing = {
            "BANYAN_MODERN": self.inventory.modern == () and phase is Phase.FULL,
            "BANYAN_LEGACY": self.inventory.legacy == ()
            and (phase is Phase.PARALLEL or switch or self.inventory.modern == ()),
        }
        for setting in (name for name, needed in missing.items() if needed):
            self.problems.append(Problem(f"this plan needs a stack that is not there: {setting}"))
        if switch and phase is Phase.FULL:
            message = "there is no legacy to go to in `phase: full`; nearest: phase: gradual"
            self.problems.append(Problem(message, 1, "kill_switch"))

    def _unused(self, pattern: str) -> str:
        """Why a pattern decides nothing."""
        if len(self.problems) >= _NEAREST:
            return f"no route is under {pattern}"
        named = [known.endpoint.id for found in self.known.values() for known in found]
        matching = [one for one in named if matches(pattern, parse_endpoint(one))]
        if not matching:
            return self._unknown(pattern)
        return (
            f"every route that {pattern} matches has a rule of its own, which decides; "
            f"nearest: {matching[0]}"
        )

    def _unknown(self, route: str) -> str:
        if len(self.problems) >= _NEAREST:
            return f"neither stack serves {route}"
        ids = [known.endpoint.id for found in self.known.values() for known in found]
        near = get_close_matches(route, ids, 1, cutoff=0.0)
        return f"neither stack serves {route}" + (f"; nearest: {near[0]}" if near else "")

    def _route(self, known: _Known, placed: _Rule | None) -> Route:
        """`placed` is None where the defaults hold."""
        defaults, rule = self.plan.defaults, placed.rule if placed else None
        if placed:
            self.placed[known.endpoint.id] = placed
        cohort = (rule.cohort if rule else None) or defaults.cohort
        failover = (rule.failover if rule else None) or defaults.failover
        return Route(
            *known.endpoint,
            known.legacy,
            known.modern,
            rule.split if rule else buckets(defaults.modern),
            cohort,
            cohort_key(self.secret, cohort),
            failover == "safe",
            own=rule is not None and rule.front_door == "modern",
            shadow=self._shadow(known, rule),
        )

    def _shadow(self, known: _Known, rule: RouteRule | None) -> int:
        """Where both stacks are there, and a request may be asked twice; in an emergency none is."""
        both = known.legacy and known.modern and not self._without_legacy
        if not both or self.plan.kill_switch or known.endpoint.method not in SAMPLED:
            return 0
        shadow = (rule.shadow if rule else None) or self.plan.defaults.shadow
        return buckets(shadow.sample)

    def _as_route(self, placed: _Rule) -> Route:
        """A pattern over apps that do not tell what they serve is a route by itself."""
        endpoint = parse_endpoint(placed.rule.route.replace("/**", "/{rest:path}"))
        return self._route(_Known(endpoint, legacy=True, modern=True), placed)
