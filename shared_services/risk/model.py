"""What the risk rules look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from shared_services.exchange.model import Side
from shared_services.strategies.model import Probabilities, risk_score


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


@dataclass(frozen=True, slots=True)
class Odds:
    """What is thought of a trade; each 0..1."""

    buy: float
    sell: float
    hold: float
    confidence: float

    @property
    def risk_score(self) -> float:
        return risk_score(self.confidence, Probabilities(self.buy, self.sell, self.hold))

    def of(self, side: Side) -> float:
        """The probability of that side."""
        return self.buy if side is Side.BUY else self.sell


@dataclass(frozen=True, slots=True)
class Score:
    """`risk_level` in five steps."""

    symbol: str
    odds: Odds
    risk_score: float
    risk_level: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What would become of an order; `position_size` is a fraction, `risk_score` needs odds."""

    errors: tuple[str, ...]
    portfolio_value: Decimal
    daily_pnl: Decimal
    daily_pnl_pct: float
    position_count: int
    position_value: Decimal
    position_size_pct: float
    risk_score: float | None = None

    @property
    def valid(self) -> bool:
        return not self.errors


@dataclass(frozen=True, slots=True)
class AccountRisk:
    """The risk of the account at `timestamp` (ms); ratios are fractions."""

    portfolio_value: Decimal
    total_exposure: Decimal
    daily_pnl: Decimal
    daily_pnl_pct: float
    position_count: int
    positions_vs_max: float
    symbol_count: int
    concentration_risk: float
    risk_level: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class GivenPosition:
    """A position that a client tells of; `risk_score` is 0..1."""

    symbol: str
    size: Decimal
    entry_price: Decimal
    risk_score: float


@dataclass(frozen=True, slots=True)
class PositionsRisk:
    """`scores` by symbol, empty without positions; then nothing else is known."""

    overall_risk_score: float
    risk_level: str
    recommendations: tuple[str, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    max_position_risk_score: float = 0.0
    total_exposure: Decimal = Decimal(0)
    daily_pnl: Decimal = Decimal(0)


NO_POSITIONS: Final = PositionsRisk(0.0, "none", ("No open positions",))


@dataclass(frozen=True, slots=True)
class PositionsAssessment:
    """`timestamp` in ms."""

    risk: PositionsRisk
    timestamp: int
