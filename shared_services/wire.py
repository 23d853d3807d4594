"""How exact values look to a client. Pure."""

from datetime import UTC, datetime
from decimal import Decimal


def number(value: Decimal) -> float:
    """The nearest double: money is exact inside and a JSON number on the wire."""
    return float(value)


def iso_z(ms: int) -> str:
    """`2023-11-14T22:13:20Z`; milliseconds only when there are any."""
    seconds, fraction = divmod(ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:03d}Z" if fraction else f"{text}Z"


def utc_day(ms: int) -> str:
    """`2023-11-14`: the UTC day that `ms` belongs to."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d")
