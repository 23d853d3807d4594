"""Risk management: may this order be placed, and how risky is what there is?"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from shared_services.config.model import Configuration
from shared_services.errors import InvalidOrder
from shared_services.exchange.model import Side
from shared_services.exchange.outages import LIVE_ACCOUNT
from shared_services.exchange.service import ExchangeAsync
from shared_services.ledger.model import Account
from shared_services.ledger.service import LedgerAsync
from shared_services.market.model import Prices
from shared_services.monitoring.alerts import Level, alert, tell_once
from shared_services.orders.model import OrderCommand
from shared_services.risk.assessment import level_of, of_account, of_positions
from shared_services.risk.model import (
    AccountRisk,
    Exposure,
    GivenPosition,
    Odds,
    PositionsAssessment,
    Score,
    Validation,
)
from shared_services.risk.rules import DAILY_LOSS, broken_rules, loss_limit, size_of
from shared_services.storage import Store
from shared_services.wire import number

_DAY_MS: Final = 86_400_000


class RiskManagerAsync:
    """`config` is asked at every check: the limits may change while we run."""

    def __init__(
        self,
        exchange: ExchangeAsync,
        market: Prices,
        ledger: LedgerAsync,
        config: Configuration,
        store: Store,
    ) -> None:
        self._exchange = exchange
        self._market = market
        self._ledger = ledger
        self._config = config
        self._store = store

    async def check(self, order: OrderCommand) -> tuple[str, ...]:
        """The messages of every rule the order breaks, in their order; empty if it may be placed.

        Every fill is booked first, so that the daily result is right. Raises ExchangeError: the
        caller knows the consequence.
        """
        exposure, now = await self._exposure(order)
        limits = (await self._config.current()).risk
        messages = broken_rules(order, exposure, limits)
        if DAILY_LOSS in messages:
            limit = loss_limit(exposure, limits.max_daily_loss)
            await self._tell_of_loss(exposure, limit, now)
        return messages

    async def validate(self, order: OrderCommand, odds: Odds | None) -> Validation:
        """What the rules say to an order that nobody sends. Raises InvalidOrder for its symbol."""
        with LIVE_ACCOUNT.told():
            if order.symbol not in await self._exchange.port.instruments():
                detail = f"Unknown symbol: {order.symbol}"
                raise InvalidOrder("Invalid order data", details=(detail,))
            exposure, _ = await self._exposure(order)
        limits = (await self._config.current()).risk
        value, part = size_of(order, exposure)
        whole, result = exposure.portfolio_value, exposure.daily_result
        return Validation(
            errors=broken_rules(order, exposure, limits, odds),
            portfolio_value=whole,
            daily_pnl=result,
            daily_pnl_pct=float(result / whole) if whole > 0 else 0.0,
            position_count=exposure.position_count,
            position_value=value,
            position_size_pct=float(part),
            risk_score=None if odds is None else odds.risk_score,
        )

    async def assess(self) -> AccountRisk:
        """The risk of the account as the exchange reports it now."""
        with LIVE_ACCOUNT.told():
            return await self.assess_account(await self._ledger.account())

    async def assess_account(self, account: Account) -> AccountRisk:
        """As `assess`, for an account that was just read; raises ExchangeError."""
        port = self._exchange.port
        orders = await port.open_orders()
        selling = {one.symbol for one in orders if one.side is Side.SELL or one.price is None}
        prices = await self._market.prices(selling)
        return of_account(account, orders, prices, (await self._config.current()).risk)

    async def assess_positions(self, positions: Sequence[GivenPosition]) -> PositionsAssessment:
        """The risk of positions that a client tells of, beside the booked result of the day."""
        limits = (await self._config.current()).risk
        result, now = await self._ledger.today()
        return PositionsAssessment(of_positions(positions, limits, result), now)

    async def score(self, symbol: str, odds: Odds) -> Score:
        return Score(symbol, odds, odds.risk_score, level_of(odds.risk_score))

    async def _exposure(self, order: OrderCommand) -> tuple[Exposure, int]:
        """What the order meets, and when that was read (ms)."""
        account = await self._ledger.account()
        ticker = await self._exchange.port.ticker(order.symbol)
        return Exposure(
            portfolio_value=account.value,
            daily_result=account.daily_result,
            position_count=account.position_count,
            held=account.held(order.symbol.split("/")[0]),
            last_price=ticker.last,
        ), account.timestamp

    async def _tell_of_loss(self, exposure: Exposure, limit: Decimal, now: int) -> None:
        """Once a UTC day."""
        metadata = {
            "daily_pnl": number(exposure.daily_result),
            "limit": number(limit),
            "portfolio_value": number(exposure.portfolio_value),
        }
        told = alert(Level.CRITICAL, "Daily loss limit reached", metadata, now)
        await tell_once(self._store, told, since=now // _DAY_MS * _DAY_MS)
