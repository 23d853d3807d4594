"""What clients may change of the configuration, read and judged. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from shared_services.config.document import leaves
from shared_services.config.model import CombinationMethod
from shared_services.config.reading import NONE_ENABLED, WINDOW, InForce, read_value
from shared_services.config.schema import PROBABILITY, UPPER_CASE, Path, dotted
from shared_services.errors import InvalidConfig
from shared_services.jsonbody import JsonObject
from shared_services.rules import FRACTION, Value

Changes = dict[Path, Value]

_REFUSED: Final = "Invalid configuration"
_ALWAYS_JUDGED: Final = frozenset({NONE_ENABLED, WINDOW})
_FRACTIONS: Final = (
    *(f"confidence_threshold_{action}" for action in ("buy", "sell", "hold")),
    "risk_score_threshold",
)
_METHODS: Final = tuple(CombinationMethod)


def read_update(body: JsonObject) -> Changes:
    """The fields that the body sets, under either of their names.

    Raises InvalidConfig with everything that is wrong with it.
    """
    changes: Changes = {}
    sent: dict[Path, str] = {}
    wrong: list[str] = []
    for name, path, value in _fields(body):
        try:
            kept = read_value(path, value, name)
        except ValueError as error:
            wrong.append(str(error))
            continue
        if path in changes and changes[path] != kept:
            wrong.append(" and ".join(sorted((sent[path], name))) + " differ")
        changes[path], sent[path] = kept, name
    if wrong:
        raise InvalidConfig(_REFUSED, details=tuple(wrong))
    return changes


def judge(before: InForce, after: InForce) -> None:
    """Raise InvalidConfig if the result contradicts itself where it did not before.

    That a strategy is enabled and the trading window has an hour is asked of every result.
    """
    old = set(before.conflicts) - _ALWAYS_JUDGED
    new = tuple(conflict for conflict in after.conflicts if conflict not in old)
    if new:
        raise InvalidConfig(_REFUSED, details=new)


def read_weight(body: JsonObject) -> Decimal:
    """Raises InvalidConfig."""
    weight = body.get("weight")
    if weight is None:
        raise InvalidConfig("Weight value is required")
    if isinstance(weight, bool) or not isinstance(weight, int | Decimal):
        raise InvalidConfig("Weight must be a number")
    if not 0 <= weight <= 1:
        raise InvalidConfig("Weight must be between 0.0 and 1.0")
    return Decimal(weight)


def read_probability(body: JsonObject) -> Changes:
    """The settings that the body names, in the order sent. Raises InvalidConfig for the first wrong."""
    settings = body.get(PROBABILITY)
    if not isinstance(settings, dict):
        raise InvalidConfig(f"{PROBABILITY} field is required")
    for name in _FRACTIONS:
        if name in settings and not _is_fraction(settings[name]):
            raise InvalidConfig(f"{name} must be between 0.0 and 1.0")
    if settings.get("combination_method", _METHODS[0]) not in _METHODS:
        raise InvalidConfig(f"combination_method must be '{_METHODS[0]}' or '{_METHODS[1]}'")
    if not isinstance(settings.get("enable_dynamic_weights", True), bool):
        raise InvalidConfig("enable_dynamic_weights must be a boolean")
    known = {*_FRACTIONS, "combination_method", "enable_dynamic_weights"}
    for name in settings:
        if name not in known:
            raise InvalidConfig(f"Unknown probability setting: {name}")
    return {(PROBABILITY, name): value for name, value in settings.items()}


def _fields(body: Mapping[str, object]) -> Iterator[tuple[str, Path, object]]:
    """Each field as it was called, where it belongs, and its value."""
    for name, value in body.items():
        if name in UPPER_CASE:
            yield name, UPPER_CASE[name], value
        else:
            yield from ((dotted(path), path, leaf) for path, leaf in leaves({name: value}))


def _is_fraction(value: object) -> bool:
    try:
        FRACTION.read(value)
    except ValueError:
        return False
    return True
