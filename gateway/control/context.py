"""What the endpoints of the admin API work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from socket import gethostname
from threading import Lock
from typing import Annotated, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from gateway.control.auth import Caller
from gateway.control.events import Events
from gateway.control.housekeeping import Housekeeping
from gateway.control.problems import ApiProblem
from gateway.endpoints import Inventory
from gateway.inventory import inventory_from, read_inventory
from gateway.judge.look import Looker
from gateway.plan.desk import PlanDesk
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.opening import Store
from gateway.store.tokens import Tokens

_WAITING: Final = 16
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """One control plane."""

    settings: Settings
    store: Store
    tokens: Tokens
    inventories: Callable[
        [], Sequence[Inventory]
    ]  # what the stacks serve, each distinct answer once
    desk: PlanDesk
    events: Events
    housekeeping: Housekeeping
    looker: Looker  # of the endpoints; `looking` is held by who uses it
    looking: Lock = field(default_factory=Lock)
    samples: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

    async def sampled(self, look: Callable[[], T]) -> T:
        """Looks at a text that anybody may send. Raises ApiProblem 503 where too many wait.

        A text of 1 MB takes up to 20 s of a processor: one at a time, and no change waits for that.
        """
        if self.samples.statistics().tasks_waiting >= _WAITING:
            detail = f"{_WAITING} texts wait to be looked at; try again later"
            raise ApiProblem(503, "too_many_texts", detail, headers={"Retry-After": "10"})
        async with self.samples:
            return await to_thread.run_sync(look)

    def leading(self) -> bool:
        """Whether this control plane leads."""
        return self.housekeeping.leading


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Control = Annotated[Context, Depends(_context)]


def known_inventories(store: Store, settings: Settings) -> Sequence[Inventory]:
    """What the stacks of the living workers serve, each distinct answer once; nobody living: the last ones'.

    Without any heartbeat, what an earlier start left on this disk. Raises StoreUnavailable.
    """
    workers = store.workers.all()
    living = [worker for worker in workers if worker.alive]
    documents = store.workers.inventories(living or workers[-1:])
    found = [inventory_from(document) for document in documents]
    return found or [read_inventory(settings.inventory_path) or Inventory(None, None)]


def act_of(caller: Caller, action: str, subject: str = "", reason: str = "") -> Act:
    """A caller's act, as history and audit tell it."""
    return Act(caller.actor, caller.origin or gethostname(), action, subject, reason)
