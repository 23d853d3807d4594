"""What the endpoints of the admin API work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from socket import gethostname
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from gateway.control.auth import Caller
from gateway.control.events import Events
from gateway.control.housekeeping import Housekeeping
from gateway.endpoints import Inventory
from gateway.inventory import inventory_from, read_inventory
from gateway.plan.desk import PlanDesk
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.opening import Store
from gateway.store.tokens import Tokens


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
    # A text of 1 MB takes up to 20 s of a processor: anybody who may look at a plan may send one to be
    # looked at, one at a time, and changes never wait for that.
    samples: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

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
