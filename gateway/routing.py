"""The route table: immutable, compiled once per plan, swapped by one reference. Pure.

Legacy's own rules are its front door: a path is matched as Werkzeug would match it, also where modern
answers. Where a path's rule is found is the same for every plan (`door/index.py`); what it leads to is not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from time import sleep
from typing import Any, Final, TypeVar

from gateway.door.entry import Matched
from gateway.door.hosts import domain_of
from gateway.door.index import Index, index_of
from gateway.door.outcome import Outcome, outcome
from gateway.door.rules import VARIABLE, Door, DoorRule, Hosts
from gateway.door.trie import SLASH, Trie
from gateway.routes import SPACE, Route
from gateway.words import UNMATCHED, Phase, Reason, Stack

T = TypeVar("T")
_TURN: Final = 256  # rounds of a loop until other threads have their turn
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, eq=False)
class RouteTable:
    """Every route the gateway knows, under one phase of one plan version."""

    routes: tuple[Route, ...]
    phase: Phase
    version: int = 0
    kill_switch: bool = False
    legacy: bool = True  # there is a legacy stack: it answers what no route names
    key: bytes = b""  # keys the hash where no route does
    door: Door | None = (
        None  # legacy's rules; None: it does not tell, and the routes are all there is
    )
    owned: bool = field(init=False)  # some routes are left to modern's own routing
    by_host: bool = field(init=False)  # the host says which rules there are
    certain: dict[str, tuple[Stack, Reason]] = field(init=False)  # for every unit, by route's id
    _index: Index = field(init=False)
    _known: tuple[dict[str, Matched], ...] = field(init=False)  # routes by rule, and method

    def __post_init__(self) -> None:
        by_host = self.door is not None and self.door.hosts is not Hosts.NONE
        object.__setattr__(self, "by_host", by_host)
        object.__setattr__(self, "certain", {})
        object.__setattr__(self, "owned", any(route.own for route in self.routes))
        for route in chain((None,), _by_turns(self.routes)):
            certain = self._certain(route)
            if certain is not None:
                self.certain[route.id if route else UNMATCHED] = certain
        by_template: dict[str, dict[str, Route]] = defaultdict(dict)
        for route in _by_turns(self.routes):
            by_template[route.template][route.method] = route
            if route.own:  # whatever modern may make of a variable
                by_template[_any_text(route.template)].setdefault(route.method, route)
        rules = self.door.rules if self.door else ()
        told = {rule.template for rule in rules}
        others = (_rules(one, by_template[one]) for one in sorted(by_template.keys() - told))
        rules = (*rules, *chain.from_iterable(others))
        object.__setattr__(self, "_index", index_of(rules))
        matched = {route.id: Matched(route) for route in _by_turns(self.routes)}
        known = tuple(
            _answered(rule, by_template.get(rule.template, {}), matched)
            for rule in _by_turns(rules)
        )
        object.__setattr__(self, "_known", known)

    def parts(self) -> list[list[Any]]:
        """Of what there is one for each route: what is outside first."""
        return [list(self._known), list(self.routes)]

    @property
    def trie(self) -> Trie:
        """Every rule, those that no route is for too."""
        return self._index.trie

    def domain(self, found: Mapping[bytes, bytes], scheme: str) -> str:
        """What a request's headers say about its host, where that says which rules there are."""
        return domain_of(self.door, found, scheme) if self.door and self.by_host else ""

    def share(self, route: Route) -> int:
        """Buckets of the route that modern answers, 0 to SPACE, all things considered."""
        return 0 if self.kill_switch else self.planned(route)

    def planned(self, route: Route) -> int:
        """Likewise, once the kill switch is off."""
        if self.phase is Phase.PARALLEL:
            return 0
        if self.phase is Phase.FULL:
            return SPACE
        return route.split if route.modern else 0

    def match(self, method: str, path: str, domain: str = "") -> Matched | None:
        """The route of a decoded path; None where legacy answers by itself, be it 404, 308 or OPTIONS."""
        literal = self._index.literal.get(path)
        if literal is not None and not domain and method in literal:
            entry = literal[method]
            return entry.match(method, path, self._known[entry.number])
        found = self._index.trie.find(method, path, domain)
        if found is None or found is SLASH:
            matched = None
        else:
            matched = found.match(method, path, self._known[found.number])
        return self._owned(path, domain) if matched is None and self.owned else matched

    def outcome(self, method: str, path: str, domain: str = "") -> Outcome | None:
        """What legacy's rules say where no route is reached; None if they do not tell."""
        if self.door is None:
            return None
        merge = self.door.merge_slashes
        return outcome(self.trie, method, path, domain, merge_slashes=merge)

    def _certain(self, route: Route | None) -> tuple[Stack, Reason] | None:
        """The kill switch's stack, the phase's, or the only one that serves the route."""
        if self.kill_switch:
            return Stack.LEGACY, Reason.KILL_SWITCH
        if self.phase is Phase.PARALLEL:
            return Stack.LEGACY, Reason.PHASE
        if self.phase is Phase.FULL:
            return Stack.MODERN, Reason.PHASE
        if not (route.modern if route else not self.legacy):
            return Stack.LEGACY, Reason.MODERN_MISSING
        if not (route.legacy if route else self.legacy):
            return Stack.MODERN, Reason.LEGACY_MISSING
        return None

    def _owned(self, path: str, domain: str) -> Matched | None:
        """What no route is for, on a path whose routes have all been given to modern's own routing."""
        routes = [
            matched.route
            for spelled in (path, f"{path}/")
            for method in _METHODS
            if (entry := self.trie.find(method, spelled, domain)) not in {None, SLASH}
            for matched in self._known[entry.number].values()
        ]
        return Matched(routes[0]) if routes and all(route.own for route in routes) else None


def _by_turns(many: Iterable[T]) -> Iterator[T]:
    """Of a table that is made beside the loop, for compiled code lets nobody else in by itself."""
    for number, one in enumerate(many):
        if number % _TURN == 0:
            sleep(0)
        yield one


def _any_text(template: str) -> str:
    """`/items/{n:int}` → `/items/{n}`; a variable that may hold slashes stays one."""
    return VARIABLE.sub(
        lambda found: found[0] if found["kind"] == "path" else f"{{{found['name']}}}", template
    )


def _answered(
    rule: DoorRule, routes: Mapping[str, Route], matched: Mapping[str, Matched]
) -> dict[str, Matched]:
    """A rule's routes by the method of a request: HEAD finds that of GET."""
    targets = {method: matched[route.id] for method, route in routes.items()}
    if "GET" in targets:
        targets.setdefault("HEAD", targets["GET"])
    if rule.automatic_options:
        targets.pop("OPTIONS", None)
    return targets


def _rules(template: str, routes: Mapping[str, Route]) -> Iterator[DoorRule]:
    """Routes that no rule of legacy's stands for; the one for any method is the last choice."""
    named = frozenset(routes) - {"*"}
    if named:
        methods = named | ({"HEAD"} if "GET" in named else frozenset())
        yield DoorRule(template, methods, automatic_options=False)
    if "*" in routes:
        yield DoorRule(template, automatic_options=False)
