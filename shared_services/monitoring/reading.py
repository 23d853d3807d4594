"""What is asked of the alerts, read from a query."""

from decimal import Decimal
from typing import Final

from shared_services.errors import InvalidQuery
from shared_services.monitoring.alerts import Level
from shared_services.numbers import decimal_of

HOURS: Final = Decimal(24)
MOST_HOURS: Final = Decimal(168)


def read_level(text: str | None) -> Level | None:
    """None for all of them; raises InvalidQuery."""
    if text is None:
        return None
    name = text.upper() if text.isascii() else text  # of some letters upper() makes ASCII
    if name not in set(Level):
        raise InvalidQuery(f"Invalid level: {text}")
    return Level(name)


def read_hours(text: str | None) -> Decimal:
    """How far to look back; raises InvalidQuery."""
    hours = HOURS if text is None else decimal_of(text)
    if hours is None or not 0 < hours <= MOST_HOURS:
        raise InvalidQuery("Invalid hours: must be greater than 0 and at most 168")
    return hours
