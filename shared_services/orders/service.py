"""Orders: create once, look, cancel."""

from collections.abc import Callable, Mapping
from typing import Final

from shared_services.errors import (
    ExchangeFailed,
    ExchangeNotConfigured,
    OrderNotFound,
    OrderRefused,
    OrderRejected,
    OutcomeUnknown,
)
from shared_services.exchange.port import RefusedError, UnknownOrderError
from shared_services.exchange.service import ExchangeAsync, Outage
from shared_services.orders import answers
from shared_services.orders.found import FoundOrders
from shared_services.orders.idempotency import IdempotencyKeys
from shared_services.orders.model import ClosedOrder, Order, Placed, Submission
from shared_services.orders.placement import Guard, Placement
from shared_services.orders.validation import parse

_UNAVAILABLE: Final = "Order service not available"
_NOT_CONFIGURED: Final = "Exchange service not configured"

_OPEN: Final = Outage(_UNAVAILABLE, message=_NOT_CONFIGURED, failed="Open orders unavailable")
_HISTORY: Final = Outage(_UNAVAILABLE, message=_NOT_CONFIGURED, failed="Order history unavailable")
_STATUS: Final = Outage(_UNAVAILABLE, failed="Order status unavailable")
_CANCEL: Final = Outage(_UNAVAILABLE, failed="Order may still be open")


class OrderServiceAsync:
    def __init__(
        self,
        exchange: ExchangeAsync,
        placement: Placement,
        keys: IdempotencyKeys,
        found: FoundOrders,
        new_id: Callable[[], str],
    ) -> None:
        self._exchange = exchange
        self._placement = placement
        self._keys = keys
        self._found = found
        self._new_id = new_id

    async def create(
        self,
        body: Mapping[str, object],
        idempotency_key: str | None,
        guard: Guard | None = None,
    ) -> Placed:
        """Place the order in `body`, once per key; what `guard` raises keeps it from being sent.

        Raises InvalidOrder, IdempotencyKeyReused, IdempotencyKeyInProgress, ExchangeNotConfigured,
        OrderRejected (by risk management), OrderRefused (by the exchange), ExchangeFailed (it was
        not sent), OutcomeUnknown.
        """
        submission = parse(body, idempotency_key)
        if submission.idempotency_key is None:
            return await self._create(submission, guard)
        return await self._create_once(submission, submission.idempotency_key, guard)

    async def open(self) -> list[Order]:
        """Oldest first."""
        with _OPEN.told():
            orders = await self._exchange.port.open_orders()
        return await self._found.open(orders)

    async def get(self, order_id: str) -> Order:
        """Raises OrderNotFound, OrderRefused, ExchangeNotConfigured, ExchangeFailed."""
        try:
            with _STATUS.told():
                order = await self._exchange.port.order(order_id)
        except UnknownOrderError as error:
            raise OrderNotFound("Order not found") from error
        except RefusedError as error:
            raise OrderRefused("Failed to fetch order status") from error
        return await self._found.one(order)

    async def cancel(self, order_id: str) -> None:
        """Raises OrderNotFound (also if it is no longer open), and the rest as `get`."""
        try:
            with _CANCEL.told():
                port = self._exchange.port
                async with self._found.changing():
                    await port.cancel(order_id)
        except UnknownOrderError as error:
            raise OrderNotFound("Order not found") from error
        except RefusedError as error:
            raise OrderRefused("Failed to cancel order", details=str(error)) from error

    async def history(self, symbol: str | None, limit: int) -> list[ClosedOrder]:
        """Orders that are no longer open, newest first; `symbol` is unified."""
        with _HISTORY.told():
            orders = await self._exchange.port.closed_orders(symbol, limit)
        return await self._found.closed(orders)

    async def _create(self, submission: Submission, guard: Guard | None) -> Placed:
        try:
            order = await self._placement.place(
                submission, self._new_id(), resumed=False, guard=guard
            )
        except OrderRejected as rejection:
            await self._keys.reject(None, rejection, submission.command.symbol)
            raise
        return Placed(order)

    async def _create_once(self, submission: Submission, key: str, guard: Guard | None) -> Placed:
        """What is not caught here leaves the key pending: whether the order was sent is unknown."""
        client_id = self._new_id()
        row = await self._keys.claim(key, answers.fingerprint(submission.command), client_id)
        if row.answer is not None:
            return Placed(answers.replay(row.answer), replayed=True)
        resumed = row.client_id != client_id
        try:
            order = await self._placement.place(
                submission, row.client_id, resumed=resumed, guard=guard
            )
        except OrderRejected as rejection:
            await self._keys.reject(row, rejection, submission.command.symbol)
            raise
        except OrderRefused as refusal:
            await self._keys.remember(row, answers.of_refusal(refusal))
            raise
        except (ExchangeNotConfigured, ExchangeFailed) as failure:
            unsent = not resumed and not isinstance(failure, OutcomeUnknown)
            await (self._keys.forget(row) if unsent else self._keys.suspend(row))
            raise
        await self._keys.remember(row, answers.of_order(order))
        return Placed(order)
