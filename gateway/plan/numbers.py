"""Percentages of a plan: exact, in steps of one bucket."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator

from gateway.routes import SPACE

_STEP: Final = Decimal(100) / SPACE  # percent


def _percent(value: object) -> Decimal:
    """A number from 0 to 100 in steps of 0.001."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        near = str(value).strip().rstrip("%")
        hint = f"; write {near}" if near.isdecimal() else ""
        raise ValueError(  # noqa: TRY004 (pydantic reports ValueErrors only)
            f"{value!r} is no percentage: a number from 0 to 100{hint}"
        )
    percent = Decimal(str(value))
    if not percent.is_finite():
        raise ValueError(f"{value} is no percentage: a number from 0 to 100")
    if not 0 <= percent <= 100:
        raise ValueError(f"{value} is outside 0 to 100; nearest: {0 if percent < 0 else 100}")
    if percent % _STEP:
        raise ValueError(f"{value} is finer than {_STEP}; nearest: {percent.quantize(_STEP)}")
    return percent


Percent = Annotated[Decimal, BeforeValidator(_percent)]


def buckets(percent: Decimal) -> int:
    """A percentage as buckets, 0 to SPACE: exact, for percentages are steps of one bucket."""
    return int(percent * SPACE / 100)


def percent_of(split: int) -> int | float:
    """Buckets as a percentage, whole where it is."""
    return split * 100 // SPACE if split * 100 % SPACE == 0 else split * 100 / SPACE
