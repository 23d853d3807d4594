"""What forms are told about the strategies: hints. What is enforced stands in `parameters`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared_services.strategies.catalogue import STRATEGIES

FRAMEWORK_VERSION: Final = "probability_based_v1.0"

Number = int | float


@dataclass(frozen=True, slots=True)
class Hint:
    """`min` and `max` are None where a form needs no limit."""

    type: str
    default: Number
    min: Number | None = None
    max: Number | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """One strategy as a form shows it."""

    name: str
    description: str
    parameters: Mapping[str, Hint]


_SIZE: Final = Hint("float", 1.0, 0.1, 1.0)

FORMS: Final[Mapping[str, Form]] = {
    name: Form(title, STRATEGIES[name].description, parameters)
    for name, title, parameters in (
        (
            "ema_crossover",
            "EMA Crossover Strategy",
            {
                "fast_period": Hint("int", 12, 5, 50),
                "slow_period": Hint("int", 26, 10, 100),
                "buy_threshold": Hint("float", 0.0, description="Threshold for buy signals"),
                "sell_threshold": Hint("float", 0.0, description="Threshold for sell signals"),
                "position_size": _SIZE,
            },
        ),
        (
            "rsi",
            "RSI Strategy",
            {
                "rsi_period": Hint("int", 14, 5, 50),
                "overbought": Hint("float", 70, 50, 90),
                "oversold": Hint("float", 30, 10, 50),
                "position_size": _SIZE,
            },
        ),
        (
            "fvg",
            "Fair Value Gap Strategy",
            {"lookback": Hint("int", 3, 1, 10), "position_size": _SIZE},
        ),
        (
            "sample",
            "Sample Strategy",
            {
                "indicator_value": Hint("float", 0.0),
                "buy_threshold": Hint("float", 1.0),
                "sell_threshold": Hint("float", -1.0),
                "position_size": _SIZE,
            },
        ),
    )
}
