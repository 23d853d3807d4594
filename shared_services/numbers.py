"""Numbers of a request, read exactly: `0.1` is one tenth, not the nearest double."""

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Final

_NUMERIC: Final = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def decimal_of(value: object) -> Decimal | None:
    """`value` if it is a number or a numeric string that is finite as a double, else None.

    What is zero as a double is zero. `True` and `False` are no numbers.
    """
    if isinstance(value, str):
        value = exact(value.strip()) if _NUMERIC.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    nearest = float(number)
    if not math.isfinite(nearest):
        return None
    return number if nearest else Decimal(0)


def number_of(value: object) -> Decimal | None:
    """As `decimal_of`, but a numeric string is no number."""
    return None if isinstance(value, str) else decimal_of(value)


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """0 of nothing."""
    return part / whole * 100 if whole else Decimal(0)


def as_written(value: float) -> Decimal:
    """The double as it is written: 0.1 is one tenth."""
    return Decimal(repr(value))


def exact(text: str) -> Decimal:
    """The number in `text`, which has the form of a JSON number."""
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent of 19 digits: zero or infinite as a double
        return Decimal(float(text))


def plain(value: Decimal) -> str:
    """The shortest text without an exponent: one text for equal numbers."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
