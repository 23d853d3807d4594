"""What the checks share: settings, and what takes so long to find out that it is done once for all."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TypeVar

from gateway.control.context import known_inventories
from gateway.doctor.loading import Loaded, look_at
from gateway.doctor.store import Sight, sight_of
from gateway.endpoints import Inventory
from gateway.inventory import read_inventory
from gateway.settings import Settings
from gateway.words import Stack

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process finds where it runs."""

    environ: Mapping[str, str]
    known: frozenset[str]  # variables of the commands, beside the settings
    mounts: Path = Path("/proc/self/mounts")


@dataclass(frozen=True, slots=True)
class Case:
    """One examination. What is asked of a Future may raise what kept it from being found out."""

    settings: Settings
    around: Surroundings
    stacks: Mapping[Stack, Future[Loaded]]
    sight: Future[Sight]

    def close(self) -> None:
        """Leaves the store, if anybody got there."""
        if self.sight.done() and self.sight.exception() is None:
            self.sight.result().store.close()

    def inventory(self) -> Inventory:
        """What the stacks serve: as they tell, as was exported, or as the last start has seen it."""
        if self.settings.legacy is None and self.settings.modern is None:
            return known_inventories(self.sight.result().store, self.settings)[0]
        found = read_inventory(self.settings.inventory_path) or Inventory(None, None)
        legacy = self.stacks[Stack.LEGACY].result().told
        modern = self.stacks[Stack.MODERN].result().told
        found = found if legacy is None else found.with_legacy(legacy)
        return found if modern is None else found.with_modern(modern)


def open_case(settings: Settings, around: Surroundings) -> Case:
    """Begins to find out."""
    return Case(
        settings,
        around,
        {stack: begun(partial(look_at, settings, stack)) for stack in Stack},
        begun(partial(sight_of, settings.store_url)),
    )


def begun(find: Callable[[], T]) -> "Future[T]":
    """Runs it in a daemon thread: one that hangs, on a dead disk, keeps nobody from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(find())
        except BaseException as error:  # raised again where it is asked for
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
