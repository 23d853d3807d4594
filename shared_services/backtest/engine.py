"""The backtest engine: what a strategy would have earned. Pure; may take a while.

An opposite signal closes nothing; stop and target do. Costs are charged at the exit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from shared_services.backtest.model import ClosedTrade, Costs
from shared_services.numbers import as_written
from shared_services.strategies.series import BUY, HOLD, Said

_ZERO = Decimal(0)


@dataclass(slots=True)
class Run:
    """The state of one run; `position` is signed, 0 while nothing is held."""

    costs: Costs
    capital: Decimal
    position: Decimal = _ZERO
    entry: Decimal = _ZERO
    entered: int = 0
    lowest: Decimal = _ZERO
    highest: Decimal = _ZERO
    trades: list[ClosedTrade] = field(default_factory=list)
    equity: list[Decimal] = field(default_factory=list)

    def open(self, action: int, price: Decimal, share: Decimal, at: int) -> None:
        """`share` of the capital is invested; nothing if there is none left."""
        costs = self.costs
        money = self.capital * costs.max_position_size * share
        if money <= 0:
            return
        sign = 1 if action == BUY else -1
        self.entry = price * (1 + sign * costs.slippage)
        if not self.entry:
            return
        self.position = sign * money / self.entry
        self.entered = at
        below, above = (costs.stop, costs.target) if sign > 0 else (costs.target, costs.stop)
        self.lowest, self.highest = self.entry * (1 - below), self.entry * (1 + above)

    def close(self, price: Decimal, at: int) -> None:
        turnover = abs(self.position * price)
        commission, slippage = turnover * self.costs.commission, turnover * self.costs.slippage
        pnl = self.position * (price - self.entry) - commission - slippage
        self.capital += pnl
        self.trades.append(
            ClosedTrade(
                entry_time=self.entered,
                exit_time=at,
                entry_price=self.entry,
                exit_price=price,
                position=self.position,
                commission=commission,
                slippage=slippage,
                pnl=pnl,
            )
        )
        self.position = _ZERO

    def value(self, price: Decimal) -> Decimal:
        return (
            self.capital + self.position * (price - self.entry) if self.position else self.capital
        )


def run(
    times: Sequence[int], close: Sequence[Decimal], said: Said, costs: Costs, position_size: float
) -> Run:
    """Bar for bar: close if stop or target is reached, then open if the strategy says so."""
    state = Run(costs, costs.initial_capital)
    size = as_written(position_size)
    actions, confidence = said.actions.tolist(), said.confidence.tolist()
    for place, price in enumerate(close):
        if state.position and not state.lowest < price < state.highest:
            state.close(price, times[place])
        if not state.position and actions[place] != HOLD:
            share = as_written(confidence[place]) * size
            state.open(actions[place], price, share, times[place])
        state.equity.append(state.value(price))
    return state
