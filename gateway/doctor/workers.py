"""The workers of all hosts: on one version, with one secret, serving the same, and what they complain of."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from gateway.doctor.case import Case
from gateway.doctor.model import Finding, error, ok, warning
from gateway.heartbeat import fingerprint
from gateway.settings import Settings
from gateway.store.opening import Store
from gateway.store.workers import Worker

_SETTLES: Final = 3.0  # seconds after a change in which workers may still be behind
_NAMED: Final = 3  # hosts named one by one


def check_workers(case: Case) -> Iterator[Finding]:
    """Of the living only."""
    store = case.sight.result().store
    living = [worker for worker in store.workers.all() if worker.alive]
    if not living:
        yield ok("none runs")
        return
    found = [
        *_behind(store, living),
        *_deaf(living),
        *_secrets(case.settings, living),
        *_inventories(living),
        *_problems(living),
    ]
    s = "" if len(living) == 1 else "s"
    hosts = len({worker.host for worker in living})
    yield from found or [
        ok(
            f"{len(living)} worker{s} on {hosts} host{'' if hosts == 1 else 's'}, all on the newest plan"
        )
    ]


def _behind(store: Store, living: Sequence[Worker]) -> Iterator[Finding]:
    current = store.versions.current()
    if current is None:
        return
    with store.database.reading() as connection:
        age = store.database.now(connection) - current.at
    behind = [worker for worker in living if worker.version != current.version]
    if behind and age > _SETTLES:
        versions = ", ".join(str(one) for one in sorted({worker.version for worker in behind}))
        yield warning(
            f"{len(behind)} of {len(living)} workers are not on version {current.version} but on "
            f"{versions}: {_hosts(behind)}",
            "`banyan workers` says what keeps them; one that is stuck is restarted",
        )


def _deaf(living: Sequence[Worker]) -> Iterator[Finding]:
    deaf = [worker for worker in living if not worker.listening]
    if deaf:
        yield warning(
            f"{len(deaf)} of {len(living)} workers hear of a change only when they look, once a "
            f"second: {_hosts(deaf)}",
            "is a pooler between them and the store? name the server itself in BANYAN_STORE",
        )


def _secrets(settings: Settings, living: Sequence[Worker]) -> Iterator[Finding]:
    do = "set the same BANYAN_SECRET on every host, and restart them"
    known = {worker.secret for worker in living}
    if len(known) > 1:
        few = min(known, key=lambda one: sum(worker.secret == one for worker in living))
        odd = [worker for worker in living if worker.secret == few]
        yield error(
            f"{len(known)} different secrets: clients change stacks between hosts; alone are "
            f"{_hosts(odd)}",
            do,
        )
    own = _own_secret(settings)
    if own is not None and own not in known:
        yield warning("the secret that is set here is none of the running workers'", do)


def _own_secret(settings: Settings) -> str | None:
    """Its fingerprint; None if a start would make one."""
    if settings.secret is None and not (settings.var / "secret").exists():
        return None
    try:
        return fingerprint(settings.secret_bytes())
    except OSError:  # said with the permissions
        return None


def _inventories(living: Sequence[Worker]) -> Iterator[Finding]:
    known = {worker.inventory for worker in living}
    if len(known) > 1:
        parts = [
            _hosts([worker for worker in living if worker.inventory == one])
            for one in sorted(known)
        ]
        yield warning(
            f"workers serve {len(known)} different sets of routes: {' against '.join(parts)}",
            "finish the deployment: a plan is accepted only if it fits all of them",
        )


def _problems(living: Sequence[Worker]) -> Iterator[Finding]:
    told: dict[str, list[Worker]] = {}
    for worker in living:
        for problem in json.loads(worker.problems):
            told.setdefault(str(problem), []).append(worker)
    for problem, workers in told.items():
        yield error(
            f"{_hosts(workers)}: {problem}",
            "mend what it says; the worker keeps its last good plan meanwhile",
        )


def _hosts(workers: Sequence[Worker]) -> str:
    """`web-1, web-2, web-3 and 37 more`."""
    hosts = sorted({worker.host for worker in workers})
    more = len(hosts) - _NAMED
    return ", ".join(hosts[:_NAMED]) + (f" and {more} more" if more > 0 else "")
