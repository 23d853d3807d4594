"""What clients see of the configuration in force. Pure."""

from typing import cast

from shared_services.config.model import (
    Number,
    ProbabilityFramework,
    ProbabilitySettings,
    ProbabilityView,
    RiskConfig,
    RiskManagement,
    Summary,
)
from shared_services.config.reading import InForce
from shared_services.config.schema import PROBABILITY


def summary(in_force: InForce, path: str) -> Summary:
    risk, probability = in_force.section("risk"), probability_view(in_force).probability_settings
    return Summary(
        config_file=path,
        config_valid=not in_force.problems,
        enabled_strategies=in_force.enabled,
        probability_framework=ProbabilityFramework(
            combination_method=probability.combination_method,
            dynamic_weights_enabled=probability.enable_dynamic_weights,
            risk_threshold=probability.risk_score_threshold,
        ),
        risk_management=RiskManagement(
            max_position_size=cast("Number", risk["max_position_size"]),
            min_signal_confidence=cast("Number", risk["min_signal_confidence"]),
            probability_weight=cast("Number", risk["probability_weight"]),
        ),
        total_strategy_count=len(in_force.strategies),
        validation_errors=in_force.problems,
    )


def probability_view(in_force: InForce) -> ProbabilityView:
    settings, risk = in_force.section(PROBABILITY), in_force.section("risk")
    return ProbabilityView(
        ProbabilitySettings(
            combination_method=str(settings["combination_method"]),
            confidence_threshold_buy=cast("Number", settings["confidence_threshold_buy"]),
            confidence_threshold_hold=cast("Number", settings["confidence_threshold_hold"]),
            confidence_threshold_sell=cast("Number", settings["confidence_threshold_sell"]),
            enable_dynamic_weights=bool(settings["enable_dynamic_weights"]),
            risk_score_threshold=cast("Number", settings["risk_score_threshold"]),
        ),
        RiskConfig(
            min_signal_confidence=cast("Number", risk["min_signal_confidence"]),
            probability_weight=cast("Number", risk["probability_weight"]),
        ),
    )
