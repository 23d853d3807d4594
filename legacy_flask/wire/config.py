"""The configuration, and what became of its changes."""

from collections.abc import Mapping, Sequence

from legacy_flask.wire import Json
from shared_services.config.model import (
    NewWeight,
    ProbabilityView,
    StrategyWeight,
    Summary,
)
from shared_services.rules import Value
from shared_services.wire import as_stored, number


def summary(value: Summary) -> Json:
    framework, risk = value.probability_framework, value.risk_management
    return {
        "config_file": value.config_file,
        "config_valid": value.config_valid,
        "enabled_strategies": list(value.enabled_strategies),
        "probability_framework": {
            "combination_method": framework.combination_method,
            "dynamic_weights_enabled": framework.dynamic_weights_enabled,
            "risk_threshold": as_stored(framework.risk_threshold),
        },
        "risk_management": {
            "max_position_size": as_stored(risk.max_position_size),
            "min_signal_confidence": as_stored(risk.min_signal_confidence),
            "probability_weight": as_stored(risk.probability_weight),
        },
        "total_strategy_count": value.total_strategy_count,
        "validation_errors": list(value.validation_errors),
    }


def updated(fields: Sequence[str]) -> Json:
    return {
        "message": "Configuration updated successfully",
        "success": True,
        "updated_fields": list(fields),
    }


def strategies(weights: Sequence[StrategyWeight]) -> Json:
    return {
        "enabled_strategies": sum(one.enabled for one in weights),
        "strategy_weights": [
            {
                "enabled": one.enabled,
                "min_confidence": one.min_confidence,
                "strategy_name": one.name,
                "weight": one.weight,
            }
            for one in weights
        ],
        "total_strategies": len(weights),
    }


def strategy(name: str, parameters: Mapping[str, Value]) -> Json:
    return {"parameters": _stored(parameters), "strategy_name": name}


def new_weight(value: NewWeight) -> Json:
    weight = number(value.new_weight)
    return {
        "message": f"Updated {value.strategy_name} weight to {weight}",
        "new_weight": weight,
        "strategy_name": value.strategy_name,
    }


def probability(value: ProbabilityView) -> Json:
    settings, risk = value.probability_settings, value.risk_config
    return {
        "probability_settings": {
            "combination_method": settings.combination_method,
            "confidence_threshold_buy": as_stored(settings.confidence_threshold_buy),
            "confidence_threshold_hold": as_stored(settings.confidence_threshold_hold),
            "confidence_threshold_sell": as_stored(settings.confidence_threshold_sell),
            "enable_dynamic_weights": settings.enable_dynamic_weights,
            "risk_score_threshold": as_stored(settings.risk_score_threshold),
        },
        "risk_config": {
            "min_signal_confidence": as_stored(risk.min_signal_confidence),
            "probability_weight": as_stored(risk.probability_weight),
        },
    }


def updated_probability(settings: Mapping[str, Value]) -> Json:
    return {
        "message": "Probability settings updated successfully",
        "updated_settings": _stored(settings),
    }


def validation(errors: Sequence[str]) -> Json:
    return {"error_count": len(errors), "errors": list(errors), "valid": not errors}


def reloaded(errors: Sequence[str]) -> Json:
    return {
        "config_valid": not errors,
        "message": "Configuration reloaded successfully",
        "validation_errors": list(errors),
    }


def _stored(values: Mapping[str, Value]) -> Json:
    return {key: as_stored(value) for key, value in values.items()}
