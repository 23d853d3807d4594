"""Checking an order and sending it, as one critical section."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

from shared_services.caching.service import CacheAsync
from shared_services.clock import Clock
from shared_services.errors import OrderRefused, OrderRejected, OutcomeUnknown
from shared_services.exchange.model import ExchangeOrder, OrderRequest
from shared_services.exchange.port import RefusedError
from shared_services.exchange.service import ExchangeAsync, Outage
from shared_services.orders import notes
from shared_services.orders.idempotency import in_progress
from shared_services.orders.lease import Lease
from shared_services.orders.model import Order, OrderCommand, Submission
from shared_services.orders.tables import OrderNoteRow
from shared_services.storage import Store, Transaction

SECTION: Final = "order placement"
PATIENCE: Final = 10.0  # seconds for each step: the turn, the lookup, the checks, the sending

_NOT_SENT: Final = Outage(
    error="Order service not available",
    details="Exchange service not configured",
    failed="Order was not sent",
    patience=PATIENCE,
)
_SENT: Final = replace(
    _NOT_SENT,
    failed="Order outcome unknown - check open orders before retrying",
    failure=OutcomeUnknown,
)


Guard: TypeAlias = Callable[[Transaction], object]
"""Raises, in the transaction before an order is sent, if it must not be sent after all."""


class RiskCheck(Protocol):
    async def check(self, order: OrderCommand) -> tuple[str, ...]:
        """The messages of the rules the order breaks; raises ExchangeError."""
        ...


class Placement:
    """Of two orders at the same time, the second is checked against what the first left."""

    def __init__(
        self,
        store: Store,
        exchange: ExchangeAsync,
        risk: RiskCheck,
        clock: Clock,
        cache: CacheAsync,
    ) -> None:
        self._store = store
        self._exchange = exchange
        self._risk = risk
        self._clock = clock
        self._cache = cache
        self._lease = Lease(store, clock, SECTION)

    async def place(
        self,
        submission: Submission,
        client_id: str,
        *,
        resumed: bool,
        guard: Guard | None = None,
    ) -> Order:
        """Raises what `OrderServiceAsync.create` does.

        `resumed`: an earlier request may have sent the order under `client_id`. It is looked up
        first, and sent only if it certainly does not exist.
        """
        async with self._alone(_SENT if resumed else _NOT_SENT):
            found = await self._find(client_id) if resumed else None
            if found is not None:
                await self._cache.drop()
                return found
            with _NOT_SENT.told():
                await self._admit(submission.command)
                note = notes.note_of(submission, client_id, self._clock.now_ms())
                await self._store.transaction(self._go_ahead, note, guard, resumed=resumed)
            async with self._cache.dropped():
                order = await self._send(_request(submission.command, client_id), note)
        return notes.annotate(order, note)

    @asynccontextmanager
    async def _alone(self, outage: Outage) -> AsyncIterator[None]:
        with outage.told():
            await self._lease.acquire()
        try:
            async with self._lease.renewed():
                yield
        finally:
            await self._lease.release()

    async def _find(self, client_id: str) -> Order | None:
        """None if it certainly does not exist."""
        with _SENT.told():
            order = await self._exchange.port.order_by_client_id(client_id)
        return None if order is None else (await self._store.read(notes.annotated, [order]))[0]

    async def _admit(self, command: OrderCommand) -> None:
        if command.symbol not in await self._exchange.port.instruments():
            raise _refused(f"Unknown symbol: {command.symbol}")
        messages = await self._risk.check(command)
        if messages:
            raise OrderRejected("Order rejected by risk management", details=messages)

    def _go_ahead(
        self, tx: Transaction, note: OrderNoteRow, guard: Guard | None, *, resumed: bool
    ) -> None:
        """Nobody went ahead of us, neither with another order nor, resuming it, with this one."""
        self._lease.confirm(tx)
        if guard is not None:
            guard(tx)
        if not resumed and notes.is_written(tx, note.client_id):
            raise in_progress()
        notes.write(tx, note)

    async def _send(self, request: OrderRequest, note: OrderNoteRow) -> ExchangeOrder:
        try:
            with _SENT.told():
                return await self._exchange.port.create(request)
        except RefusedError as refusal:
            await self._store.transaction(notes.remove, note)
            raise _refused(str(refusal)) from refusal


def _refused(text: str) -> OrderRefused:
    return OrderRefused("Failed to place order", details=text)


def _request(command: OrderCommand, client_id: str) -> OrderRequest:
    return OrderRequest(
        client_id=client_id,
        symbol=command.symbol,
        type=command.type,
        side=command.side,
        amount=command.amount,
        price=command.price,
        position_type=command.position_type,
        leverage=command.leverage,
    )
