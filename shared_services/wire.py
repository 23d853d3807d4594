"""How exact values look to a client. Pure."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def number(value: Decimal) -> float:
    """The nearest double: money is exact inside and a JSON number on the wire."""
    return float(value)


def as_stored(value: str | bool | int | Decimal | None) -> str | bool | int | float | None:
    """A value of the configuration: `2` stays `2`, `2.0` stays `2.0`."""
    return number(value) if isinstance(value, Decimal) else value


def as_sent(value: object) -> object:
    """A value that a client sent, at any depth; `is_readable` says whether it can go back."""
    match value:
        case Decimal():
            return number(value)
        case dict():
            return {name: as_sent(one) for name, one in value.items()}
        case list():
            return [as_sent(one) for one in value]
    return value


def is_readable(value: object) -> bool:
    """Whether every number in it is finite as a double."""
    match value:
        case Decimal():
            return math.isfinite(number(value))
        case dict():
            return all(is_readable(one) for one in value.values())
        case list():
            return all(is_readable(one) for one in value)
    return True


def iso_z(ms: int) -> str:
    """`2023-11-14T22:13:20Z`; milliseconds only when there are any."""
    seconds, fraction = divmod(ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:03d}Z" if fraction else f"{text}Z"


def iso_n(ms: int) -> str:
    """`2023-11-14T22:13:20.123000`: UTC without an offset; no fraction when it is zero."""
    return _utc(ms).replace(tzinfo=None).isoformat()


def iso_o(ms: int) -> str:
    """`2023-11-14T22:13:20.123000+00:00`; no fraction when it is zero."""
    return _utc(ms).isoformat()


def bar_key(us: int) -> str:
    """`2023-11-14 22:13:20`, from microseconds; six fraction digits only when they are not zero."""
    return (_EPOCH + timedelta(microseconds=us)).replace(tzinfo=None).isoformat(" ")


def http_date(ms: int) -> str:
    """`Tue, 14 Nov 2023 22:13:20 GMT`: whole seconds (RFC 9110, 5.6.7)."""
    return format_datetime(_utc(ms).replace(microsecond=0), usegmt=True)


def utc_day(ms: int) -> str:
    """`2023-11-14`: the UTC day that `ms` belongs to."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d")


def _utc(ms: int) -> datetime:
    """Exact: a float of seconds would round."""
    return _EPOCH + timedelta(milliseconds=ms)
