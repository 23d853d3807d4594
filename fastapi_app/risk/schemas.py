"""Shapes of risk."""

from typing import Self

from pydantic import Field

from fastapi_app.orders.schemas import OrderRequest
from fastapi_app.schemas import Absent, IsoN, Number, Wire
from shared_services.risk.model import Score, Validation


class ProbabilityIn(Wire):
    """The three probabilities sum to 1."""

    probability_buy: float = Field(ge=0, le=1)
    probability_sell: float = Field(ge=0, le=1)
    probability_hold: float = Field(ge=0, le=1)
    confidence: float = Field(ge=0, le=1)


class ValidateOrderIn(Wire):
    order_data: OrderRequest
    probability_data: ProbabilityIn | None = None


class AccountRiskOut(Wire):
    portfolio_value: Number
    total_exposure: Number
    daily_pnl: Number
    daily_pnl_pct: float
    position_count: int
    positions_vs_max: float
    symbol_count: int
    concentration_risk: float
    risk_level: str
    timestamp: IsoN


class OrderRiskOut(Wire):
    portfolio_value: Number
    daily_pnl: Number
    daily_pnl_pct: float
    position_count: int
    position_value: Number
    position_size_pct: float
    risk_score: float | Absent = None


class ValidationOut(Wire):
    valid: bool
    errors: list[str]
    risk_assessment: OrderRiskOut

    @classmethod
    def of(cls, value: Validation) -> Self:
        return cls(
            valid=value.valid,
            errors=list(value.errors),
            risk_assessment=OrderRiskOut.model_validate(value),
        )


class ProbabilityOut(Wire):
    probability_buy: float
    probability_sell: float
    probability_hold: float
    confidence: float


class ScoreOut(Wire):
    symbol: str
    probability_data: ProbabilityOut
    risk_score: float
    risk_level: str

    @classmethod
    def of(cls, value: Score) -> Self:
        odds = value.odds
        return cls(
            symbol=value.symbol,
            probability_data=ProbabilityOut(
                probability_buy=odds.buy,
                probability_sell=odds.sell,
                probability_hold=odds.hold,
                confidence=odds.confidence,
            ),
            risk_score=value.risk_score,
            risk_level=value.risk_level,
        )
