"""One at a time, across tasks, stacks and processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

import anyio

from shared_services.clock import Clock
from shared_services.exchange.port import ExchangeFailedError
from shared_services.orders.tables import LEASES, LeaseRow
from shared_services.storage import Store, Transaction
from shared_services.storage.errors import StoreUnavailable

LEASE_MS: Final = 6_000  # after a crash inside, others wait so long
RENEW_EVERY: Final = 2.0  # seconds; whoever lives gets three tries

_FIRST_DELAY: Final = 0.002  # seconds between two tries, doubled up to the longest
_LONGEST_DELAY: Final = 0.1


class Lease:
    """A lock in this process and a row in the store; it belongs to one event loop.

    The row is renewed while somebody is inside. A process that stands still for longer loses it
    without notice: `confirm` is for the transaction after which there is no way back.
    """

    def __init__(
        self, store: Store, clock: Clock, name: str, *, renew_every: float = RENEW_EVERY
    ) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._renew_every = renew_every
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

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Keep the acquired row while the block runs; what the block raises comes out as it is."""
        raised: Exception | None = None
        async with anyio.create_task_group() as renewing:
            renewing.start_soon(self._keep_renewing)
            try:
                yield
            except Exception as error:
                raised = error
            renewing.cancel_scope.cancel()
        if raised is not None:
            raise raised

    def confirm(self, tx: Transaction) -> None:
        """Renew the row in `tx`; raises ExchangeFailedError if it is no longer ours."""
        if not _renew(tx, self._wanted()):
            raise ExchangeFailedError("it took too long, and another order went first")

    async def _acquire_row(self) -> None:
        delay = _FIRST_DELAY
        while not await self._store.transaction(_take, self._wanted(), self._clock.now_ms()):
            await anyio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _keep_renewing(self) -> None:
        while True:
            await anyio.sleep(self._renew_every)
            with suppress(StoreUnavailable):
                await self._store.transaction(_renew, self._wanted())

    def _wanted(self) -> LeaseRow:
        return LeaseRow(self._name, self._owner, self._clock.now_ms() + LEASE_MS)


def _take(tx: Transaction, wanted: LeaseRow, now: int) -> bool:
    """Our own row may be taken again: a cancelled `acquire` may have left it behind."""
    row = tx.get(LEASES, wanted.name)
    if row is not None and row.until_ms > now and row.owner != wanted.owner:
        return False
    tx.put(LEASES, wanted)
    return True


def _renew(tx: Transaction, wanted: LeaseRow) -> bool:
    """Also a row that has expired, as long as nobody else took it."""
    row = tx.get(LEASES, wanted.name)
    if row is None or row.owner != wanted.owner:
        return False
    tx.put(LEASES, wanted)
    return True


def _give_back(tx: Transaction, name: str, owner: str) -> None:
    row = tx.get(LEASES, name)
    if row is not None and row.owner == owner:
        tx.delete(LEASES, name)
