"""A run: both stacks answer the same requests in step; then legacy answers them all again, by itself.

The second round comes later, with stores of its own, so that whatever follows the clock or chance in
legacy's answers shows itself as noise.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Protocol

from gateway.endpoints import Endpoint, Inventory, Served
from gateway.errors import BanyanError
from gateway.parity.child import CRASHED, Order
from gateway.parity.examples import Example
from gateway.parity.model import Evidence, Probe
from gateway.parity.probes import Generator, check_examples
from gateway.parity.routes import Operation, alone, operations, shared
from gateway.parity.schema import Schemas
from gateway.parity.stacks import Running, StackEnded, running
from gateway.plan.patterns import matches
from gateway.settings import Settings
from gateway.shadow.compare import compare
from gateway.shadow.difference import Answer, Difference, Kind
from gateway.stacks.address import Remote, parse_address
from gateway.stacks.host import exported
from gateway.words import Stack

_APART: Final = 1.1  # seconds between the rounds: clocks that count seconds have moved on
PATIENCE: Final = 10.0  # seconds for the probes of one route; a slow one gets fewer
_NO_FRESH: Final = "it may write: name the stacks' throw-away stores with --fresh"
_ELSEWHERE: Final = "it may write, and a stack runs elsewhere"
_ANY: Final = "a mount: its methods are not known"


class NoSuchRoute(BanyanError):
    """What the operator names is no route of either stack."""

    exit_code = 2


class Answering(Protocol):
    """A stack; both raise StackEnded."""

    def send(self, probe: Probe) -> None: ...

    def receive(self) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asks for."""

    settings: Settings
    legacy: str
    modern: str
    routes: Sequence[str] = ()  # patterns; empty: every route
    budget: int = 60  # requests per route
    fresh: Mapping[str, str] = field(default_factory=dict)
    examples: Sequence[Example] = ()

    def wants(self, endpoint: Endpoint) -> bool:
        return not self.routes or any(matches(pattern, endpoint) for pattern in self.routes)

    @property
    def elsewhere(self) -> bool:
        """A stack that this process does not start keeps what it is told."""
        named = {"BANYAN_LEGACY": self.legacy, "BANYAN_MODERN": self.modern}
        return any(isinstance(parse_address(*pair), Remote) for pair in named.items())

    def order(self, stack: Stack, log: str) -> Order:
        value = self.legacy if stack is Stack.LEGACY else self.modern
        path = self.settings.var / f"parity-{log}.log"
        return Order(stack, value, self.settings, self.fresh, path, self.settings.deadline)


@dataclass(frozen=True, slots=True)
class Found:
    """A whole run."""

    inventory: Inventory
    evidence: Mapping[str, Evidence]


def run(wanted: Wanted) -> Found:
    """Raises StackUnusable, StackNotFound, FileRefused and NoSuchRoute."""
    wanted.settings.var.mkdir(parents=True, exist_ok=True)
    orders = [wanted.order(Stack.LEGACY, "legacy"), wanted.order(Stack.MODERN, "modern")]
    with running(orders) as (legacy, modern):
        inventory = Inventory(
            _served(wanted, Stack.LEGACY, legacy), _served(wanted, Stack.MODERN, modern)
        )
        _check_routes(wanted, inventory)
        evidence = _lacking(wanted, inventory)
        probes = list(_probes(wanted, inventory, modern, evidence))
        begun = time.monotonic()
        answers = first_round(probes, legacy, modern, evidence)
    if answers:
        time.sleep(max(0.0, _APART - (time.monotonic() - begun)))
        with running([wanted.order(Stack.LEGACY, "legacy-again")]) as (again,):
            _second_round(again, answers, evidence)
    return Found(inventory, evidence)


def _served(wanted: Wanted, stack: Stack, running: Running) -> Served:
    """What a stack tells, or what was exported for one that runs elsewhere."""
    told = exported(wanted.settings, stack) if running.hello.served is None else None
    return told.served if told else running.hello.served


def _check_routes(wanted: Wanted, inventory: Inventory) -> None:
    """A pattern that names nothing would have no effect."""
    served = [*(inventory.legacy or ()), *(inventory.modern or ())]
    for pattern in wanted.routes:
        if not any(matches(pattern, endpoint) for endpoint in served):
            near = get_close_matches(pattern, [one.id for one in served], 1, cutoff=0.0)
            hint = f"; nearest: {near[0]}" if near else ""
            raise NoSuchRoute(f"neither stack serves {pattern}{hint}")


def _lacking(wanted: Wanted, inventory: Inventory) -> dict[str, Evidence]:
    """The routes of one stack: a client misses what legacy has; what modern has beyond is closed to it."""
    gone, new = alone(inventory)
    evidence = {}
    for endpoint in filter(wanted.wants, gone):
        probe = Probe(endpoint.id, "the route itself", endpoint.method, endpoint.template)
        difference = Difference("route", Kind.MISSING, "a route")
        evidence[endpoint.id] = Evidence(endpoint.id, [(probe, (difference,))], reached=True)
    for endpoint in filter(wanted.wants, new):
        evidence[endpoint.id] = Evidence(endpoint.id, why="legacy does not serve it")
    return evidence


def _probes(
    wanted: Wanted, inventory: Inventory, modern: Running, evidence: dict[str, Evidence]
) -> Iterator[Probe]:
    """Reads, then writes, then each read once more, for what the writes have left."""
    endpoints = shared(inventory)
    check_examples(wanted.examples, endpoints)
    document = modern.hello.openapi or {}
    writes = bool(wanted.fresh) and not wanted.elsewhere
    generator = Generator(
        Schemas(document), inventory, tuple(wanted.examples), wanted.budget, writes
    )
    chosen = operations([one for one in endpoints if wanted.wants(one)], document)
    for operation in chosen:
        route = operation.endpoint.id
        evidence[route] = Evidence(route, why=_refused(operation, wanted, writes=writes))
    asked = [operation for operation in chosen if not evidence[operation.endpoint.id].why]
    for operation in sorted(asked, key=lambda operation: not operation.is_safe):
        made, evidence[operation.endpoint.id].left_out = generator.probes(operation)
        yield from made
    if writes:
        yield from (generator.plain(operation) for operation in asked if operation.is_safe)


def _refused(operation: Operation, wanted: Wanted, *, writes: bool) -> str:
    if operation.endpoint.method == "*":
        return _ANY
    if operation.is_safe or writes:
        return ""
    return _ELSEWHERE if wanted.elsewhere else _NO_FRESH


def first_round(
    probes: Sequence[Probe],
    legacy: Answering,
    modern: Answering,
    evidence: Mapping[str, Evidence],
    clock: Callable[[], float] = time.monotonic,
) -> list[tuple[Probe, Answer]]:
    """Legacy's answers; they end where a stack does, whose last answer is then a crash.

    A route that has taken PATIENCE seconds is asked no more.
    """
    answers: list[tuple[Probe, Answer]] = []
    spent: dict[str, float] = defaultdict(float)  # seconds, by route
    for number, probe in enumerate(probes):
        found = evidence[probe.route]
        if spent[probe.route] > PATIENCE:
            found.left_out += 1
            continue
        begun = clock()
        (expected, got), ended = _both(probe, legacy, modern)
        spent[probe.route] += clock() - begun
        found.seen.append((probe, compare(expected, got, probe.asked)))
        found.reached = found.reached or (probe.is_own and expected.status < 300)
        answers.append((probe, expected))
        if ended:
            for route in {other.route for other in probes[number + 1 :]}:
                evidence[route].why = f"{ended} at {probe.line}"
            break
    return answers


def _both(probe: Probe, *stacks: Answering) -> tuple[list[Answer], str]:
    """Their answers, and why one of them is its last."""
    ended: dict[Answering, str] = {}
    answers = []
    for stack in stacks:
        try:
            stack.send(probe)
        except StackEnded as end:
            ended[stack] = str(end)
    for stack in stacks:
        try:
            answers.append(Answer(CRASHED) if stack in ended else stack.receive())
        except StackEnded as end:
            ended[stack] = str(end)
            answers.append(Answer(CRASHED))
    return answers, "; ".join(ended.values())


def _second_round(
    again: Answering, answers: list[tuple[Probe, Answer]], evidence: dict[str, Evidence]
) -> None:
    for probe, before in answers:
        (now,), ended = _both(probe, again)
        if ended:
            return
        for difference in compare(before, now, probe.asked):
            evidence[probe.route].noise.add((difference.path, difference.kind))
