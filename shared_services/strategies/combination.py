"""Several signals as one. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from shared_services.config.model import CombinationMethod, StrategyWeight, TradingConfig
from shared_services.numbers import as_written
from shared_services.strategies.model import (
    PROBABILITIES,
    Action,
    Combined,
    Probabilities,
    Signal,
    risk_score,
)
from shared_services.wire import iso_n, number

NO_SIGNALS: Final = "No strategy signals provided"
NONE_LEFT: Final = "No valid signals after filtering"

_TOLERANCE: Final = 1e-9  # doubles this close to each other count as equal
_ORDER: Final = (Action.BUY, Action.SELL, Action.HOLD)  # on a tie, the first

Shares = Sequence[tuple[str, Signal, float]]
"""Source, signal and weight of what is left after filtering."""


def combine(
    signals: Mapping[str, Signal], config: TradingConfig, *, symbol: str, price: Decimal, now: int
) -> Combined:
    """By source; what the configuration does not want is left out. `now` is in ms."""
    known = {one.name: one for one in config.enabled if one.weight > 0}
    shares = [
        (source, signal, known[source].weight)
        for source, signal in signals.items()
        if source in known and _is_sure(signal, known[source])
    ]
    if not shares:
        return _nothing(NONE_LEFT if signals else NO_SIGNALS, now)
    total = sum((as_written(weight) for _, _, weight in shares), Decimal(0))
    probabilities = _probabilities(shares)
    confidence = _mean([(signal.confidence, weight) for _, signal, weight in shares])
    return Combined(
        action=_action(shares, probabilities, config.combination),
        confidence=confidence,
        probabilities=probabilities,
        risk_score=risk_score(confidence, probabilities),
        metadata={
            "symbol": symbol,
            "current_price": number(price),
            "strategies_used": [source for source, _, _ in shares],
            "total_weight": number(total),
            "combination_method": config.combination.value,
            "timestamp": iso_n(now),
        },
    )


def _is_sure(signal: Signal, share: StrategyWeight) -> bool:
    return signal.confidence >= share.min_confidence - _TOLERANCE


def _nothing(reason: str, now: int) -> Combined:
    return Combined(
        action=Action.HOLD,
        confidence=0.0,
        probabilities=PROBABILITIES[Action.HOLD],
        risk_score=1.0,
        metadata={"reason": reason, "timestamp": iso_n(now)},
    )


def _probabilities(shares: Shares) -> Probabilities:
    buy, sell, hold = (
        _mean([(getattr(signal.probabilities, action), weight) for _, signal, weight in shares])
        for action in _ORDER
    )
    return Probabilities(buy=buy, sell=sell, hold=hold)


def _mean(values: Sequence[tuple[float, float]]) -> float:
    """Of values with weights; in decimals, so that equal values have that mean."""
    total = sum((as_written(weight) for _, weight in values), Decimal(0))
    weighed = sum((as_written(value) * as_written(weight) for value, weight in values), Decimal(0))
    return number(weighed / total)


def _action(shares: Shares, probabilities: Probabilities, method: CombinationMethod) -> Action:
    if method is CombinationMethod.MAJORITY_VOTE:
        votes = {
            action: sum(weight for _, signal, weight in shares if signal.action is action)
            for action in _ORDER
        }
        first, *more = _largest(votes)
        return Action.HOLD if more else first
    return _largest({action: getattr(probabilities, action) for action in _ORDER})[0]


def _largest(values: Mapping[Action, float]) -> list[Action]:
    """Every action whose value is the largest."""
    most = max(values.values())
    return [action for action, value in values.items() if value >= most - _TOLERANCE]
