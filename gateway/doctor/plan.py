"""The plan in force and the plan file, for what the stacks serve; and what a start would make of both."""

from collections.abc import Iterator
from socket import gethostname
from typing import Final

from pydantic import SecretStr

from gateway.doctor.case import Case
from gateway.doctor.model import Finding, error, ok, warning
from gateway.endpoints import Inventory
from gateway.plan.compile import compile_plan
from gateway.plan.desk import Outcome, PlanDesk
from gateway.plan.diff import summary
from gateway.plan.document import PlanRefused, parse
from gateway.plan.file import FileBase, LastGood, read_plan
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.errors import StoreUnavailable, UnusableStore
from gateway.store.versions import Proposal, Version, Versions

_SHOWN: Final = 5  # problems of one plan
_SECRET: Final = SecretStr("0" * 32)  # any: making the host's own is a start's business


def check_plan(case: Case) -> Iterator[Finding]:
    """Both are read and compiled; nothing is applied."""
    settings = case.settings.model_copy(update={"secret": _SECRET})
    try:
        versions = _Rehearsal(case.sight.result().store.database)
        current, inventory = versions.current(), case.inventory()
    except (StoreUnavailable, UnusableStore):
        yield from _without_store(settings)
        return
    if current is not None:
        yield from _in_force(current, inventory)
    yield from _file(PlanDesk(versions, settings, lambda: [inventory]), settings, current)


class _Rehearsal(Versions):
    """Takes every change, and keeps none."""

    def apply(self, expected: int, proposal: Proposal) -> Version:
        act = proposal.act
        return Version(expected + 1, 0.0, act.actor, act.origin, act.reason, proposal.document)


def _in_force(current: Version, inventory: Inventory) -> Iterator[Finding]:
    secret = _SECRET.get_secret_value().encode()
    try:
        document = parse(current.document)
        table = compile_plan(document, inventory, version=current.version, secret=secret)
    except PlanRefused as refusal:
        name = f"version {current.version}, the plan in force, does not run with these apps"
        do = "deploy the apps it was made for, or change it: `banyan shift`, `banyan rollback`"
        yield from _problems(name, refusal, do)
        return
    above = sum(table.share(route) > 0 for route in table.routes)
    yield ok(
        f"version {current.version} is in force, phase {table.phase}: {len(table.routes)} routes, "
        f"{above} above 0 %"
    )


def _file(desk: PlanDesk, settings: Settings, current: Version | None) -> Iterator[Finding]:
    path = settings.plan
    if not path.exists():
        if current is None:
            yield ok(f"there is no plan yet: `banyan up` writes the first one to {path}")
        else:
            yield ok(f"there is no file {path}: the plan is the store's alone")
        return
    act = Act("file", gethostname(), "plan.apply", path.name)
    try:
        text = read_plan(path)
        outcome = desk.take_file(text, FileBase(settings.file_base_path, path).read(), act)
    except PlanRefused as refusal:
        do = f"correct {path}; `banyan validate {path}` checks it"
        yield from _problems(f"{path} is refused", refusal, do)
        return
    yield _taken(str(path), text, current, outcome)


def _taken(path: str, text: str, current: Version | None, outcome: Outcome | None) -> Finding:
    if outcome is None and (current is None or text == current.document):
        return ok(f"{path} says what is in force")
    if outcome is None:
        return ok(f"{path} was applied before, and the plan changed since: a start leaves it alone")
    if current is None:
        return ok(f"{path} is the first plan: the next start makes version 1 of it")
    return warning(
        f"{path} says something else: a worker that runs or starts here makes version "
        f"{outcome.after.version} of it: {summary(outcome.changes)}",
        f"start it if that is meant; else take what is in force: `banyan export --output {path}`",
    )


def _problems(name: str, refusal: PlanRefused, do: str) -> Iterator[Finding]:
    for problem in refusal.problems[:_SHOWN]:
        yield error(f"{name}: {problem}", do)
    more = len(refusal.problems) - _SHOWN
    if more > 0:
        yield error(f"{name}: {more} problems more", do)


def _without_store(settings: Settings) -> Iterator[Finding]:
    """The last good plan, or what stands in the file: as a start would."""
    last = LastGood(settings.last_good_path).read()
    if last is not None:
        yield warning(
            f"the store cannot be used: workers that start here run version {last.version}, the last "
            "good plan of this host",
            "mend the store",
        )
        return
    try:
        parse(read_plan(settings.plan))
    except PlanRefused as refusal:
        yield from _problems(f"no worker can start: {settings.plan}", refusal, "mend the store")
        return
    yield warning(
        f"the store cannot be used: workers that start here run {settings.plan} as it is",
        "mend the store",
    )
