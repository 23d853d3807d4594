"""Risk management: may this order be placed?"""

from shared_services.config.model import Configuration
from shared_services.exchange.service import ExchangeAsync
from shared_services.ledger.service import LedgerAsync
from shared_services.orders.model import OrderCommand
from shared_services.risk.model import Exposure
from shared_services.risk.rules import broken_rules


class RiskManagerAsync:
    """`config` is asked at every check: the limits may change while we run."""

    def __init__(
        self,
        exchange: ExchangeAsync,
        ledger: LedgerAsync,
        config: Configuration,
    ) -> None:
        self._exchange = exchange
        self._ledger = ledger
        self._config = config

    async def check(self, order: OrderCommand) -> tuple[str, ...]:
        """The messages of every rule the order breaks, in their order; empty if it may be placed.

        Every fill is booked first, so that the daily result is right. Raises ExchangeError: the
        caller knows the consequence.
        """
        account = await self._ledger.account()
        ticker = await self._exchange.port.ticker(order.symbol)
        exposure = Exposure(
            portfolio_value=account.value,
            daily_result=account.daily_result,
            position_count=account.position_count,
            held=account.held(order.symbol.split("/")[0]),
            last_price=ticker.last,
        )
        return broken_rules(order, exposure, (await self._config.current()).risk)
