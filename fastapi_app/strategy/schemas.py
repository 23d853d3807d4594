"""Shapes of analyses, simulations and forms."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue

from fastapi_app.schemas import Absent, Number, Wire
from shared_services.backtest.model import Analysis, Failed
from shared_services.risk.model import NO_POSITIONS, PositionsAssessment, PositionsRisk
from shared_services.strategies.hints import FORMS, FRAMEWORK_VERSION
from shared_services.strategies.model import Combined, Signal
from shared_services.wire import as_sent, iso_n

Row = dict[str, Any]


class FvgIn(Wire):
    """Columns or rows with `high` and `low`."""

    data: dict[str, list[Any]] | list[Row]
    min_gap_size: float = Field(0, ge=0)
    direction: Literal["bullish", "bearish", "both"] = "both"


class AnalyzeIn(Wire):
    """Rows with `open`, `high`, `low` and `close`, oldest first."""

    symbol: str = "UNKNOWN"
    timeframe: str = "1h"
    data: list[Row] = Field(min_length=1, max_length=50_000)
    strategies: dict[str, Row] = Field({}, description="Parameters by strategy")


class SimulateIn(Wire):
    strategy: Literal["ema_crossover", "rsi", "fvg", "sample"]
    data: list[Row] = Field(min_length=51, max_length=50_000)
    parameters: Row = Field({})
    initial_balance: float = Field(10_000, gt=0)


class GivenPositionIn(Wire):
    size: float = 0
    entry_price: float = 0
    probability_data: Row | None = None


class PositionsIn(Wire):
    positions: dict[str, GivenPositionIn] = Field({}, description="By symbol")


class ZoneOut(Wire):
    index: int
    direction: str
    gap_low: float
    gap_high: float
    size: float


class PositionRiskOut(Wire):
    risk_score: float


class PositionsRiskOut(Wire):
    """Without positions only the first three are known."""

    overall_risk_score: float
    risk_level: str
    recommendations: list[str]
    max_position_risk_score: float | Absent = None
    position_count: int | Absent = None
    position_risks: dict[str, PositionRiskOut] | Absent = None
    total_exposure: Number | Absent = None
    daily_pnl: Number | Absent = None

    @classmethod
    def of(cls, value: PositionsRisk) -> Self:
        known: dict[str, Any] = {
            "overall_risk_score": value.overall_risk_score,
            "risk_level": value.risk_level,
            "recommendations": list(value.recommendations),
        }
        if value.scores:
            known |= {
                "max_position_risk_score": value.max_position_risk_score,
                "position_count": len(value.scores),
                "position_risks": {
                    name: PositionRiskOut(risk_score=one) for name, one in value.scores.items()
                },
                "total_exposure": value.total_exposure,
                "daily_pnl": value.daily_pnl,
            }
        return cls(**known)


class PositionsAssessmentOut(Wire):
    portfolio_risk_assessment: PositionsRiskOut
    assessment_timestamp: str
    framework_version: str

    @classmethod
    def of(cls, value: PositionsAssessment) -> Self:
        return cls(
            portfolio_risk_assessment=PositionsRiskOut.of(value.risk),
            assessment_timestamp=iso_n(value.timestamp),
            framework_version=FRAMEWORK_VERSION,
        )


class IndividualSignalOut(Wire):
    """With `error`, the strategy could not run."""

    action: str
    confidence: float
    position_size: float | Absent = None
    metadata: dict[str, JsonValue] | Absent = None
    error: str | Absent = None

    @classmethod
    def of(cls, value: Signal | Failed) -> Self:
        if isinstance(value, Failed):
            return cls(action="hold", confidence=0.0, error=value.error)
        return cls.model_validate(value)


class ProbabilitiesOut(Wire):
    buy: float
    sell: float
    hold: float


class CombinedOut(Wire):
    action: str
    combined_confidence: float
    probabilities: ProbabilitiesOut
    risk_score: float
    metadata: dict[str, JsonValue]

    @classmethod
    def of(cls, value: Combined) -> Self:
        metadata: Any = dict(value.metadata)
        return cls(
            action=value.action,
            combined_confidence=value.confidence,
            probabilities=ProbabilitiesOut.model_validate(value.probabilities),
            risk_score=value.risk_score,
            metadata=metadata,
        )


class ShareOut(Wire):
    enabled: bool
    min_confidence: float
    weight: float


class PortfolioSummaryOut(Wire):
    portfolio_risk: PositionsRiskOut
    strategy_weights: dict[str, ShareOut]
    enabled_strategies: int
    total_strategies: int
    summary_timestamp: str


class AnalysisOut(Wire):
    symbol: str
    timeframe: str
    analysis_timestamp: str
    current_price: Number
    individual_signals: dict[str, IndividualSignalOut]
    strategies_analyzed: int
    valid_signals: int
    combined_signal: CombinedOut
    portfolio_summary: PortfolioSummaryOut

    @classmethod
    def of(cls, value: Analysis) -> Self:
        stamp = iso_n(value.timestamp)
        return cls(
            symbol=value.symbol,
            timeframe=value.timeframe,
            analysis_timestamp=stamp,
            current_price=value.current_price,
            individual_signals={
                name: IndividualSignalOut.of(one) for name, one in value.signals.items()
            },
            strategies_analyzed=len(value.signals),
            valid_signals=value.valid_signals,
            combined_signal=CombinedOut.of(value.combined),
            portfolio_summary=PortfolioSummaryOut(
                portfolio_risk=PositionsRiskOut.of(NO_POSITIONS),
                strategy_weights={
                    name: ShareOut.model_validate(one) for name, one in value.shares.items()
                },
                enabled_strategies=sum(one.enabled for one in value.shares.values()),
                total_strategies=len(value.shares),
                summary_timestamp=stamp,
            ),
        )


def _as_sent(parameters: Any) -> Any:
    return as_sent(dict(parameters))


class SimulationOut(Wire):
    strategy: str
    parameters: Annotated[dict[str, JsonValue], BeforeValidator(_as_sent)]
    probability_framework: Literal["enabled"] = "enabled"
    initial_balance: Number
    final_balance: Number
    total_profit: Number
    total_return_pct: Number
    avg_trade_profit: Number
    total_trades: int
    profitable_trades: int
    win_rate: float
    open_positions: int
    backtest_period: int


class HintOut(Wire):
    type: str
    default: int | float
    min: int | float | Absent = None
    max: int | float | Absent = None
    description: str | Absent = None


class FormOut(Wire):
    name: str
    description: str
    parameters: dict[str, HintOut]


class AvailableOut(Wire):
    framework_version: str
    strategies: dict[str, FormOut]
    total_strategies: int

    @classmethod
    def of_all(cls) -> Self:
        return cls(
            framework_version=FRAMEWORK_VERSION,
            strategies={name: FormOut.model_validate(one) for name, one in FORMS.items()},
            total_strategies=len(FORMS),
        )
