"""What each strategy may be told: defaults and bounds, in one table. Pure.

The configuration, backtests, analyses and the bot all read parameters by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared_services.errors import InvalidParameters
from shared_services.rules import FRACTION, Rule, Value, integer, number, one_of

DIRECTIONS: Final = ("bullish", "bearish", "both")


@dataclass(frozen=True, slots=True)
class Parameter:
    """`default` is None for what may be absent; `low` and `high` are inclusive, None for none."""

    type: str
    default: str | int | float | None
    rule: Rule
    low: int | float | None = None
    high: int | float | None = None
    values: tuple[str, ...] = ()


Parameters = Mapping[str, Parameter]
Given = dict[str, str | int | float | None]
"""The value of every parameter of a strategy, by its name."""


def _int(default: int, low: int, high: int) -> Parameter:
    return Parameter("int", default, integer(low, high), low, high)


def _float(default: float | None, low: int | None = None, high: int | None = None) -> Parameter:
    return Parameter(
        "float",
        default,
        number(low, high),
        None if low is None else float(low),
        None if high is None else float(high),
    )


_DIRECTION: Final = Parameter("str", "both", one_of(DIRECTIONS), values=DIRECTIONS)
_SIZE: Final = Parameter("float", 1.0, FRACTION, 0.0, 1.0)

PARAMETERS: Final[Mapping[str, Parameters]] = {
    "ema_crossover": {
        "fast_period": _int(12, 1, 500),
        "slow_period": _int(26, 2, 500),
        "lookback": _int(3, 1, 500),
        "min_gap": _float(None, 0),
        "direction": _DIRECTION,
        "buy_threshold": _float(0.0),
        "sell_threshold": _float(0.0),
        "position_size": _SIZE,
    },
    "rsi": {
        "rsi_period": _int(14, 2, 500),
        "overbought": _float(70.0, 50, 100),
        "oversold": _float(30.0, 0, 50),
        "position_size": _SIZE,
    },
    "fvg": {
        "min_gap_size": _float(0.0, 0),
        "direction": _DIRECTION,
        "lookback": _int(3, 1, 500),
        "position_size": _SIZE,
    },
    "sample": {
        "indicator_value": _float(0.0),
        "buy_threshold": _float(1.0),
        "sell_threshold": _float(-1.0),
        "position_size": _SIZE,
    },
}

ALIASES: Final[Mapping[str, Mapping[str, str]]] = {
    "ema_crossover": {"ema_fast": "fast_period", "ema_slow": "slow_period"}
}
"""By strategy: other names that win if both are present."""

_BELOW: Final = {"ema_crossover": ("fast_period", "slow_period"), "rsi": ("oversold", "overbought")}
"""By strategy: which parameter must be less than which."""


def rules(strategy: str) -> dict[str, Rule]:
    """The rule of each parameter, also by its other name."""
    known = PARAMETERS[strategy]
    aliases = ALIASES.get(strategy, {})
    return {name: one.rule for name, one in known.items()} | {
        alias: known[name].rule for alias, name in aliases.items()
    }


def read_parameters(strategy: str, raw: Mapping[str, object]) -> Given:
    """Every parameter, from `raw` or by default; null counts as missing, other keys are ignored.

    Raises InvalidParameters with everything that is wrong.
    """
    given, problems = _read(strategy, raw)
    problems = problems or list(_contradictions(strategy, given))
    if problems:
        raise InvalidParameters("Invalid parameters", details=tuple(problems))
    return given


def problems_of(strategy: str, raw: Mapping[str, object], *, alone: bool = False) -> list[str]:
    """Everything that is wrong; with `alone` each parameter by itself, others are to come."""
    given, problems = _read(strategy, raw)
    return problems or ([] if alone else list(_contradictions(strategy, given)))


def _read(strategy: str, raw: Mapping[str, object]) -> tuple[Given, list[str]]:
    given = {name: one.default for name, one in PARAMETERS[strategy].items()}
    problems = []
    for sent, name, rule in _sent(strategy, raw):
        try:
            given[name] = _plain(rule.read(raw[sent]), given[name])
        except ValueError:
            problems.append(f"{sent} must be {rule.text}")
    return given, problems


def _sent(strategy: str, raw: Mapping[str, object]) -> Iterator[tuple[str, str, Rule]]:
    """The name as sent, the real one, and the rule; an alias comes after what it wins over."""
    aliases = ALIASES.get(strategy, {})
    for sent, rule in rules(strategy).items():
        if raw.get(sent) is not None:
            yield sent, aliases.get(sent, sent), rule


def _plain(value: Value, default: str | int | float | None) -> str | int | float:
    """As the strategies reckon: indicators are doubles."""
    if isinstance(value, str):
        return value
    if value is None:
        raise ValueError(value)
    return int(value) if isinstance(default, int) else float(value)


def _contradictions(strategy: str, given: Given) -> Iterator[str]:
    if strategy in _BELOW:
        smaller, larger = _BELOW[strategy]
        low, high = given[smaller], given[larger]
        if isinstance(low, int | float) and isinstance(high, int | float) and low >= high:
            yield f"{smaller} must be less than {larger}"
