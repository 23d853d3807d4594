"""PortfolioManagerAsync: what the account is made of, and what should be done about it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from shared_services.config.model import Configuration, TradingConfig
from shared_services.errors import InvalidBody
from shared_services.exchange.model import OrderType, PositionType, Side
from shared_services.exchange.outages import LIVE_ACCOUNT
from shared_services.ledger.model import Account, Accounts
from shared_services.market.model import Prices
from shared_services.numbers import as_written, percent
from shared_services.orders.model import OrderCommand
from shared_services.portfolio.model import (
    Allocation,
    Allocations,
    PortfolioStatus,
    Profile,
    Proposal,
    Proposals,
    Rebalancing,
    RebalancingPlan,
    RiskProfile,
    SymbolSignals,
    Weight,
)
from shared_services.portfolio.positions import allocation, by_symbol, cost, parts
from shared_services.risk.assessment import is_crowded
from shared_services.risk.model import AccountRisk, Exposure, Odds
from shared_services.risk.rules import broken_rules
from shared_services.risk.sizing import position_size, stop_and_target
from shared_services.strategies.combination import combine
from shared_services.strategies.model import Action, Combined, Signal

_FACTORS: Final = {
    RiskProfile.CONSERVATIVE: Decimal("0.5"),
    RiskProfile.MODERATE: Decimal("0.75"),
    RiskProfile.AGGRESSIVE: Decimal(1),
}
_ZERO: Final = Decimal(0)


class Risk(Protocol):
    async def assess_account(self, account: Account) -> AccountRisk:
        """Raises ExchangeError."""
        ...


@dataclass(frozen=True, slots=True)
class Situation:
    """What a proposal is made from."""

    account: Account
    config: TradingConfig
    prices: Mapping[str, Decimal]


class PortfolioManagerAsync:
    """Reads the real account and places no order. Raises ExchangeNotConfigured, ExchangeFailed."""

    def __init__(self, market: Prices, ledger: Accounts, risk: Risk, config: Configuration) -> None:
        self._market = market
        self._ledger = ledger
        self._risk = risk
        self._config = config

    async def status(self) -> PortfolioStatus:
        config = await self._config.current()
        with LIVE_ACCOUNT.told():
            account = await self._ledger.account()
            risk = await self._risk.assess_account(account)
        found = parts(account)
        pnl = sum((one.pnl for one in found), _ZERO)
        return PortfolioStatus(
            total_value=account.value,
            available_balance=account.available,
            total_pnl=pnl,
            pnl_percentage=percent(pnl, cost(found)),
            position_count=account.position_count,
            positions=by_symbol(found),
            active_strategies={
                one.name: Weight(one.min_confidence, one.weight) for one in config.enabled
            },
            risk_summary=risk,
            timestamp=account.timestamp,
        )

    async def process_signals(self, sent: Sequence[SymbolSignals]) -> Proposals:
        """Per symbol: combined, sized, with stop and target, and checked."""
        with LIVE_ACCOUNT.told():
            situation = await self._situation([one.symbol for one in sent])
        return Proposals(_proposals(sent, situation), situation.account.timestamp)

    async def allocate(self, sent: Sequence[SymbolSignals], profile: Profile) -> Allocations:
        """How much of the portfolio each buy deserves."""
        with LIVE_ACCOUNT.told():
            situation = await self._situation([one.symbol for one in sent])
        account = situation.account
        bought = [
            one
            for one in _proposals(sent, situation)
            if one.action is Action.BUY and one.should_execute
        ]
        return Allocations(tuple(_shared(bought, account, profile)), profile, account.timestamp)

    async def rebalance(self, targets: Mapping[str, Decimal]) -> RebalancingPlan:
        """What brings each symbol to its share of the portfolio value, in percent."""
        with LIVE_ACCOUNT.told():
            situation = await self._situation(list(targets))
        account = situation.account
        actions = (_moved(symbol, target, situation) for symbol, target in targets.items())
        return RebalancingPlan(tuple(actions), account.value, account.timestamp)

    async def decide(self, symbol: str, signals: Mapping[str, Signal], price: Decimal) -> Proposal:
        """For the bot: as `process_signals`, within its limit of one position.

        Raises ExchangeError.
        """
        situation = await self._situation([symbol])
        most = situation.config.risk.risk_per_trade * max(situation.account.value, _ZERO)
        return _proposal(SymbolSignals(symbol, signals, price), situation, most)

    async def _situation(self, symbols: Sequence[str]) -> Situation:
        """Raises ExchangeError."""
        prices = await self._market.prices(symbols)
        return Situation(await self._ledger.account(), await self._config.current(), prices)


def _proposals(sent: Sequence[SymbolSignals], situation: Situation) -> tuple[Proposal, ...]:
    return tuple(_proposal(one, situation) for one in sent)


def _proposal(sent: SymbolSignals, situation: Situation, most: Decimal | None = None) -> Proposal:
    """`most` limits its size in money."""
    account, config = situation.account, situation.config
    price = situation.prices[sent.symbol] if sent.price is None else sent.price
    now = account.timestamp
    combined = combine(sent.signals, config, symbol=sent.symbol, price=price, now=now)
    if combined.action is Action.HOLD:
        return Proposal(sent.symbol, combined, price, _ZERO, _ZERO, None, None, (), now)
    odds, side = _odds(combined), Side(combined.action)
    invested = cost(parts(account))
    size = position_size(account.value - invested, odds, config.risk)
    size = size if most is None else min(size, most)
    stop, target = stop_and_target(side, price, odds, config.risk)
    order = _order(sent.symbol, side, size / price)
    _check_range(sent.symbol, order.amount, stop, target)
    errors = () if not size else _errors(order, situation, odds)
    return Proposal(
        symbol=sent.symbol,
        combined=combined,
        price=price,
        position_size=size,
        amount=order.amount,
        stop_loss=stop,
        take_profit=target,
        errors=errors if size else _empty(account),
        timestamp=now,
    )


def _check_range(symbol: str, *figures: Decimal) -> None:
    """Raises InvalidBody: a price at the end of all doubles leads beyond it."""
    if not all(math.isfinite(float(one)) for one in figures):
        raise InvalidBody("Invalid signals", details=(f"{symbol}: price is out of range",))


def _errors(order: OrderCommand, situation: Situation, odds: Odds) -> tuple[str, ...]:
    account = situation.account
    exposure = Exposure(
        portfolio_value=account.value,
        daily_result=account.daily_result,
        position_count=account.position_count,
        held=account.held_at_price_of(order.symbol),
        last_price=situation.prices[order.symbol],
    )
    limits = situation.config.risk
    return broken_rules(order, exposure, limits, odds, crowded=is_crowded(account, limits))


def _empty(account: Account) -> tuple[str, ...]:
    """Why nothing can be invested."""
    return ("Portfolio value is zero",) if account.value <= 0 else ("Nothing left to invest",)


def _odds(combined: Combined) -> Odds:
    probabilities = combined.probabilities
    return Odds(probabilities.buy, probabilities.sell, probabilities.hold, combined.confidence)


def _order(symbol: str, side: Side, amount: Decimal) -> OrderCommand:
    return OrderCommand(
        symbol=symbol,
        type=OrderType.MARKET,
        side=side,
        amount=amount,
        price=None,
        position_type=PositionType.SPOT,
        leverage=Decimal(1),
        stop_loss=None,
        take_profit=None,
    )


def _shared(bought: Sequence[Proposal], account: Account, profile: Profile) -> Iterable[Allocation]:
    """In proportion to how sure each is."""
    total = sum((as_written(one.confidence) for one in bought), _ZERO)
    whole = profile.max_allocation_percent * _FACTORS[profile.risk_profile] * 100
    for one in bought:
        target = as_written(one.confidence) / total * whole
        yield Allocation(
            symbol=one.symbol,
            action=one.action,
            amount=target / 100 * account.value / one.price,
            confidence=one.confidence,
            current_allocation=allocation(parts(account), one.symbol, account.value),
            target_allocation=target,
            price=one.price,
        )


def _moved(symbol: str, target: Decimal, situation: Situation) -> Rebalancing:
    account, price = situation.account, situation.prices[symbol]
    current = allocation(parts(account), symbol, account.value)
    difference = target - current
    value = abs(difference) / 100 * max(account.value, _ZERO)
    return Rebalancing(
        symbol=symbol,
        action=Action.BUY if difference > 0 else Action.SELL if difference < 0 else Action.HOLD,
        amount=value / price,
        value=value,
        current_allocation=current,
        target_allocation=target,
        difference=difference,
        price=price,
    )
