"""Balances as the exchange reports them, up to 30 seconds old."""

from decimal import Decimal
from typing import Final

from shared_services.caching.model import BALANCES
from shared_services.caching.service import CacheAsync
from shared_services.errors import Unavailable
from shared_services.exchange.model import Balance
from shared_services.exchange.service import ExchangeAsync, Outage

_OUTAGE: Final = Outage(
    error="Exchange service not available - check API configuration",
    message="Live balances required for trading - no fallback data",
    failed="Live balances unavailable",
)


class BalanceServiceAsync:
    def __init__(self, exchange: ExchangeAsync, cache: CacheAsync) -> None:
        self._exchange = exchange
        self._cache = cache

    async def list(self) -> list[Balance]:
        """Every currency with a total other than 0, in the exchange's order."""
        with _OUTAGE.told():
            port = self._exchange.port
            found = await self._cache.find(BALANCES)
            balances = found.rows
            if balances is None:
                balances = await port.balances()
                await self._cache.keep(found, balances)
        return [balance for balance in balances if balance.total]

    async def totals(self) -> dict[str, Decimal] | None:
        """Total by currency; None if the balances cannot be read."""
        try:
            return {balance.currency: balance.total for balance in await self.list()}
        except Unavailable:
            return None
