"""The strategies by name: what each needs, is called, and says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shared_services.errors import InsufficientData
from shared_services.strategies.model import PROBABILITIES, Action, Probabilities, Signal
from shared_services.strategies.parameters import Given
from shared_services.strategies.series import (
    BUY,
    HOLD,
    SELL,
    Bars,
    Said,
    ema_crossover,
    fair_value_gap,
    relative_strength,
    sample,
)

ACTIONS: Final = {BUY: Action.BUY, SELL: Action.SELL, HOLD: Action.HOLD}


@dataclass(frozen=True, slots=True)
class Strategy:
    """`needs` says how many bars there must be; `columns` are those it reads beside `close`.

    `out` says that it wants nothing invested where it holds.
    """

    title: str
    short: str
    description: str
    needs: Callable[[Given], int]
    says: Callable[[Bars, Given], Said]
    columns: tuple[str, ...] = ()
    out: bool = False


STRATEGIES: Final[Mapping[str, Strategy]] = {
    "ema_crossover": Strategy(
        title="EMA Crossover Strategy",
        short="EMA crossover",
        description="Exponential Moving Average crossover signals with probability analysis",
        needs=lambda given: int(given["slow_period"] or 0) + 1,
        says=ema_crossover,
        out=True,
    ),
    "rsi": Strategy(
        title="RSI Strategy",
        short="RSI",
        description="Relative Strength Index strategy with probability analysis",
        needs=lambda given: int(given["rsi_period"] or 0) + 1,
        says=relative_strength,
    ),
    "fvg": Strategy(
        title="Fair Value Gap Strategy",
        short="FVG",
        description="Fair Value Gap detection with probability analysis",
        needs=lambda _given: 3,
        says=fair_value_gap,
        columns=("high", "low"),
        out=True,
    ),
    "sample": Strategy(
        title="Sample Strategy",
        short="sample",
        description="Template strategy demonstrating probability framework",
        needs=lambda _given: 1,
        says=sample,
    ),
}


def signal(name: str, bars: Bars, given: Given) -> Signal:
    """What strategy `name` says at the last bar. Raises InsufficientData."""
    strategy = STRATEGIES[name]
    if len(bars) < strategy.needs(given):
        raise InsufficientData(
            f"Insufficient data: need at least {strategy.needs(given)} data points, got {len(bars)}"
        )
    said = strategy.says(bars, given)
    action = ACTIONS[int(said.actions[-1])]
    probabilities = PROBABILITIES[ACTIONS[said.leaning] if said.leaning else action]
    return Signal(
        action=action,
        confidence=float(said.confidence[-1]),
        position_size=0.0
        if strategy.out and action is Action.HOLD
        else float(given["position_size"] or 0),
        probabilities=probabilities,
        metadata={**said.last, **told(probabilities)},
    )


def told(probabilities: Probabilities) -> dict[str, object]:
    """As clients see them in the metadata of a signal."""
    return {
        "probability_buy": probabilities.buy,
        "probability_sell": probabilities.sell,
        "probability_hold": probabilities.hold,
    }
