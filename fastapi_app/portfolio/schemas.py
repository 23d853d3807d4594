"""Shapes of the portfolio."""

from typing import Any, Literal, Self

from pydantic import Field, JsonValue

from fastapi_app.risk.schemas import AccountRiskOut
from fastapi_app.schemas import Absent, IsoN, Number, Wire
from fastapi_app.strategy.schemas import ProbabilitiesOut
from shared_services.portfolio.model import Allocations, Proposal


class IndicatorsIn(Wire):
    """Where absent, what follows from the action."""

    probability_buy: float | None = Field(None, ge=0, le=1)
    probability_sell: float | None = Field(None, ge=0, le=1)
    probability_hold: float | None = Field(None, ge=0, le=1)


class SignalIn(Wire):
    symbol: str = Field(min_length=1)
    source: str = Field(min_length=1, description="A strategy; signals of others are dropped")
    signal_type: Literal["buy", "sell", "hold"]
    confidence: float = Field(ge=0, le=1)
    price: float | None = Field(None, gt=0, description="By default the last one")
    indicators: IndicatorsIn | None = None


class SignalsIn(Wire):
    signals: list[SignalIn] = Field(min_length=1)


class AllocateIn(SignalsIn):
    risk_profile: Literal["conservative", "moderate", "aggressive"] = "moderate"
    max_allocation_percent: float = Field(0.8, ge=0, le=1, description="A fraction")


class TargetIn(Wire):
    symbol: str = Field(min_length=1)
    percentage: float = Field(ge=0, le=100)


class RebalanceIn(Wire):
    target_allocations: list[TargetIn] = Field(min_length=1)


class PositionOut(Wire):
    symbol: str
    side: str
    amount: Number
    entry_price: Number
    mark_price: Number
    pnl: Number
    pnl_percentage: Number


class WeightOut(Wire):
    min_confidence: float
    weight: float


class StatusOut(Wire):
    total_value: Number
    available_balance: Number
    total_pnl: Number
    pnl_percentage: Number
    position_count: int
    positions: dict[str, PositionOut]
    active_strategies: dict[str, WeightOut]
    risk_summary: AccountRiskOut
    timestamp: IsoN


class ActionOut(Wire):
    """`position_size` is money, `amount` quantity."""

    symbol: str
    action: str
    confidence: float
    probabilities: ProbabilitiesOut
    risk_score: float
    price: Number
    position_size: Number
    amount: Number
    stop_loss: Number | Absent = None
    take_profit: Number | Absent = None
    errors: list[str]
    should_execute: bool
    metadata: dict[str, JsonValue]
    timestamp: IsoN

    @classmethod
    def of(cls, value: Proposal) -> Self:
        own = ("symbol", "action", "confidence", "risk_score", "price", "position_size", "amount")
        rest = ("stop_loss", "take_profit", "should_execute", "timestamp")
        fields: dict[str, Any] = {name: getattr(value, name) for name in own + rest}
        return cls(
            **fields,
            errors=list(value.errors),
            probabilities=ProbabilitiesOut.model_validate(value.combined.probabilities),
            metadata=dict(value.combined.metadata),
        )


class ActionsOut(Wire):
    actions: list[ActionOut]
    timestamp: IsoN


class AllocationOut(Wire):
    """Percent of the portfolio value; the first two are the same."""

    symbol: str
    action: str
    amount: Number
    confidence: float
    percentage: Number
    target_allocation: Number
    current_allocation: Number
    price: Number


class AllocationsOut(Wire):
    allocations: list[AllocationOut]
    risk_profile: str
    max_allocation_percent: Number
    timestamp: IsoN

    @classmethod
    def of(cls, value: Allocations) -> Self:
        return cls(
            allocations=[AllocationOut.model_validate(one) for one in value.allocations],
            risk_profile=value.profile.risk_profile,
            max_allocation_percent=value.profile.max_allocation_percent,
            timestamp=value.timestamp,
        )


class RebalancingOut(Wire):
    symbol: str
    action: str
    amount: Number
    value: Number
    current_allocation: Number
    target_allocation: Number
    difference: Number
    price: Number


class PlanOut(Wire):
    actions: list[RebalancingOut]
    portfolio_value: Number
    timestamp: IsoN
