"""What the risk rules look at."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RiskParameters:
    """What limits orders and sizes positions, as shipped; `…_percent` and daily loss are 0..100."""

    max_position_size: Decimal = Decimal("0.1")
    max_leverage: Decimal = Decimal(3)
    stop_loss_percent: Decimal = Decimal(2)
    take_profit_percent: Decimal = Decimal(2)
    max_daily_loss: Decimal = Decimal(2)
    max_open_positions: int = 5
    min_signal_confidence: Decimal = Decimal("0.6")
    probability_weight: Decimal = Decimal("0.5")
    risk_per_trade: Decimal = Decimal("0.02")
    risk_score_threshold: Decimal = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Exposure:
    """The account as the rules see it: `held` is signed, in the order's base currency."""

    portfolio_value: Decimal
    daily_result: Decimal
    position_count: int
    held: Decimal
    last_price: Decimal
