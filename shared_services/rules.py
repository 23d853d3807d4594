"""What a value of the configuration, or a parameter of a strategy, must be. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from shared_services.numbers import number_of
from shared_services.symbols import from_compact

Value: TypeAlias = str | bool | int | Decimal | None
"""A value as it is stored: `2` stays an int, `2.0` a Decimal."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` completes `<field> must be …`; `read` returns what to keep of a value.

    `read` raises ValueError for a value that breaks the rule.
    """

    text: str
    read: Callable[[object], Value]


def number(low: int | None = None, high: int | None = None, *, above: bool = False) -> Rule:
    """A number from `low` to `high`; with `above`, `low` itself is too small."""

    def read(value: object) -> Value:
        kept = _number(value)
        if low is not None and (kept < low or (above and kept == low)):
            raise ValueError(low)
        if high is not None and kept > high:
            raise ValueError(high)
        return kept

    return Rule(_range(low, high, above=above), read)


def integer(low: int, high: int | None = None) -> Rule:
    """Also `14.0`: to a client it is the same number as `14`."""
    in_range = number(low, high)

    def read(value: object) -> Value:
        in_range.read(value)
        kept = _number(value)
        if kept != int(kept):
            raise ValueError(kept)
        return kept

    bounds = f"of {in_range.text}" if high is None else in_range.text
    return Rule(f"an integer {bounds}", read)


def optional(rule: Rule) -> Rule:
    """As `rule`, or null."""
    return Rule(f"{rule.text}, or null", lambda value: None if value is None else rule.read(value))


def one_of(choices: Iterable[str]) -> Rule:
    known = tuple(choices)

    def read(value: object) -> Value:
        text = _text(value)
        if text not in known:
            raise ValueError(text)
        return text

    return Rule(f"one of {', '.join(known)}", read)


def _boolean(value: object) -> Value:
    if not isinstance(value, bool):
        raise ValueError(type(value))  # noqa: TRY004 - a broken rule is one kind of error
    return value


def _symbol(value: object) -> Value:
    text = _text(value)
    if not text:
        raise ValueError(text)
    return from_compact(text)


def _text(value: object) -> str:
    """Half of a surrogate pair is JSON, and no text: it could not be sent to anybody."""
    if not isinstance(value, str):
        raise ValueError(type(value))  # noqa: TRY004 - a broken rule is one kind of error
    value.encode()
    return value


def _number(value: object) -> int | Decimal:
    """As it is written: `2` stays an int, `2.0` a Decimal. A numeric string is no number here."""
    exact = number_of(value)
    if exact is None:
        raise ValueError(type(value))
    return value if isinstance(value, int) else exact


def _range(low: int | None, high: int | None, *, above: bool) -> str:
    if low is None:
        return "a number"
    if high is None:
        return f"above {low}" if above else f"at least {low}"
    return f"above {low} and at most {high}" if above else f"between {low} and {high}"


BOOLEAN: Final = Rule("a boolean", _boolean)
TEXT: Final = Rule("a string", _text)
SYMBOL: Final = Rule("a non-empty string", _symbol)
FRACTION: Final = number(0, 1)
PERCENT: Final = number(0, 100)
