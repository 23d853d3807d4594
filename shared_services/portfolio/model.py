"""The portfolio, and what should be done about it. Percentages are 0..100 unless they say fraction."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared_services.risk.model import AccountRisk
from shared_services.strategies.model import Action, Combined, Signal


class RiskProfile(StrEnum):
    CONSERVATIVE = "conservative"
    MODERATE = "moderate"
    AGGRESSIVE = "aggressive"


@dataclass(frozen=True, slots=True)
class SymbolSignals:
    """What was sent about one symbol, by source; `price` is None where the last one counts."""

    symbol: str
    signals: Mapping[str, Signal]
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class PortfolioPosition:
    """Everything held in one symbol; `amount` is negative for a short."""

    symbol: str
    side: str
    amount: Decimal
    entry_price: Decimal
    mark_price: Decimal
    pnl: Decimal
    pnl_percentage: Decimal


@dataclass(frozen=True, slots=True)
class Weight:
    min_confidence: float
    weight: float


@dataclass(frozen=True, slots=True)
class PortfolioStatus:
    """`timestamp` in ms."""

    total_value: Decimal
    available_balance: Decimal
    total_pnl: Decimal
    pnl_percentage: Decimal
    position_count: int
    positions: Mapping[str, PortfolioPosition]
    active_strategies: Mapping[str, Weight]
    risk_summary: AccountRisk
    timestamp: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be done about one symbol; `position_size` is money, `amount` quantity.

    Nothing is, to hold: then there is neither stop nor target.
    """

    symbol: str
    combined: Combined
    price: Decimal
    position_size: Decimal
    amount: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    errors: tuple[str, ...]
    timestamp: int

    @property
    def action(self) -> Action:
        return self.combined.action

    @property
    def confidence(self) -> float:
        return self.combined.confidence

    @property
    def risk_score(self) -> float:
        return self.combined.risk_score

    @property
    def should_execute(self) -> bool:
        return self.action is not Action.HOLD and not self.errors


@dataclass(frozen=True, slots=True)
class Proposals:
    actions: tuple[Proposal, ...]
    timestamp: int


@dataclass(frozen=True, slots=True)
class Profile:
    """`max_allocation_percent` is a fraction, its name notwithstanding."""

    risk_profile: RiskProfile
    max_allocation_percent: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """Advice: an order made from it passes the risk check on its own."""

    symbol: str
    action: Action
    amount: Decimal
    confidence: float
    current_allocation: Decimal
    target_allocation: Decimal
    price: Decimal

    @property
    def percentage(self) -> Decimal:
        """As clients also call the target."""
        return self.target_allocation


@dataclass(frozen=True, slots=True)
class Allocations:
    allocations: tuple[Allocation, ...]
    profile: Profile
    timestamp: int


@dataclass(frozen=True, slots=True)
class Rebalancing:
    """What brings one symbol to its target; `amount` and `value` are not negative."""

    symbol: str
    action: Action
    amount: Decimal
    value: Decimal
    current_allocation: Decimal
    target_allocation: Decimal
    difference: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class RebalancingPlan:
    actions: tuple[Rebalancing, ...]
    portfolio_value: Decimal
    timestamp: int
