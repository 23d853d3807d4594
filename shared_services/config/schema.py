"""Every field of the configuration in one table: default, rule, upper-case name.

`docs/configuration.md` is this table for readers; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from shared_services.config.model import STRATEGY_NAMES, CombinationMethod
from shared_services.exchange.model import TIMEFRAMES
from shared_services.rules import (
    BOOLEAN,
    FRACTION,
    PERCENT,
    SYMBOL,
    TEXT,
    Rule,
    Value,
    integer,
    number,
    one_of,
    optional,
)
from shared_services.strategies.parameters import DIRECTIONS, rules

Path: TypeAlias = tuple[str, ...]
"""Where a field is: its section, then its key; between them the strategy, if it has one."""


def dotted(path: Path) -> str:
    """`risk.max_leverage`: as clients name a field."""
    return ".".join(path)


STRATEGIES: Final = "portfolio_strategies"
GENERAL: Final = "strategy"
PROBABILITY: Final = "probability_settings"


@dataclass(frozen=True, slots=True)
class Field:
    """`default` is None for what may be absent; `upper` is the other name in an update."""

    name: str
    default: Value
    rule: Rule
    upper: str | None = None

    @property
    def path(self) -> Path:
        return tuple(self.name.split("."))


_POSITIVE: Final = integer(1)
_NOT_NEGATIVE: Final = number(0)
_ABOVE_ZERO: Final = number(0, 1, above=True)
_DIRECTION: Final = one_of(DIRECTIONS)

_GENERAL_FIELDS: Final = (
    Field("strategy.symbol", "BTC/USD", SYMBOL, "SYMBOL"),
    Field("strategy.timeframe", "1h", one_of(TIMEFRAMES), "TIMEFRAME"),
    Field("strategy.ema_length", 20, _POSITIVE, "EMA_LENGTH"),
    Field("strategy.ema_fast", 12, _POSITIVE, "EMA_FAST"),
    Field("strategy.ema_slow", 26, _POSITIVE, "EMA_SLOW"),
    Field("strategy.rsi_period", 14, _POSITIVE, "RSI_PERIOD"),
    Field("strategy.atr_multiplier", 2, _NOT_NEGATIVE, "ATR_MULTIPLIER"),
    Field("strategy.volume_multiplier", Decimal("1.5"), _NOT_NEGATIVE, "VOLUME_MULTIPLIER"),
    Field("risk.max_position_size", Decimal("0.1"), _ABOVE_ZERO),
    Field("risk.max_leverage", Decimal("3.0"), number(1)),
    Field("risk.stop_loss_percent", 2, PERCENT, "STOP_LOSS_PERCENT"),
    Field("risk.take_profit_percent", 2, PERCENT, "TAKE_PROFIT_PERCENT"),
    Field("risk.max_daily_loss", 2, PERCENT, "MAX_DAILY_LOSS"),
    Field("risk.max_open_positions", 5, _POSITIVE),
    Field("risk.min_signal_confidence", Decimal("0.6"), FRACTION),
    Field("risk.probability_weight", Decimal("0.5"), FRACTION),
    Field("risk.risk_per_trade", Decimal("0.02"), FRACTION, "RISK_PER_TRADE"),
    Field("risk.lookback", 5, _POSITIVE, "LOOKBACK"),
    Field("trading_window.start_hour", 0, integer(0, 23), "TRADING_START_HOUR"),
    Field("trading_window.end_hour", 24, integer(1, 24), "TRADING_END_HOUR"),
    Field("trading_window.max_trades_per_day", 5, _POSITIVE, "MAX_TRADES_PER_DAY"),
    Field("notifications.email_enabled", True, BOOLEAN, "EMAIL_NOTIFICATIONS"),
    Field("notifications.smtp_server", "smtp.gmail.com", TEXT, "EMAIL_SMTP_SERVER"),
    Field("notifications.smtp_port", 465, optional(integer(1, 65535)), "EMAIL_SMTP_PORT"),
    Field("notifications.sender", "your@email.com", TEXT, "EMAIL_SENDER"),
    Field("notifications.receiver", "your@email.com", TEXT, "EMAIL_RECEIVER"),
    Field("fvg_strategy.min_gap_size", 10, _NOT_NEGATIVE),
    Field("fvg_strategy.direction", "both", _DIRECTION),
    Field("fvg_strategy.position_size", Decimal("0.1"), FRACTION),
    Field("fvg_strategy.lookback", 5, _POSITIVE),
    Field("probability_settings.confidence_threshold_buy", Decimal("0.7"), FRACTION),
    Field("probability_settings.confidence_threshold_sell", Decimal("0.7"), FRACTION),
    Field("probability_settings.confidence_threshold_hold", Decimal("0.6"), FRACTION),
    Field("probability_settings.risk_score_threshold", Decimal("0.8"), FRACTION),
    Field(
        "probability_settings.combination_method",
        CombinationMethod.WEIGHTED_AVERAGE.value,
        one_of(CombinationMethod),
    ),
    Field("probability_settings.enable_dynamic_weights", True, BOOLEAN),
)

SHARE: Final[Mapping[str, Rule]] = {
    "enabled": BOOLEAN,
    "weight": FRACTION,
    "min_confidence": FRACTION,
}
"""What each strategy has beside its parameters: its share in the combination."""

PARAMETERS: Final[Mapping[str, Mapping[str, Rule]]] = {name: rules(name) for name in STRATEGY_NAMES}
"""What each strategy may be told beside its share."""

_SHIPPED: Final[Mapping[str, Mapping[str, Value]]] = {
    "ema_crossover": {
        "enabled": True,
        "weight": Decimal("0.45"),
        "min_confidence": Decimal("0.6"),
        "fast_period": 12,
        "slow_period": 26,
    },
    "rsi": {
        "enabled": True,
        "weight": Decimal("0.35"),
        "min_confidence": Decimal("0.5"),
        "rsi_period": 14,
        "overbought": 70,
        "oversold": 30,
    },
    "fvg": {
        "enabled": True,
        "weight": Decimal("0.2"),
        "min_confidence": Decimal("0.5"),
        "lookback": 3,
    },
    "sample": {"enabled": False, "weight": Decimal("0.0"), "min_confidence": Decimal("0.3")},
}


def _strategy_fields(strategy: str) -> tuple[Field, ...]:
    rules = {**SHARE, **PARAMETERS[strategy]}
    return tuple(
        Field(f"{STRATEGIES}.{strategy}.{key}", _SHIPPED[strategy].get(key), rule)
        for key, rule in rules.items()
    )


FIELDS: Final[Mapping[Path, Field]] = {
    field.path: field
    for fields in (_GENERAL_FIELDS, *(_strategy_fields(name) for name in STRATEGY_NAMES))
    for field in fields
}
UPPER_CASE: Final[Mapping[str, Path]] = {
    field.upper: path for path, field in FIELDS.items() if field.upper is not None
}
BRANCHES: Final = frozenset(path[:depth] for path in FIELDS for depth in range(1, len(path)))
"""Where an object is: sections, and the strategies in one of them."""

DEFAULTS: Final[Mapping[Path, Value]] = {
    path: field.default for path, field in FIELDS.items() if field.default is not None
}
