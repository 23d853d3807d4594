"""All checks at the same time; one that crashes or hangs is a finding itself."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from time import monotonic
from typing import Final

from gateway.doctor.case import Case, Surroundings, begun, open_case
from gateway.doctor.control import check_control
from gateway.doctor.files import check_disk, check_permissions
from gateway.doctor.hiding import hidden, secrets_of
from gateway.doctor.model import Finding, Line, Topic, error, warning
from gateway.doctor.plan import check_plan
from gateway.doctor.runtime import check_descriptors, check_python
from gateway.doctor.stacks import check_debug, check_stacks
from gateway.doctor.store import check_clock, check_store
from gateway.doctor.surroundings import check_settings
from gateway.doctor.workers import check_workers
from gateway.errors import BanyanError
from gateway.settings import Settings
from gateway.store.errors import StoreUnavailable, UnusableStore

Check = Callable[[Case], Iterable[Finding]]

LIMIT: Final = 45.0  # seconds for all checks together; an app may take 30 of them to load
CHECKS: Final[Mapping[Topic, Check]] = {
    Topic.SETTINGS: check_settings,
    Topic.STACKS: check_stacks,
    Topic.DEBUG: check_debug,
    Topic.PLAN: check_plan,
    Topic.STORE: check_store,
    Topic.CLOCK: check_clock,
    Topic.PERMISSIONS: check_permissions,
    Topic.CONTROL: check_control,
    Topic.WORKERS: check_workers,
    Topic.DISK: check_disk,
    Topic.PYTHON: check_python,
    Topic.DESCRIPTORS: check_descriptors,
}


def examine(
    settings: Settings,
    around: Surroundings,
    checks: Mapping[Topic, Check] = CHECKS,
    limit: float = LIMIT,
) -> list[Line]:
    """Every finding, without any secret in it; changes nothing and never raises."""
    case = open_case(settings, around)
    running = {topic: begun(partial(_collected, check, case)) for topic, check in checks.items()}
    end = monotonic() + limit
    secrets = secrets_of(settings, around.environ)
    lines = [
        Line(topic, hidden(finding, secrets))
        for topic, future in running.items()
        for finding in _waited(future, end, limit)
    ]
    case.close()
    return lines


def _collected(check: Check, case: Case) -> list[Finding]:
    """What a check finds, also where it fails in the middle."""
    found: list[Finding] = []
    try:
        for finding in check(case):
            found.append(finding)  # noqa: PERF402 (what was found before it fails is kept)
    except (StoreUnavailable, UnusableStore) as why:
        found.append(_without_store(check, why))
    except BanyanError as why:
        found.append(error(str(why), "mend that, then look again"))
    except Exception as why:  # a bug of ours must not hide what the other checks find
        told = f"this check failed: {type(why).__name__}: {why}"
        found.append(error(told, "that is a bug of banyan: report it with this line"))
    return found


def _without_store(check: Check, why: BanyanError) -> Finding:
    """Said in full once: everybody else was not able to look."""
    if check is check_store:
        keep = "mend it; until then workers keep the last good plan, and nobody can change it"
        return error(str(why), keep)
    return warning("not looked at: the store cannot be used", "mend the store first")


def _waited(future: "Future[list[Finding]]", end: float, limit: float) -> list[Finding]:
    try:
        return future.result(max(0.0, end - monotonic()))
    except TimeoutError:
        told = f"no result after {limit:g} s: a disk, a name server or an app hangs"
        return [error(told, "find out what hangs: run `banyan doctor` under `strace -f`")]
