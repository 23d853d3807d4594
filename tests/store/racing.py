"""Operators who change one plan at the same time, in processes and threads of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from gateway.plan.desk import PlanDesk
from gateway.store.audit import Act
from gateway.store.errors import VersionConflict
from gateway.store.opening import Store, open_store
from gateway.store.versions import Proposal
from tests.store.acts import ACT, counted
from tests.store.following import desk

THREADS = 3
Results = tuple[list[int], list[tuple[int, int]]]  # versions made; (expected, current) of refusals


def race(work: Callable[..., Results], *arguments: object) -> Results:
    """The work in each thread of two new processes that begin together."""
    context = get_context("spawn")
    start, told = context.Barrier(2), context.Queue()
    racers = [context.Process(target=_race, args=(work, arguments, start, told)) for _ in range(2)]
    for racer in racers:
        racer.start()
    found: list[Results] = []
    while len(found) < 2 * THREADS:
        one = told.get(timeout=60)
        if isinstance(one, Exception):
            raise one
        found.append(one)
    for racer in racers:
        racer.join(30)
    return [v for made, _ in found for v in made], [c for _, refused in found for c in refused]


def _race(
    work: Callable[..., Results],
    arguments: tuple[Any, ...],
    start: Barrier,
    told: "Queue[Results | Exception]",
) -> None:
    store = open_store(arguments[0])
    store.versions.newest()
    start.wait(30)

    def run() -> None:
        try:
            told.put(work(store, *arguments[1:]))
        except Exception as error:
            told.put(error)

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(THREADS):
            threads.submit(run)
    store.close()


def apply_once_each(store: Store, rounds: int) -> Results:
    """Compare and set, without a second try."""
    made, refused = [], []
    for _ in range(rounds):
        current = store.versions.current()
        assert current is not None
        try:
            proposal = Proposal(counted(current.document), ACT)
            made.append(store.versions.apply(current.version, proposal).version)
        except VersionConflict as conflict:
            refused.append((conflict.expected, conflict.current))
    return made, refused


def change(store: Store, folder: str, rounds: int) -> Results:
    """Through the desk, which tries again."""
    one: PlanDesk = desk(store, Path(folder))
    act = Act("api:ci", "host", "plan.shift", "", "race")
    return [one.change(counted, act).after.version for _ in range(rounds)], []
