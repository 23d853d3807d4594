"""Risk management: may this order be placed?"""

from shared_services.orders.model import OrderCommand


class RiskManagerAsync:
    async def check(self, order: OrderCommand) -> tuple[str, ...]:
        """The messages of every rule the order breaks, in their order; empty if it may pass.

        Raises ExchangeError: the caller knows the consequence.
        """
        raise NotImplementedError
