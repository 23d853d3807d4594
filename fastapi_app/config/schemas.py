"""The configuration on the wire, and what became of its changes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from fastapi_app.schemas import Number, Stored, Wire
from shared_services.config.model import CombinationMethod, NewWeight, StrategyWeight
from shared_services.rules import Value

Fraction = Annotated[float, Field(ge=0, le=1)]


class ConfigUpdate(BaseModel):
    """Documents the body: sections of the configuration and upper-case names of its fields."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [{"SYMBOL": "BTC/USD"}, {"risk": {"max_position_size": 0.1}}],
            "minProperties": 1,
        },
    )

    strategy: dict[str, Any] | None = None
    risk: dict[str, Any] | None = None
    trading_window: dict[str, Any] | None = None
    notifications: dict[str, Any] | None = None
    fvg_strategy: dict[str, Any] | None = None
    portfolio_strategies: dict[str, dict[str, Any]] | None = None
    probability_settings: dict[str, Any] | None = None


class WeightUpdate(BaseModel):
    weight: Fraction


class ProbabilityFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    confidence_threshold_buy: Fraction = 0.7
    confidence_threshold_sell: Fraction = 0.7
    confidence_threshold_hold: Fraction = 0.6
    risk_score_threshold: Fraction = 0.8
    combination_method: CombinationMethod = CombinationMethod.WEIGHTED_AVERAGE
    enable_dynamic_weights: bool = True


class ProbabilityUpdate(BaseModel):
    probability_settings: ProbabilityFields


class ProbabilityFrameworkOut(Wire):
    combination_method: str
    dynamic_weights_enabled: bool
    risk_threshold: Stored


class RiskManagementOut(Wire):
    max_position_size: Stored
    min_signal_confidence: Stored
    probability_weight: Stored


class SummaryOut(Wire):
    config_file: str
    config_valid: bool
    enabled_strategies: list[str]
    probability_framework: ProbabilityFrameworkOut
    risk_management: RiskManagementOut
    total_strategy_count: int
    validation_errors: list[str]


class UpdatedOut(Wire):
    message: Literal["Configuration updated successfully"] = "Configuration updated successfully"
    success: Literal[True] = True
    updated_fields: list[str]


class StrategyWeightOut(Wire):
    enabled: bool
    min_confidence: float
    strategy_name: str = Field(validation_alias="name")
    weight: float


class StrategiesOut(Wire):
    enabled_strategies: int
    strategy_weights: list[StrategyWeightOut]
    total_strategies: int

    @classmethod
    def of(cls, weights: Sequence[StrategyWeight]) -> Self:
        return cls(
            enabled_strategies=sum(one.enabled for one in weights),
            strategy_weights=[StrategyWeightOut.model_validate(one) for one in weights],
            total_strategies=len(weights),
        )


class StrategyOut(Wire):
    parameters: dict[str, Stored]
    strategy_name: str

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, Value]) -> Self:
        return cls(parameters=dict(parameters), strategy_name=name)


class NewWeightOut(Wire):
    message: str
    new_weight: Number
    strategy_name: str

    @classmethod
    def of(cls, value: NewWeight) -> Self:
        message = f"Updated {value.strategy_name} weight to {float(value.new_weight)}"
        return cls(message=message, new_weight=value.new_weight, strategy_name=value.strategy_name)


class ProbabilitySettingsOut(Wire):
    combination_method: str
    confidence_threshold_buy: Stored
    confidence_threshold_hold: Stored
    confidence_threshold_sell: Stored
    enable_dynamic_weights: bool
    risk_score_threshold: Stored


class RiskConfigOut(Wire):
    min_signal_confidence: Stored
    probability_weight: Stored


class ProbabilityOut(Wire):
    probability_settings: ProbabilitySettingsOut
    risk_config: RiskConfigOut


class ProbabilityUpdatedOut(Wire):
    message: Literal["Probability settings updated successfully"] = (
        "Probability settings updated successfully"
    )
    updated_settings: dict[str, Stored]

    @classmethod
    def of(cls, settings: Mapping[str, Value]) -> Self:
        return cls(updated_settings=dict(settings))


class ValidationOut(Wire):
    error_count: int
    errors: list[str]
    valid: bool

    @classmethod
    def of(cls, errors: Sequence[str]) -> Self:
        return cls(error_count=len(errors), errors=list(errors), valid=not errors)


class ReloadedOut(Wire):
    config_valid: bool
    message: Literal["Configuration reloaded successfully"] = "Configuration reloaded successfully"
    validation_errors: list[str]

    @classmethod
    def of(cls, errors: Sequence[str]) -> Self:
        return cls(config_valid=not errors, validation_errors=list(errors))
