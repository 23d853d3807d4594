"""What the risk rules look at."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RiskParameters:
    """The limits of an order; percent values are 0..100."""

    max_position_size: Decimal = Decimal("0.1")
    max_leverage: Decimal = Decimal(3)
    max_daily_loss: Decimal = Decimal(2)
    max_open_positions: int = 5


@dataclass(frozen=True, slots=True)
class Exposure:
    """The account as the rules see it: `held` is signed, in the order's base currency."""

    portfolio_value: Decimal
    daily_result: Decimal
    position_count: int
    held: Decimal
    last_price: Decimal
