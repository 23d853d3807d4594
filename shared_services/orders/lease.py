"""One at a time, across tasks, stacks and processes."""

from contextlib import suppress
from typing import Final
from uuid import uuid4

import anyio

from shared_services.clock import Clock
from shared_services.orders.tables import LEASES, LeaseRow
from shared_services.storage import Store, Transaction
from shared_services.storage.errors import StoreUnavailable

LEASE_MS: Final = 60_000  # longer than anybody may work inside: after a crash, others wait so long

_FIRST_DELAY: Final = 0.002  # seconds between two tries, doubled up to the longest
_LONGEST_DELAY: Final = 0.1


class Lease:
    """A lock in this process and a row in the store; it belongs to one event loop."""

    def __init__(self, store: Store, clock: Clock, name: str) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._owner = uuid4().hex
        self._lock = anyio.Lock()

    async def acquire(self) -> None:
        """Wait without end: the caller sets the deadline. Release it in the same task."""
        await self._lock.acquire()
        try:
            await self._acquire_row()
        except BaseException:
            self._lock.release()
            raise

    async def release(self) -> None:
        """A row that cannot be given back now expires by itself."""
        try:
            with anyio.CancelScope(shield=True), suppress(StoreUnavailable):
                await self._store.transaction(_give_back, self._name, self._owner)
        finally:
            self._lock.release()

    async def _acquire_row(self) -> None:
        delay = _FIRST_DELAY
        while not await self._store.transaction(_take, self._wanted(), self._clock.now_ms()):
            await anyio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    def _wanted(self) -> LeaseRow:
        return LeaseRow(self._name, self._owner, self._clock.now_ms() + LEASE_MS)


def _take(tx: Transaction, wanted: LeaseRow, now: int) -> bool:
    """Our own row may be taken again: a cancelled `acquire` may have left it behind."""
    row = tx.get(LEASES, wanted.name)
    if row is not None and row.until_ms > now and row.owner != wanted.owner:
        return False
    tx.put(LEASES, wanted)
    return True


def _give_back(tx: Transaction, name: str, owner: str) -> None:
    row = tx.get(LEASES, name)
    if row is not None and row.owner == owner:
        tx.delete(LEASES, name)
