"""What is in force of a document, whatever it holds. Pure.

A wrong value is reported and the shipped one takes its place: nothing ever works with a limit
that nobody would have accepted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, cast

from shared_services.config.document import leaves
from shared_services.config.model import STRATEGY_NAMES
from shared_services.config.schema import BRANCHES, DEFAULTS, FIELDS, STRATEGIES, Path, dotted
from shared_services.jsonbody import JsonObject
from shared_services.rules import Value
from shared_services.wire import number

NONE_ENABLED: Final = "At least one strategy must be enabled"
WINDOW: Final = "trading_window.start_hour must be less than trading_window.end_hour"

_TOLERANCE: Final = Decimal("0.01")  # of the sum of the weights
_THRESHOLDS: Final = tuple(f"confidence_threshold_{action}" for action in ("buy", "sell", "hold"))
_TOLD: Final[Mapping[Path, str]] = {
    ("risk", "max_position_size"): "max_position_size must be between 0 and 1",
    ("risk", "max_leverage"): "max_leverage must be >= 1",
    **{("probability_settings", name): f"{name} must be between 0 and 1" for name in _THRESHOLDS},
}
"""What config.validate says of these, in words that clients know."""


@dataclass(frozen=True, slots=True)
class Pair:
    """`low` must be less than `high`. Each has several names, of which the first one set counts."""

    low: tuple[Path, ...]
    high: tuple[Path, ...]

    def settle(self, values: dict[Path, Value]) -> str | None:
        """What is wrong with the two, if anything is; then they are as shipped."""
        low, high = (next(one for one in side if one in values) for side in (self.low, self.high))
        if decimal(values[low]) < decimal(values[high]):
            return None
        both = self.low + self.high
        for path in both:
            values.pop(path, None)
        values.update({path: DEFAULTS[path] for path in both if path in DEFAULTS})
        return f"{dotted(low)} must be less than {dotted(high)}"


_EMA: Final = (STRATEGIES, "ema_crossover")
_PAIRS: Final = (
    Pair((("trading_window", "start_hour"),), (("trading_window", "end_hour"),)),
    Pair(
        ((*_EMA, "ema_fast"), (*_EMA, "fast_period")), ((*_EMA, "ema_slow"), (*_EMA, "slow_period"))
    ),
    Pair(((STRATEGIES, "rsi", "oversold"),), ((STRATEGIES, "rsi", "overbought"),)),
)


@dataclass(frozen=True, slots=True)
class InForce:
    """`values` of all fields that have one, `strategies` in the order of the document.

    `named` are the fields that the document itself gives a right value, `wrong` is said of values
    that were not taken from it, `conflicts` of what fits only one by one.
    """

    values: Mapping[Path, Value]
    strategies: tuple[str, ...]
    named: frozenset[Path] = frozenset()
    wrong: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        return self.wrong + self.conflicts

    @property
    def enabled(self) -> tuple[str, ...]:
        return tuple(one for one in self.strategies if self.values[STRATEGIES, one, "enabled"])

    @property
    def total_weight(self) -> Decimal:
        """The sum over the enabled strategies, as stored."""
        weights = (decimal(self.values[STRATEGIES, one, "weight"]) for one in self.enabled)
        return sum(weights, Decimal(0))

    def section(self, *branch: str) -> dict[str, Value]:
        """The values directly below `branch`, by their keys."""
        return {path[-1]: value for path, value in self.values.items() if path[:-1] == branch}


def read_document(document: JsonObject) -> InForce:
    """Every field of the schema, from `document` where that is right, else as shipped."""
    values, named, wrong = dict(DEFAULTS), set[Path](), list[str]()
    for path, value in leaves(document):
        try:
            values[path] = read_value(path, value, dotted(path))
            named.add(path)
        except ValueError as error:
            wrong.append(_TOLD.get(path, str(error)))
    conflicts = [problem for pair in _PAIRS if (problem := pair.settle(values))]
    in_force = InForce(values, _order(document), frozenset(named), tuple(wrong))
    if not in_force.enabled:
        conflicts.append(NONE_ENABLED)
    return replace(in_force, conflicts=tuple(conflicts))


def read_value(path: Path, value: object, name: str) -> Value:
    """What to keep of a value. Raises ValueError, in words about `name`, as the field was called."""
    if path in BRANCHES:
        raise ValueError(f"{name} must be an object")
    if path not in FIELDS:
        raise ValueError(f"Unknown field: {_printable(name)}")
    rule = FIELDS[path].rule
    try:
        return rule.read(value)
    except ValueError as error:
        raise ValueError(f"{name} must be {rule.text}") from error


def weights_problem(in_force: InForce) -> str | None:
    """Weights are divided by their sum when they are used: another sum than 1 is odd, not wrong."""
    total = in_force.total_weight
    if not in_force.enabled or abs(total - 1) <= _TOLERANCE:
        return None
    return f"Strategy weights should sum to 1.0, got {number(total)}"


def decimal(value: Value) -> Decimal:
    """Of a field whose rule asks for a number."""
    return Decimal(cast("int | Decimal", value))


def _order(document: JsonObject) -> tuple[str, ...]:
    """The strategies that the document names, then the others."""
    section = document.get(STRATEGIES)
    named = [one for one in section if one in STRATEGY_NAMES] if isinstance(section, dict) else []
    return tuple(dict.fromkeys([*named, *STRATEGY_NAMES]))


def _printable(name: str) -> str:
    """Half of a surrogate pair is JSON, and no text."""
    return name.encode(errors="backslashreplace").decode()
