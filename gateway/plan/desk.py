"""Where a plan is changed. Every door leads here: the file, the API, a command, and what judges by itself.

A text is parsed, compiled for what the stacks serve, held against the gate, and only then offered to
the store, which takes it if nobody was faster.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import sqlalchemy as sa

from gateway import collector
from gateway.endpoints import Inventory
from gateway.errors import BanyanError
from gateway.parity.gate import gate_of
from gateway.plan.bars import Bar, barred
from gateway.plan.compile import compile_plan
from gateway.plan.diff import Change, changes, summary
from gateway.plan.document import Document, PlanRefused, Problem, parse
from gateway.plan.file import read_plan
from gateway.plan.merge import merge
from gateway.plan.model import Plan
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.errors import VersionConflict
from gateway.store.versions import Proposal, Version, Versions

_ATTEMPTS: Final = 50  # others may be faster again and again, but not so often

Edit = Callable[[str], str]  # a plan's text → the text of the next version
Along = Callable[[sa.Connection, int], None]  # written with a version, which it is given


class Mandate(Enum):
    """In whose name a plan is changed."""

    PERSON = 1
    RAMP = 2  # no latch and no ramp bars it: it is its own
    GUARD = 3  # nor do apps that the plan in force does not fit: a route goes back in a deploy too


class NoPlan(BanyanError):
    """There is no plan yet that could be changed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change; `after` is `before` if there was nothing to change."""

    before: Version | None
    after: Version
    changes: tuple[Change, ...]

    @property
    def changed(self) -> bool:
        return self.before is None or self.after.version != self.before.version


class PlanDesk:
    """Changes the plan in one store, for apps that serve what `inventories` tells."""

    def __init__(
        self,
        versions: Versions,
        settings: Settings,
        inventories: Callable[[], Sequence[Inventory]],
        bars: Callable[[], Sequence[Bar]] = tuple,
    ) -> None:
        self._versions = versions
        self._settings = settings
        self._inventories = inventories
        self._bars = bars

    def current(self) -> Version:
        """Raises NoPlan."""
        current = self._versions.current()
        if current is None:
            raise NoPlan(
                "there is no plan yet: `banyan up` writes the first one, `banyan apply FILE` takes yours"
            )
        return current

    def has_plan(self) -> bool:
        """Whether there is a plan in force."""
        return self._versions.newest() > 0

    def in_force(self) -> Version:
        """Likewise; while there is none, what stands in the plan file, as version 0. Raises NoPlan."""
        current = self._versions.current()
        if current is None and self._settings.plan.exists():
            return Version(0, 0.0, "", "", "", read_plan(self._settings.plan))
        return current or self.current()

    def check(
        self, text: str, before: str | None = None, *, gate: bool = True, lenient: bool = False
    ) -> Plan:
        """The plan of a text that could take over from `before`. Raises PlanRefused.

        `lenient`: apps that the plan in force does not fit either have no say, if there are others.
        """
        document = parse(text)
        _check_letters(document.plan)
        secret = self._settings.secret_bytes()
        inventories = self._inventories()
        if lenient and before is not None:
            inventories = [i for i in inventories if self._fitting(before, i)] or inventories
        for inventory in inventories:
            door = gate_of(self._settings, inventory, before) if gate else None
            for one in _variants(document, _plan(before)):
                made = compile_plan(one, inventory, version=0, secret=secret, gate=door).parts()
                collector.let_go(made)
        return document.plan

    def preview(
        self, text: str, before: str | None, *, lenient: bool = False
    ) -> tuple[Change, ...]:
        """What a text would change, once it is checked. Raises PlanRefused."""
        return changes(_plan(before), self.check(text, before, lenient=lenient))

    def check_bars(self, text: str, before: str | None) -> None:
        """Raises PlanRefused for what a latch or a ramp forbids a person."""
        bars = self._bars()
        if not bars or before is None or _plan(before) is None:
            return
        secret = self._settings.secret_bytes()
        for inventory in self._inventories():
            old = self._fitting(before, inventory)
            if old is None:  # what the stacks serve has changed: there is nothing to compare with
                continue
            new = compile_plan(parse(text), inventory, version=0, secret=secret)
            problems = list(barred(bars, old, new))
            if problems:
                raise PlanRefused(problems)

    def change(
        self,
        edit: Edit,
        act: Act,
        expected: int | None = None,
        *,
        along: Along | None = None,
        mandate: Mandate = Mandate.PERSON,
    ) -> Outcome:
        """Makes the next version of the current one; `along` is written with it, or neither.

        Without `expected`, the edit is made again on what somebody else was faster with. Raises NoPlan,
        PlanRefused and, with `expected`, VersionConflict.
        """
        for _ in range(_ATTEMPTS):
            before = self.current()
            if expected is not None and before.version != expected:
                raise VersionConflict(expected, before.version)
            text = edit(before.document)
            found = self.preview(text, before.document, lenient=mandate is Mandate.GUARD)
            if text == before.document:
                return Outcome(before, before, ())
            if mandate is Mandate.PERSON:
                self.check_bars(text, before.document)
            try:
                after = self._versions.apply(before.version, Proposal(text, act, along=along))
            except VersionConflict:
                if expected is not None:
                    raise
                continue
            return Outcome(before, after, found)
        raise VersionConflict(before.version, self._versions.newest())

    def first(self, text: str, act: Act) -> Outcome:
        """Makes the first version. Raises PlanRefused and VersionConflict."""
        found = self.preview(text, None)
        return Outcome(None, self._versions.apply(0, Proposal(text, act)), found)

    def take_file(self, text: str, base: str | None, act: Act) -> Outcome | None:
        """Merges what changed in the operator's file into the current plan; None if that is nothing.

        `base` is the text of the file that was applied before on this host, as far as anybody knows.
        Raises PlanRefused, with the lines of the file.
        """
        parse(text)  # what is no plan cannot be merged
        for _ in range(_ATTEMPTS):
            current = self._versions.current()
            if self._is_applied(text, base):
                self.check(text, gate=False)
                return None
            before = None if current is None else current.document
            merged = text if before is None else merge(self._base(base), text, before).text
            if merged != text:  # else the preview looks at it
                self.check(text, gate=False)
            found = self.preview(merged, before)
            if merged == before:
                return None
            self.check_bars(merged, before)
            why = summary(found) if current else _first(merged)
            told = Act(act.actor, act.origin, act.action, act.subject, why)
            proposal = Proposal(merged, told, file=text)
            try:
                after = self._versions.apply(current.version if current else 0, proposal)
            except VersionConflict:
                continue
            return Outcome(current, after, found)
        raise VersionConflict(0, self._versions.newest())

    def _fitting(self, text: str, inventory: Inventory) -> RouteTable | None:
        """None where the plan does not fit what these stacks serve."""
        secret = self._settings.secret_bytes()
        try:
            return compile_plan(parse(text), inventory, version=0, secret=secret)
        except PlanRefused:
            return None

    def _is_applied(self, text: str, base: str | None) -> bool:
        """A host that knows what it applied last asks whether that was it; one that does not, whether
        it ever was: a new pod with a plan from before an edit must not undo it.
        """
        if base is not None:
            return text in {base, self._versions.last_file()}
        return self._versions.file_known(text)

    def _base(self, base: str | None) -> str:
        return base or self._versions.last_file() or ""


def _check_letters(plan: Plan) -> None:
    """Half of a letter, as YAML's `"\\ud800"` spells it, no metric and no answer can tell."""
    try:
        plan.model_dump_json()
    except ValueError as error:
        message = (
            "half of a surrogate pair is no letter: write the letter itself, or `\\U` and 8 digits"
        )
        raise PlanRefused([Problem(message)]) from error


def _variants(document: Document, before: Plan | None) -> Iterator[Document]:
    """The plan, and what it will be once its kill switch goes: unless to switch is all that it changes."""
    yield document
    without = document.plan.model_copy(update={"kill_switch": False})
    if document.plan.kill_switch and (
        before is None or before.model_copy(update={"kill_switch": False}) != without
    ):
        yield replace(document, plan=without)


def _first(text: str) -> str:
    rules = len(parse(text).plan.routes)
    return f"the first plan, {rules} rule{'' if rules == 1 else 's'}"


def _plan(text: str | None) -> Plan | None:
    """None for a text that this version of banyan cannot read."""
    try:
        return None if text is None else parse(text).plan
    except PlanRefused:
        return None
