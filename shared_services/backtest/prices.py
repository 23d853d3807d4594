"""Price data of a request, judged and read exactly.

Columns `{"timestamp": […], …}` or rows `[{"timestamp": …, …}, …]`; every function raises InvalidPrices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

import numpy as np

from shared_services.errors import InvalidPrices
from shared_services.numbers import number_of
from shared_services.strategies.indicators import Series
from shared_services.strategies.series import Bars

MAX_ROWS: Final = 50_000
PRICES: Final = ("open", "high", "low", "close")

_FORMAT: Final = "Invalid data format"
_TOO_MANY: Final = f"Too many data rows: at most {MAX_ROWS}"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST_US: Final = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH) // timedelta(
    microseconds=1
)

Columns = Mapping[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class Prices:
    """`times` in microseconds since 1970 UTC, strictly increasing; the other columns as sent."""

    times: tuple[int, ...]
    columns: Mapping[str, tuple[Decimal, ...]]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def close(self) -> tuple[Decimal, ...]:
        return self.columns["close"]

    @property
    def bars(self) -> Bars:
        return bars_of(self.columns)


def bars_of(columns: Mapping[str, Sequence[Decimal]]) -> Bars:
    """As doubles; what is not there is empty."""
    close, high, low = (doubles(columns.get(name, ())) for name in ("close", "high", "low"))
    return Bars(close, high, low)


def doubles(values: Sequence[Decimal]) -> Series:
    """The nearest ones."""
    return np.array([float(value) for value in values], dtype=np.float64)


def read_prices(data: object, needed: Sequence[str] = ()) -> Prices:
    """All that a backtest asks of its data; `needed` are columns beside time and close."""
    columns = columns_of(data, "timestamp", "close", *needed)
    if len({len(column) for column in columns.values()}) > 1:
        raise InvalidPrices("All data columns must have the same length")
    numbers = {
        name: _numbers(name, columns[name]) for name in (*PRICES, "volume") if name in columns
    }
    times = read_times(columns.get("timestamp", ()))
    if len(times) < 2:
        raise InvalidPrices("Data for backtest must contain at least 2 rows.")
    if len(times) > MAX_ROWS:
        raise InvalidPrices(_TOO_MANY)
    return Prices(times, numbers)


def read_rows(data: object) -> dict[str, tuple[Decimal, ...]]:
    """The four prices of rows without times, as analyses get them."""
    if not data:
        raise InvalidPrices("No price data provided")
    if not isinstance(data, list):
        raise InvalidPrices(_FORMAT)
    columns = columns_of(data)
    if not set(PRICES) <= columns.keys():
        raise InvalidPrices(f"Data must contain columns: {list(PRICES)}")
    prices = {name: _numbers(name, columns[name]) for name in PRICES}
    if len(data) > MAX_ROWS:
        raise InvalidPrices(_TOO_MANY)
    return prices


def columns_of(data: object, *needed: str) -> Columns:
    """By name; what a row lacks is None in its column. No rows at all have every column."""
    if isinstance(data, dict) and all(isinstance(one, list) for one in data.values()):
        columns = data
    elif isinstance(data, list) and all(isinstance(one, dict) for one in data):
        names = dict.fromkeys(name for row in data for name in row) if data else needed
        columns = {name: [row.get(name) for row in data] for name in names}
    else:
        raise InvalidPrices(_FORMAT)
    for name in needed:
        if name not in columns:
            raise InvalidPrices(f"Missing data column: {name}")
    return columns


def read_times(column: Sequence[object]) -> tuple[int, ...]:
    """Microseconds since 1970 UTC, from milliseconds or text, strictly increasing."""
    times = tuple(_time(place, value) for place, value in enumerate(column))
    if any(before >= after for before, after in pairwise(times)):
        raise InvalidPrices("timestamp must be strictly increasing")
    return times


def _numbers(name: str, column: Sequence[object]) -> tuple[Decimal, ...]:
    """Prices are above 0, a volume may be 0."""
    numbers = []
    for place, value in enumerate(column):
        number = number_of(value)
        if number is None or number < 0 or (not number and name != "volume"):
            raise InvalidPrices(f"Invalid number in column {name} at row {place}")
        numbers.append(number)
    return tuple(numbers)


def _time(place: int, value: object) -> int:
    microseconds = _of_text(value) if isinstance(value, str) else _of_number(value)
    if microseconds is None or not _FIRST_US <= microseconds <= _LAST_US:
        raise InvalidPrices(f"Invalid timestamp at row {place}")
    return microseconds


def _of_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _of_number(value: object) -> int | None:
    number = number_of(value)
    if number is None or number != number.to_integral_value() or abs(number) > _LAST_US:
        return None
    return int(number) * 1000
