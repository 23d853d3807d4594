"""Keys under which an order request is carried out once within a day."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

from shared_services.clock import Clock
from shared_services.errors import (
    IdempotencyKeyInProgress,
    IdempotencyKeyReused,
    OrderRejected,
)
from shared_services.monitoring.alerts import Level, alert, record
from shared_services.monitoring.tables import AlertRow
from shared_services.orders import answers
from shared_services.orders.tables import IDEMPOTENCY, IdempotencyRow
from shared_services.storage import Store, Transaction
from shared_services.storage.errors import StoreUnavailable

MEMORY_MS: Final = 24 * 3_600_000
LEASE_MS: Final = 20_000
"""So long does a crash block its key. Whoever works longer may be overtaken: `Placement` sees to it
that the order is sent once nevertheless."""

_SWEEP: Final = 2  # expired keys that each new one removes: the table shrinks as fast as it grows


class IdempotencyKeys:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def claim(self, key: str, fingerprint: str, client_id: str) -> IdempotencyRow:
        """Make the key ours, or find what became of it.

        With an `answer` it is to be given again. With another `client_id` than ours, an earlier
        request was sent under that one and its outcome is unknown. Raises IdempotencyKeyReused,
        IdempotencyKeyInProgress.
        """
        now = self._clock.now_ms()
        wanted = IdempotencyRow(key, fingerprint, client_id, None, now + LEASE_MS, now + MEMORY_MS)
        return await self._store.transaction(_claim, wanted, now)

    async def remember(self, row: IdempotencyRow, answer: str) -> None:
        """If the store fails now, the key stays pending, and its outcome is looked up later."""
        with suppress(StoreUnavailable):
            await self._store.transaction(_replace, row, replace(row, answer=answer))

    async def reject(
        self, row: IdempotencyRow | None, rejection: OrderRejected, symbol: str
    ) -> None:
        """Remember the answer and tell the operator, both or nothing; without a key only tell."""
        metadata = {"details": rejection.details, "symbol": symbol}
        told = alert(Level.WARNING, rejection.error, metadata, self._clock.now_ms())
        with suppress(StoreUnavailable):
            await self._store.transaction(_reject, row, answers.of_refusal(rejection), told)

    async def suspend(self, row: IdempotencyRow) -> None:
        """Leave the key pending: the next request with it asks the exchange first.

        If the store fails now, that is so once the lease expires.
        """
        with suppress(StoreUnavailable):
            await self._store.transaction(_replace, row, replace(row, lease_until_ms=0))

    async def forget(self, row: IdempotencyRow) -> None:
        """If the store fails now, the key stays pending."""
        with suppress(StoreUnavailable):
            await self._store.transaction(_replace, row, None)


def in_progress() -> IdempotencyKeyInProgress:
    return IdempotencyKeyInProgress("Request with this idempotency key is still in progress")


def _claim(tx: Transaction, wanted: IdempotencyRow, now: int) -> IdempotencyRow:
    _sweep(tx, now)
    row = tx.get(IDEMPOTENCY, wanted.key)
    if row is None or row.expires_ms <= now:
        tx.put(IDEMPOTENCY, wanted)
        return wanted
    if row.fingerprint != wanted.fingerprint:
        raise IdempotencyKeyReused("Idempotency key already used with a different request")
    if row.answer is not None:
        return row
    if row.lease_until_ms > now:
        raise in_progress()
    resumed = replace(row, lease_until_ms=wanted.lease_until_ms)
    tx.put(IDEMPOTENCY, resumed)
    return resumed


def _sweep(tx: Transaction, now: int) -> None:
    for row in tx.find(IDEMPOTENCY, order_by="expires_ms", limit=_SWEEP):
        if row.expires_ms <= now:
            tx.delete(IDEMPOTENCY, row.key)


def _reject(tx: Transaction, row: IdempotencyRow | None, answer: str, told: AlertRow) -> None:
    if row is None or _replace(tx, row, replace(row, answer=answer)):
        record(tx, told)


def _replace(tx: Transaction, claimed: IdempotencyRow, row: IdempotencyRow | None) -> bool:
    """Unless somebody else took the key over: our lease may have expired."""
    if tx.get(IDEMPOTENCY, claimed.key) != claimed:
        return False
    if row is None:
        tx.delete(IDEMPOTENCY, claimed.key)
    else:
        tx.put(IDEMPOTENCY, row)
    return True
