"""The only wiring: settings in, services out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared_services.balances.service import BalanceServiceAsync
from shared_services.clock import SYSTEM_CLOCK, Clock
from shared_services.exchange.paper.market import Market
from shared_services.exchange.service import ExchangeAsync
from shared_services.orders.service import OrderServiceAsync
from shared_services.positions.service import PositionsServiceAsync
from shared_services.risk.service import RiskManagerAsync
from shared_services.settings import TradingSettings


@dataclass(frozen=True, slots=True)
class Services:
    settings: TradingSettings
    exchange: ExchangeAsync
    balances: BalanceServiceAsync
    positions: PositionsServiceAsync
    orders: OrderServiceAsync
    risk: RiskManagerAsync


@asynccontextmanager
async def open_services(
    settings: TradingSettings, *, clock: Clock = SYSTEM_CLOCK, market: Market | None = None
) -> AsyncIterator[Services]:
    """The services for the loop we run on; they close with the block."""
    exchange = ExchangeAsync(None)
    yield Services(
        settings,
        exchange,
        BalanceServiceAsync(exchange),
        PositionsServiceAsync(),
        OrderServiceAsync(),
        RiskManagerAsync(),
    )
