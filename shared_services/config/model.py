"""The configuration as rules and strategies read it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from shared_services.risk.model import RiskParameters

Number: TypeAlias = int | Decimal

STRATEGY_NAMES: Final = ("ema_crossover", "rsi", "fvg", "sample")


class CombinationMethod(StrEnum):
    WEIGHTED_AVERAGE = "weighted_average"
    MAJORITY_VOTE = "majority_vote"


@dataclass(frozen=True, slots=True)
class StrategyWeight:
    """`weight` is normalised over the enabled strategies; of a disabled one it is as stored."""

    name: str
    enabled: bool
    weight: float
    min_confidence: float


@dataclass(frozen=True, slots=True)
class TradingWindow:
    """Hours of the UTC day, half-open: `start_hour` 0..23, `end_hour` 1..24."""

    start_hour: int = 0
    end_hour: int = 24
    max_trades_per_day: int = 5


@dataclass(frozen=True, slots=True)
class TradingConfig:
    """`weights` in the order of the configuration; `parameters` by strategy, as stored."""

    symbol: str = "BTC/USD"
    timeframe: str = "1h"
    risk: RiskParameters = field(default_factory=RiskParameters)
    window: TradingWindow = field(default_factory=TradingWindow)
    combination: CombinationMethod = CombinationMethod.WEIGHTED_AVERAGE
    weights: tuple[StrategyWeight, ...] = (
        StrategyWeight("ema_crossover", enabled=True, weight=0.45, min_confidence=0.6),
        StrategyWeight("rsi", enabled=True, weight=0.35, min_confidence=0.5),
        StrategyWeight("fvg", enabled=True, weight=0.2, min_confidence=0.5),
        StrategyWeight("sample", enabled=False, weight=0.0, min_confidence=0.3),
    )
    parameters: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def enabled(self) -> tuple[StrategyWeight, ...]:
        return tuple(one for one in self.weights if one.enabled)


class Configuration(Protocol):
    """What the other services know of the configuration: what is in force now."""

    async def current(self) -> TradingConfig: ...


@dataclass(frozen=True, slots=True)
class ProbabilityFramework:
    combination_method: str
    dynamic_weights_enabled: bool
    risk_threshold: Number


@dataclass(frozen=True, slots=True)
class RiskManagement:
    max_position_size: Number
    min_signal_confidence: Number
    probability_weight: Number


@dataclass(frozen=True, slots=True)
class Summary:
    """What is in force, and what was found wrong in what is stored."""

    config_file: str
    config_valid: bool
    enabled_strategies: tuple[str, ...]
    probability_framework: ProbabilityFramework
    risk_management: RiskManagement
    total_strategy_count: int
    validation_errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProbabilitySettings:
    combination_method: str
    confidence_threshold_buy: Number
    confidence_threshold_hold: Number
    confidence_threshold_sell: Number
    enable_dynamic_weights: bool
    risk_score_threshold: Number


@dataclass(frozen=True, slots=True)
class RiskConfig:
    min_signal_confidence: Number
    probability_weight: Number


@dataclass(frozen=True, slots=True)
class ProbabilityView:
    probability_settings: ProbabilitySettings
    risk_config: RiskConfig


@dataclass(frozen=True, slots=True)
class NewWeight:
    strategy_name: str
    new_weight: Decimal
