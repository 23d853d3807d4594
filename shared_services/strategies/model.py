"""What a strategy says. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Probabilities:
    """Each 0..1; together about 1."""

    buy: float
    sell: float
    hold: float


PROBABILITIES: Final[Mapping[Action, Probabilities]] = {
    Action.BUY: Probabilities(buy=0.7, sell=0.1, hold=0.2),
    Action.SELL: Probabilities(buy=0.1, sell=0.7, hold=0.2),
    Action.HOLD: Probabilities(buy=0.2, sell=0.2, hold=0.6),
}
"""What follows from an action, where a strategy says nothing else."""


@dataclass(frozen=True, slots=True)
class Signal:
    """`confidence` and `position_size` (a fraction) are 0..1; `metadata` is what clients see."""

    action: Action
    confidence: float
    position_size: float
    probabilities: Probabilities
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Combined:
    """Several signals as one; `risk_score` is 0..1."""

    action: Action
    confidence: float
    probabilities: Probabilities
    risk_score: float
    metadata: Mapping[str, object]


def risk_score(confidence: float, probabilities: Probabilities) -> float:
    """1 - confidence x max(P_buy, P_sell), within 0..1."""
    return min(1.0, max(0.0, 1 - confidence * max(probabilities.buy, probabilities.sell)))
