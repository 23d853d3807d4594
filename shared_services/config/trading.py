"""What is in force, as rules and strategies read it. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from shared_services.config.model import (
    CombinationMethod,
    StrategyWeight,
    TradingConfig,
    TradingWindow,
)
from shared_services.config.reading import InForce, decimal
from shared_services.config.schema import GENERAL, PARAMETERS, PROBABILITY, STRATEGIES
from shared_services.risk.model import RiskParameters
from shared_services.rules import Value

_GENERAL_PERIODS: Final[Mapping[str, Mapping[str, str]]] = {
    "ema_crossover": {"fast_period": "ema_fast", "slow_period": "ema_slow"},
    "rsi": {"rsi_period": "rsi_period"},
}
"""By strategy: its parameter, and what the general section calls the same."""


def trading_config(in_force: InForce) -> TradingConfig:
    general, probability = in_force.section(GENERAL), in_force.section(PROBABILITY)
    return TradingConfig(
        symbol=str(general["symbol"]),
        timeframe=str(general["timeframe"]),
        risk=_risk(in_force),
        window=_window(in_force),
        combination=CombinationMethod(str(probability["combination_method"])),
        weights=weights(in_force),
        parameters={name: _parameters(in_force, name) for name in in_force.strategies},
    )


def weights(in_force: InForce) -> tuple[StrategyWeight, ...]:
    """Of the enabled strategies divided by their sum, unless that is 0."""
    total = in_force.total_weight or 1
    return tuple(
        _weight(name, in_force.section(STRATEGIES, name), total) for name in in_force.strategies
    )


def overlaid(in_force: InForce, name: str) -> dict[str, Value]:
    """What strategy `name` works with: the general section, and over it what is its own."""
    return in_force.section(GENERAL) | in_force.section(STRATEGIES, name)


def _parameters(in_force: InForce, name: str) -> dict[str, Value]:
    """Of the strategy's own section; a period that only the general section names counts as well."""
    own = in_force.section(STRATEGIES, name)
    for key, general in _GENERAL_PERIODS.get(name, {}).items():
        if (STRATEGIES, name, key) not in in_force.named and (GENERAL, general) in in_force.named:
            own[key] = in_force.values[GENERAL, general]
    return {key: value for key, value in own.items() if key in PARAMETERS[name]}


def _weight(name: str, share: Mapping[str, Value], total: Decimal | int) -> StrategyWeight:
    enabled, weight = bool(share["enabled"]), decimal(share["weight"])
    return StrategyWeight(
        name=name,
        enabled=enabled,
        weight=float(weight / total if enabled else weight),
        min_confidence=float(decimal(share["min_confidence"])),
    )


def _risk(in_force: InForce) -> RiskParameters:
    risk = {key: decimal(value) for key, value in in_force.section("risk").items()}
    return RiskParameters(
        max_position_size=risk["max_position_size"],
        max_leverage=risk["max_leverage"],
        stop_loss_percent=risk["stop_loss_percent"],
        take_profit_percent=risk["take_profit_percent"],
        max_daily_loss=risk["max_daily_loss"],
        max_open_positions=int(risk["max_open_positions"]),
        min_signal_confidence=risk["min_signal_confidence"],
        probability_weight=risk["probability_weight"],
        risk_per_trade=risk["risk_per_trade"],
        risk_score_threshold=decimal(in_force.values[PROBABILITY, "risk_score_threshold"]),
    )


def _window(in_force: InForce) -> TradingWindow:
    window = {key: int(decimal(value)) for key, value in in_force.section("trading_window").items()}
    return TradingWindow(**window)
