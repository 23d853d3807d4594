"""How much to risk on a signal, and where to get out. Pure; fractions and money are exact."""

from decimal import Decimal
from typing import Final

from shared_services.exchange.model import Side
from shared_services.numbers import as_written
from shared_services.risk.model import Odds, RiskParameters

_FARTHEST_TARGET: Final = Decimal("0.30")
_HALF: Final = Decimal("0.5")


def position_size(available: Decimal, odds: Odds, limits: RiskParameters) -> Decimal:
    """Money for a position; `available` is what is not invested yet."""
    confidence, likely, score = _exact(odds)
    weight = limits.probability_weight
    base = max(available, Decimal(0)) * limits.max_position_size * confidence
    return base * (weight * likely + (1 - weight) * confidence) * (1 - _HALF * score)


def stop_and_target(
    side: Side, entry: Decimal, odds: Odds, limits: RiskParameters
) -> tuple[Decimal, Decimal]:
    """Prices: the riskier, the closer the stop; the surer, the farther the target."""
    confidence, _, score = _exact(odds)
    stop = limits.stop_loss_percent / 100 * (1 - score * limits.probability_weight)
    target = min(limits.take_profit_percent / 100 * (1 + _HALF * confidence), _FARTHEST_TARGET)
    sign = 1 if side is Side.BUY else -1
    return entry * (1 - sign * stop), entry * (1 + sign * target)


def _exact(odds: Odds) -> tuple[Decimal, Decimal, Decimal]:
    """Confidence, the larger of the two probabilities, and the risk score."""
    return (
        as_written(odds.confidence),
        as_written(max(odds.buy, odds.sell)),
        as_written(odds.risk_score),
    )
