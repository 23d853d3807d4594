"""What a field of a row may hold, checked the same way before every store.

SQLite would take text with NUL, PostgreSQL would round a 19th decimal, memory would take anything:
a value that one of them refuses or changes is refused by all.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

WHOLE_DIGITS = 20
DECIMALS = 18
INT_BITS = 64


class Unstorable(ValueError):
    """A value that not every store can keep exactly; the message names rule and value."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: type[str] | type[int] | type[bool] | type[Decimal]
    nullable: bool

    @property
    def is_money(self) -> bool:
        return self.type is Decimal

    def storable(self, value: object) -> object:
        """`value` in the one form that every store gives back.

        Raises TypeError for a value of another type, Unstorable for one that cannot be kept.
        """
        if value is None and self.nullable:
            return None
        if not isinstance(value, self.type) or (self.type is int and isinstance(value, bool)):
            raise TypeError(f"{self.name}: {self.type.__name__} needed, not {value!r}")
        try:
            return _FORMS[self.type](value)
        except Unstorable as refusal:
            raise Unstorable(f"{self.name}: {refusal}") from None


def columns_of(row: type) -> Mapping[str, Column]:
    """The columns of a row class by name, in the order of its fields; TypeError if it has none."""
    if not dataclasses.is_dataclass(row):
        raise TypeError(f"{row.__qualname__} is no dataclass")
    hints = typing.get_type_hints(row)
    return {
        field.name: _column(row, field.name, hints[field.name]) for field in dataclasses.fields(row)
    }


def _column(row: type, name: str, hint: object) -> Column:
    members = set(typing.get_args(hint)) if typing.get_origin(hint) in _UNIONS else {hint}
    nullable = types.NoneType in members
    named = [getattr(member, "__supertype__", member) for member in members - {types.NoneType}]
    for known in (str, int, bool, Decimal):
        if named == [known]:
            return Column(name, known, nullable)
    raise TypeError(
        f"{row.__qualname__}.{name}: {hint} is no column type; "
        "one of str, int, bool, Decimal, each also | None"
    )


def _text(value: str) -> str:
    if "\0" in value:
        raise Unstorable(f"text holds no NUL character: {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unstorable(f"text holds no lone surrogate: {value!r}") from None
    return str.__str__(value)


def _integer(value: int) -> int:
    if not -(2 ** (INT_BITS - 1)) <= value < 2 ** (INT_BITS - 1):
        raise Unstorable(f"an int has at most {INT_BITS} bits, not {value.bit_length() + 1}")
    return int.__int__(value)


def money(value: Decimal) -> Decimal:
    """`value` without trailing zeros, exponent or negative zero; Unstorable if it is not exact."""
    if not value.is_finite():
        raise Unstorable(f"money is finite, not {value}")
    if not value:
        return Decimal(0)
    if value.adjusted() >= WHOLE_DIGITS:
        raise Unstorable(f"money has at most {WHOLE_DIGITS} digits before the point: {value}")
    whole, _, decimals = format(value, "f").partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) > DECIMALS:
        raise Unstorable(f"money has at most {DECIMALS} decimals: {value}")
    return Decimal(f"{whole}.{decimals}" if decimals else whole)


_UNIONS = (types.UnionType, typing.Union)  # `NewType | None` is the older kind

_FORMS: Mapping[type, Callable[[typing.Any], object]] = {
    str: _text,
    int: _integer,
    bool: bool,
    Decimal: money,
}
