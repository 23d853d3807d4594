"""How well a run did. A statistic without a value is 0."""

import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from shared_services.backtest.model import ClosedTrade, Performance
from shared_services.backtest.prices import doubles

_PERIODS = 252  # a year's trading days, as the ratio is usually told


def performance(trades: Sequence[ClosedTrade], equity: Sequence[Decimal]) -> Performance:
    won = sum(one.pnl > 0 for one in trades)
    curve = doubles(equity)
    return Performance(
        total_trades=len(trades),
        winning_trades=won,
        losing_trades=len(trades) - won,
        win_rate=won / len(trades) if trades else 0.0,
        total_pnl=sum((one.pnl for one in trades), Decimal(0)),
        max_drawdown=max_drawdown(curve),
        sharpe_ratio=sharpe_ratio(curve),
    )


def max_drawdown(curve: NDArray[np.float64]) -> float:
    """Largest loss from a peak, as a fraction of it."""
    peaks = np.maximum.accumulate(curve)
    return float(np.max((peaks - curve) / peaks, where=peaks > 0, initial=0.0))


def sharpe_ratio(curve: NDArray[np.float64]) -> float:
    """Mean over sample deviation of the changes from bar to bar, times the root of 252 (Sharpe 1966)."""
    before, after = curve[:-1], curve[1:]
    known = before != 0
    changes = after[known] / before[known] - 1
    if len(changes) < 2:
        return 0.0
    deviation = float(np.std(changes, ddof=1))
    return math.sqrt(_PERIODS) * float(np.mean(changes)) / deviation if deviation else 0.0
