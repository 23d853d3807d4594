"""Orders: create once, look, cancel."""

from collections.abc import Mapping

from shared_services.orders.model import ClosedOrder, Order, Placed


class OrderServiceAsync:
    async def create(self, body: Mapping[str, object], idempotency_key: str | None) -> Placed:
        """Place the order in `body`, once per key.

        Raises InvalidOrder, IdempotencyKeyReused, IdempotencyKeyInProgress, ExchangeNotConfigured,
        OrderRejected (by risk management), OrderRefused (by the exchange), ExchangeFailed.
        """
        raise NotImplementedError

    async def open(self) -> list[Order]:
        raise NotImplementedError

    async def get(self, order_id: str) -> Order:
        """Raises OrderNotFound, OrderRefused and what the exchange's outages raise."""
        raise NotImplementedError

    async def cancel(self, order_id: str) -> None:
        """Raises OrderNotFound (also if no longer open), OrderRefused, …"""
        raise NotImplementedError

    async def history(self, symbol: str | None, limit: int) -> list[ClosedOrder]:
        """Orders that are no longer open, newest first."""
        raise NotImplementedError
